"""`sedscope report`: its flags, and one hand-off to `sedscope.report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recorders.errors import UsageError
from recorders.row_sources import ROW_SOURCES
from sedscope.analysis.settings import Settings

_DEFAULT = Settings()
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


def _comma_list(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write report.html, report.md, report.json and tables into this folder.",
)
@click.option(
    "--window",
    type=Counts(),
    default=_comma_list(_DEFAULT.window),
    show_default=True,
    help="W: rows of a window. Several: all from one coupling Gram matrix.",
)
@click.option(
    "--rank",
    type=Counts(),
    default=_comma_list(_DEFAULT.rank),
    show_default=True,
    help="K: directions of a basis. Several: as for --window.",
)
@click.option("--probes", type=int, default=_DEFAULT.probes, show_default=True, help="N: probe inputs.")
@click.option(
    "--random", type=int, default=_DEFAULT.random, show_default=True, help="Random directions of the baseline."
)
@click.option(
    "--align",
    type=click.Choice(["trailing", "leading"]),
    default=_DEFAULT.align,
    show_default=True,
    help="The window at t ends at t, or starts there.",
)
@click.option(
    "--centroid",
    type=click.Choice(["target", "sum"]),
    default=_DEFAULT.centroid,
    show_default=True,
    help="Gradient of the target's logit, or of the sum of logits.",
)
@click.option(
    "--method",
    type=click.Choice(["exact", "central"]),
    default=_DEFAULT.method,
    show_default=True,
    help="Exact derivative, or central difference.",
)
@click.option(
    "--epsilon",
    type=float,
    default=_DEFAULT.epsilon,
    show_default=True,
    help="Step of the central difference, relative to the norm of the selected weights.",
)
@click.option(
    "--checkpoints",
    type=CheckpointCount(),
    default=str(_DEFAULT.checkpoints),
    metavar="N|all",
    show_default=True,
    help="How many, evenly spaced over the run.",
)
@click.option(
    "--batches",
    type=int,
    default=_DEFAULT.batches,
    show_default=True,
    help="Fixed batches: their mean R, with the spread.",
)
@click.option(
    "--part",
    type=click.Choice(["all", "train", "test"]),
    default=_DEFAULT.part,
    show_default=True,
    help="Which examples of the pool the fixed batches are drawn from.",
)
@click.option("--sources", type=Names(), default=None, help=_SOURCES)
@click.option("--tasks", type=Names(), default=None, help="Tasks. [default: every task of the run]")
@click.option("--crossed", is_flag=True, help="Every source against every task, not its own alone.")
@click.option(
    "--device",
    default=_DEFAULT.device,
    show_default=True,
    metavar="auto|cpu|cuda[:n]",
    help="Where Jacobian-vector products run.",
)
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
