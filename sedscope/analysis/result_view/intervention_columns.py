"""Columns of interventions: of the runs that had the same done to them, beside a reference, and of each run.

Decides how a number looks that only a restricted mean gives, and that one seed is said to have no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sedscope.analysis.interventions import Outcome, TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.outcome import TaskOutcome
from sedscope.analysis.interventions.speedup import QuotientBounds, ReferenceComparison, SpeedUp
from sedscope.analysis.pipeline.results import TaskMetrics
from sedscope.analysis.result_view.columns import MILESTONES, TaskResult, evaluation_cadence
from sedscope.analysis.result_view.number_text import between, count, short, span, times
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value, columns_for, plain_reading
from sedscope.analysis.undefined import Undefined


def ratio_text(ratio: QuotientBounds) -> str:
    """Return `3.46×`; `> 2.4×` or `< 0.66×` where that is all that is known."""
    if ratio.exact is not None:
        return times(ratio.exact)
    if ratio.low is not None:
        return f"> {times(ratio.low)}"
    return "not bounded" if ratio.high is None else f"< {times(ratio.high)}"


def average_text(average: Average) -> str:
    """Return `3.46×`; `> 2.4×` or `< 0.66×` where that is all that is known."""
    return f"{average.bound} {times(average.value)}".lstrip()


def interval_text(average: Average) -> str:
    """Return `n = 3, 2.9–4.1`; with the horizon where the quotient is one of restricted means."""
    ends = "no interval" if isinstance(average.ends, Undefined) else between(average.ends)
    horizon = "" if average.horizon is None else f", restricted to t = {steps(average.horizon)}"
    return f"n = {average.n}, {ends}{horizon}"


def steps(value: float) -> str:
    """Return a step, or a mean of steps."""
    return count(round(value))


def _mean(mean: Average | Undefined) -> Value:
    """Return `867` or, where runs that never got there count with as long as they were followed, `≥ 3,367`."""
    if isinstance(mean, Undefined):
        return mean
    ends = None if isinstance(mean.ends, Undefined) else mean.ends
    words = f"{'' if mean.horizon is None else '≥ '}{steps(mean.value)}"
    return Reading(mean.value, ends, words=words, beside="" if ends is None else "–".join(map(steps, ends)))


def _median(median: float | Undefined) -> Value:
    return median if isinstance(median, Undefined) else Reading(median, words=steps(median))


def _speedup(speedups: Sequence[SpeedUp], threshold: int) -> Value:
    """Return a speed-up, its bound where a run never got there, or the quotient of restricted means."""
    if not speedups:
        return Reading(1, detail="" if threshold else "by definition")
    average = speedups[threshold].average
    if isinstance(average, Undefined):
        return average
    ends = None if isinstance(average.ends, Undefined) else average.ends
    beside = "one seed" if average.n == 1 else "no interval" if ends is None else between(ends)
    beside += "" if average.horizon is None else f" to t {steps(average.horizon)}"
    return Reading(average.value, ends, words=average_text(average), beside=beside, detail=interval_text(average))


def _norm_kept(group: TreatmentGroup) -> Value:
    if isinstance(group.norm_kept, Undefined):
        return group.norm_kept if group.treatment.acts else None
    low, median, high = group.norm_kept
    return Reading(median, (low, high), words=short(median, 2), beside=span(low, high) if low < high else "")


INTERVENTIONS: list[ResultColumn[TreatmentGroup]] = [
    ResultColumn(
        "reached", "reached 0.5", "seeds whose test accuracy above chance reached 0.5",
        lambda group: Reading(group.reaching[0].reached, words=f"{group.reaching[0].reached} of {group.reaching[0].n}"),
        ("terminal", "page"), int,
    ),
    ResultColumn(
        "mean_step", "mean t", "mean grok step over seeds, restricted where one never got there",
        lambda group: _mean(group.reaching[0].mean), ("terminal", "page"), unit="steps", term="restricted",
        has_interval=True,
    ),
    ResultColumn(
        "median_step", "median t", "median grok step by Kaplan–Meier",
        lambda group: _median(group.reaching[0].median), ("page",), unit="steps",
    ),
    ResultColumn(
        "speedup", "speed-up", "grok step of the control of the same seed over that of the run",
        lambda group: _speedup(group.speedups, 0), ("terminal", "page"), term="speedup", has_interval=True,
    ),
    ResultColumn(
        "speedup_098", "at 0.98", "the same for test accuracy 0.98",
        lambda group: _speedup(group.speedups, 1), ("terminal", "page"), has_interval=True,
    ),
    ResultColumn(
        "norm_kept", "norm kept", "median share of the norm that was let through",
        _norm_kept, ("terminal", "page"), has_interval=True,
    ),
]  # fmt: skip
"""Columns of the table of interventions."""

REFERENCES: list[ResultColumn[ReferenceComparison]] = [
    ResultColumn(
        "speedup", "how much earlier", "grok step of the runs beside it over that of the intervention",
        lambda beside: _speedup(beside.speedups, 0), ("page",), term="speedup", has_interval=True,
    ),
    ResultColumn(
        "speedup_098", "at 0.98", "the same for test accuracy 0.98",
        lambda beside: _speedup(beside.speedups, 1), ("page",), has_interval=True,
    ),
]  # fmt: skip
"""Columns of an intervention beside weights that stand still, or beside a random subspace."""


@dataclass(frozen=True, slots=True)
class TreatedRun:
    """A run of an intervention on one task."""

    group: TreatmentGroup
    run: Outcome
    outcome: TaskOutcome

    def quotient(self, threshold: int) -> QuotientBounds | Undefined | None:
        """The speed-up against the control of its seed; None for a control."""
        if not self.group.speedups:
            return None
        pair = self.group.speedups[threshold].pair_of(self.run.seed)
        return pair if isinstance(pair, Undefined) else pair.quotient


def treated_runs(group: TreatmentGroup, task: str) -> list[TreatedRun]:
    """Return the rows of an intervention in the table of runs."""
    return [TreatedRun(group, run, outcome) for run in group.runs if (outcome := run.on(task)) is not None]


def _quotient(threshold: int) -> Callable[[TreatedRun], Value]:
    def read(row: TreatedRun) -> Value:
        quotient = row.quotient(threshold)
        return Reading(ratio_text(quotient)) if isinstance(quotient, QuotientBounds) else quotient

    return read


def _bound(threshold: int, end: str) -> Callable[[TreatedRun], Value]:
    def read(row: TreatedRun) -> Value:
        quotient = row.quotient(threshold)
        return plain_reading(getattr(quotient, end)) if isinstance(quotient, QuotientBounds) else quotient

    return read


TREATED_RUNS: list[ResultColumn[TreatedRun]] = [
    ResultColumn(
        "cadence", "every", "steps between evaluations",
        lambda row: evaluation_cadence(row.outcome.grokking), ("page",), int, "steps",
    ),
    ResultColumn(
        "followed_to", "to t", "the last evaluated t",
        lambda row: plain_reading(row.outcome.followed_to), ("page", "json", "tables"), int, "steps",
    ),
    ResultColumn(
        "speedup", "speed-up", "grok step of the control of its seed over its own", _quotient(0), ("page",),
        term="speedup",
    ),
    ResultColumn("speedup_098", "at 0.98", "the same for test accuracy 0.98", _quotient(1), ("page",)),
    *(
        ResultColumn(
            f"{name}_{end}", f"{title}, {end}", f"{end} end of the speed-up; equal ends: known; null: no such bound",
            _bound(threshold, end), ("tables",),
        )
        for threshold, (name, title) in enumerate((("speedup", "speed-up"), ("speedup_098", "at 0.98")))
        for end in ("low", "high")
    ),
    ResultColumn(
        "norm_kept", "norm kept", "median share of the norm that was let through",
        lambda row: plain_reading(row.run.norm_kept), ("json", "tables"),
    ),
]  # fmt: skip
"""Columns of a run of an intervention, after those of its milestones."""


def treated_run_columns() -> list[ResultColumn[TreatedRun]]:
    """Return the milestones that files hold and the columns of runs, as columns of one table."""
    return [*(column.within(_milestones) for column in columns_for("tables", MILESTONES)), *TREATED_RUNS]


def _milestones(row: TreatedRun) -> TaskResult:
    return TaskResult(TaskMetrics(row.outcome.task, row.outcome.grokking), None)
