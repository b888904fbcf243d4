"""The runs of a comparison as a table for other programs: one row for each run, cohort and task.

Decides the columns (`docs/report.md` lists them). What is undefined is null; of a quotient that is only bounded one end
is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from sedscope.analysis.interventions import Cohort, InterventionComparison, Outcome, TreatmentGroup
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.time_quotients import QuotientBounds
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined

_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("run", "path", "cohort", "task", "intervention", "mode", "on"), pl.String),
    **dict.fromkeys(("rank", "window"), pl.Int64),
    **dict.fromkeys(("basis_source", "basis", "seed"), pl.String),
    **dict.fromkeys(("grok_step", "grok_step_098", "memorisation_step", "delay", "followed_to"), pl.Int64),
    **dict.fromkeys(("speedup_low", "speedup_high", "speedup_098_low", "speedup_098_high", "norm_kept"), pl.Float64),
}


def runs_table(comparison: InterventionComparison | None) -> pl.DataFrame:
    """Every run; only the columns where nothing was compared."""
    rows = [] if comparison is None else list(_rows(comparison))
    return pl.DataFrame(rows, schema=_SCHEMA)


def _rows(comparison: InterventionComparison) -> Iterator[dict[str, Any]]:
    for cohort, task, group in comparison.groups():
        for one in group.runs:
            yield _of(cohort, task, group, one) | _steps(one, task) | _quotients(group, one)


def _of(cohort: Cohort, task: str, group: TreatmentGroup, one: Outcome) -> dict[str, Any]:
    done = group.treatment
    options = {name: getattr(done, name) for name in ("mode", "on", "rank", "window", "basis_source", "basis")}
    where = {"run": one.name, "path": one.path, "cohort": cohort.label, "task": task, "intervention": group.label}
    return where | options | {"seed": str(one.seed) if one.seed.is_known else None, "norm_kept": _known(one.norm_kept)}


def _steps(one: Outcome, task: str) -> dict[str, Any]:
    found = one.on(task)
    assert found is not None
    reached = (*found.grokking.grok, found.grokking.memorised)
    steps = [each.t if isinstance(each, Crossing) else None for each in reached]
    names = ("grok_step", "grok_step_098", "memorisation_step")
    ends = {"delay": _known(found.grokking.delay), "followed_to": _known(found.followed_to)}
    return dict(zip(names, steps, strict=True)) | ends


def _quotients(group: TreatmentGroup, one: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, speedup in zip(("speedup", "speedup_098"), group.speedups, strict=False):
        ratio = _ratio(speedup, str(one.seed))
        row |= {f"{name}_low": ratio.low, f"{name}_high": ratio.high}
    return row


def _ratio(speedup: SpeedUp, seed: str) -> QuotientBounds:
    """Of this run's seed."""
    found = next((pair.quotient for pair in speedup.pairs if pair.seed == seed), None)
    return found if isinstance(found, QuotientBounds) else QuotientBounds(None, None)


def _known(value: float | Undefined) -> float | None:
    return None if isinstance(value, Undefined) else value
