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


class Names(click.ParamType[Any]):
    """A comma list of names, or several of them."""

    name = "a,b,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Read the names in their order; an empty one is refused."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            raise UsageError(f"{_flag(param)}: names separated by commas are required, found {value!r}")
        return names


class Counts(Names):
    """A comma list of whole numbers."""

    name = "n,n,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the numbers in their order; `Settings` refuses those that are not usable."""
        if isinstance(value, tuple):
            return value
        return tuple(_integer(text, param) for text in super().convert(value, param, ctx))


class CheckpointCount(click.ParamType[Any]):
    """A whole number, or `all` (None)."""

    name = "n|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Read the number, or None for all."""
        return None if value == "all" else _integer(value, param)


def _integer(value: Any, param: click.Parameter | None) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise UsageError(f"{_flag(param)}: a whole number is required, found {value!r}") from error


def _flag(param: click.Parameter | None) -> str:
    return param.opts[0] if param is not None else "argument"


def _settings_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command a flag for every setting that has one."""
    # Click lists the option that was added last first.
    for row in reversed(setting_rows()):
        if row.flag is not None:
            command = _option(row, row.flag)(command)
    return command


def _option(row: SettingRow, flag: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    types: dict[str, Any] = {
        "counts": Counts(),
        "count": int,
        "count or all": CheckpointCount(),
        "choice": click.Choice(list(row.choices)),
        "positive": float,
        "switch": bool,
        "device": str,
    }
    metavar = {"count or all": "N|all", "device": "auto|cpu|cuda[:n]"}.get(row.kind)
    default = row.default if row.kind in ("count", "positive", "switch") else row.word(row.default)
    return click.option(flag, type=types[row.kind], default=default, show_default=True, metavar=metavar, help=row.help)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write report.html, report.md, report.json and tables into this folder.",
)
@_settings_options
@click.option("--sources", type=Names(), default=None, help=_SOURCES)
@click.option("--tasks", type=Names(), default=None, help="Tasks. [default: every task of the run]")
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

    RUNS are run directories or folders of them. Results are kept in the runs, so that the same question is answered at
    once the next time, and an interrupted one goes on where it stopped.
    """
    chosen = Settings(**settings)
    from sedscope.report.gate.gate import Gate
    from sedscope.report.question import Question
    from sedscope.report.report import report_runs

    gate = Gate.of(checks, baseline, max_change, junit)
    return report_runs(runs, Question(chosen, sources, tasks, crossed), out, gate)
