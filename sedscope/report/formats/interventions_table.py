"""The runs of a comparison as a table for other programs: one row for each run, cohort and task.

Decides the columns (`docs/report.md` lists them). What is undefined is null; of a quotient that is only bounded one end
is null.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from sedscope.analysis.interventions import Cohort, InterventionComparison, Outcome, TreatmentGroup
from sedscope.analysis.interventions.speedup import Pair, QuotientBounds
from sedscope.analysis.pipeline.results import TaskMetrics
from sedscope.analysis.result_view.columns import MILESTONES, TaskResult
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.table_files import Record, Schema, record_of, schema_of

_SCHEMA: Schema = {
    **dict.fromkeys(("run", "path", "cohort", "task", "intervention", "mode", "on"), pl.String),
    **dict.fromkeys(("rank", "window"), pl.Int64),
    **dict.fromkeys(("basis_source", "basis", "seed"), pl.String),
    **schema_of(MILESTONES),
    "followed_to": pl.Int64,
    **dict.fromkeys(("speedup_low", "speedup_high", "speedup_098_low", "speedup_098_high", "norm_kept"), pl.Float64),
}


def runs_table(comparison: InterventionComparison | None) -> pl.DataFrame:
    """Return every run; only the columns where nothing was compared."""
    rows = [] if comparison is None else list(_rows(comparison))
    return pl.DataFrame(rows, schema=_SCHEMA)


def _rows(comparison: InterventionComparison) -> Iterator[Record]:
    for cohort, task, group in comparison.groups():
        for run in group.runs:
            yield _keys(cohort, task, group, run) | _milestones(run, task) | _quotients(group, run)


def _keys(cohort: Cohort, task: str, group: TreatmentGroup, run: Outcome) -> Record:
    options = {
        name: getattr(group.treatment, name) for name in ("mode", "on", "rank", "window", "basis_source", "basis")
    }
    keys = {"run": run.name, "path": run.path, "cohort": cohort.label, "task": task, "intervention": group.label}
    return keys | options | {"seed": str(run.seed) if run.seed.is_known else None, "norm_kept": _or_null(run.norm_kept)}


def _milestones(run: Outcome, task: str) -> Record:
    outcome = run.on(task)
    assert outcome is not None
    milestones = record_of(MILESTONES, TaskResult(TaskMetrics(task, outcome.grokking), None))
    return milestones | {"followed_to": _or_null(outcome.followed_to)}


def _quotients(group: TreatmentGroup, run: Outcome) -> Record:
    row: Record = {}
    for name, speedup in zip(("speedup", "speedup_098"), group.speedups, strict=False):
        pair = speedup.pair_of(run.seed)
        if isinstance(pair, Pair) and isinstance(pair.quotient, QuotientBounds):
            row |= {f"{name}_low": pair.quotient.low, f"{name}_high": pair.quotient.high}
    return row


def _or_null(value: float | Undefined) -> float | None:
    return None if isinstance(value, Undefined) else value
