"""`sedscope report`: its flags, and one hand-off to `sedscope.report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recorders.errors import UsageError
from recorders.row_sources import ROW_SOURCES
from sedscope.analysis.settings import SettingRow, Settings, setting_rows

_SOURCES = f"Row sources: {', '.join(row.pattern for row in ROW_SOURCES)}. [default: every source of the run]"


class SettingText(click.ParamType[Any]):
    """A value that a function reads off its text, or refuses with a ValueError that says what is required."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a text; a default is a value already."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError as error:
            raise UsageError(f"{param.opts[0] if param else 'argument'}: {error}") from error


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError(f"names separated by commas are required, found {text!r}")
    return names


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"a whole number is required, found {text!r}") from error


_NAMES = SettingText("a,b,…", _names)
_TYPES: dict[str, Any] = {
    "counts": SettingText("n,n,…", lambda text: tuple(map(_integer, _names(text)))),
    "count": int,
    "count or all": SettingText("n|all", lambda text: None if text == "all" else _integer(text)),
    "positive": float,
    "switch": bool,
    "device": str,
}
"""Click's type for every kind of setting but a choice."""


def _settings_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command a flag for every setting that has one."""
    # Click lists the option that was added last first.
    for row in reversed(setting_rows()):
        if row.flag is not None:
            command = _option(row, row.flag)(command)
    return command


def _option(row: SettingRow, flag: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    kind = click.Choice(list(row.choices)) if row.kind == "choice" else _TYPES[row.kind]
    metavar = {"count or all": "N|all", "device": "auto|cpu|cuda[:n]"}.get(row.kind)
    default = row.default if row.kind in ("count", "positive", "switch") else row.word(row.default)
    return click.option(flag, type=kind, default=default, show_default=True, metavar=metavar, help=row.help)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write report.html, report.md, report.json and tables into this folder.",
)
@_settings_options
@click.option("--sources", type=_NAMES, default=None, help=_SOURCES)
@click.option("--tasks", type=_NAMES, default=None, help="Tasks. [default: every task of the run]")
@click.option("--crossed", is_flag=True, help="Every source against every task, not its own alone.")
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="EXPR",
    help="A comparison that must hold, else exit status 1; repeatable. docs/checks.md has the grammar.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="An earlier report.json, whose numbers must not have changed by more than --max-change.",
)
@click.option("--max-change", default=None, metavar="SHARE", help="Such as 10% or 0.1. [default: 10%]")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write checks as JUnit XML.")
def report(
    runs: tuple[Path, ...],
    out: Path | None,
    sources: tuple[str, ...] | None,
    tasks: tuple[str, ...] | None,
    crossed: bool,
    checks: tuple[str, ...],
    baseline: Path | None,
    max_change: str | None,
    junit: Path | None,
    **settings: Any,
) -> int:
    """Measure how strongly the directions of RUNS couple to features: a table, and a report with --out.

    RUNS are run directories or folders of them. Results are kept in your cache directory (~/.cache/sedscope/results, or
    below $XDG_CACHE_HOME), so that the same question is answered at once the next time, and an interrupted one goes on
    where it stopped. Results that came with a run are never read.
    """
    chosen = Settings(**settings)
    from sedscope.report.gate.gate import Gate
    from sedscope.report.question import Question
    from sedscope.report.report import report_runs

    gate = Gate.of(checks, baseline, max_change, junit)
    return report_runs(runs, Question(chosen, sources, tasks, crossed), out, gate)
