"""The table of the comparison: a line per intervention, below it a line per run. As text and as cells to copy.

Decides what a line says; the numbers are those of the report (`analysis.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recorders.row_sources import UPDATE
from sedscope.analysis.interventions import TreatmentGroup, compare
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.reference_groups import ReferenceComparison, verdict
from sedscope.analysis.interventions.speedup import QuotientBounds, SpeedUp, time_quotient
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.palette import letter
from sedscope.tui.tabs.compare.compare_charts import label
from sedscope.tui.worker.compared_run import ComparedRun

COLUMNS = ("", "Intervention / run", "Seeds", "Grokked", "Grok step", "Speed-up", f"Peak R̄ {UPDATE}", "Remark")
_HALF = 0
"""The place of the threshold 0.5."""
_VERDICTS = {
    "earlier": "earlier than {}",
    "later": "later than {}",
    "alike": "not told apart from {}",
    "open": "{few}: not told apart from {}",
    "unknown": "not compared with {}",
}


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """One line of the table."""

    cells: tuple[str, ...]
    """Texts, as many as `COLUMNS`."""
    is_group: bool
    """A group, not a run."""
    run_index: int | None = None
    """Index of the run among the compared ones, which is its colour; None for a group."""


def lines(runs: Sequence[ComparedRun], task: str) -> tuple[ComparisonLine, ...]:
    """Return the groups with their runs, the control first, by what their commands share; then runs in no group."""
    run_indices = {run.path: index for index, run in enumerate(runs)}
    table_lines: list[ComparisonLine] = []
    comparison = compare([run.outcome for run in runs if run.outcome is not None])
    with_task = [cohort for cohort in comparison.cohorts if any(compared.task == task for compared in cohort.tasks)]
    for cohort, of, group in comparison.groups():
        if of == task:
            table_lines += _group(group, cohort.label if len(with_task) > 1 else "", runs, run_indices, task)
    shown = {line.run_index for line in table_lines}
    table_lines += [_outside(run, index, task) for index, run in enumerate(runs) if index not in shown]
    return tuple(table_lines)


def _group(
    group: TreatmentGroup, cohort: str, runs: Sequence[ComparedRun], run_indices: Mapping[str, int], task: str
) -> Iterator[ComparisonLine]:
    reaching = group.reaching[_HALF]
    never = reaching.n - reaching.reached
    cells = (
        "",
        " · ".join(filter(None, (group.label, cohort))),
        f"n = {reaching.n}",
        f"{reaching.reached} of {reaching.n}" + (f", {never} never" if never else ""),
        _steps(reaching.mean),
        _gain(group.speedups[_HALF]) if group.speedups else "1 (by definition)",
        "",
        _remark(group),
    )
    yield ComparisonLine(cells, is_group=True)
    for outcome in group.runs:
        index = run_indices[outcome.path]
        yield ComparisonLine(_run(runs[index], index, group, task), is_group=False, run_index=index)


def _remark(group: TreatmentGroup) -> str:
    """Return what the group must stand beside."""
    remarks = [] if group.no_freeze is None else ["no freeze beside it: cannot tell a subspace from no movement"]
    remarks += [_beside(reference) for reference in group.beside]
    remarks += [f"{len(group.without_task)} without this task"] if group.without_task else []
    return "; ".join(remarks)


def _beside(reference: ReferenceComparison) -> str:
    speedup = reference.speedups[_HALF]
    average = speedup.average
    few = "one seed" if isinstance(average, Average) and average.n == 1 else "too few seeds followed far enough"
    words = _VERDICTS[verdict(average)].format(speedup.reference, few=few)
    return words if isinstance(average, Undefined) else f"{words} ({_gain(speedup)})"


def _run(run: ComparedRun, colour: int, group: TreatmentGroup, task: str) -> tuple[str, ...]:
    grok, gain = run.grok(task), _own_gain(run, group, task)
    remark = grok.reason if isinstance(grok, Undefined) else gain.reason if isinstance(gain, Undefined) else ""
    return (
        letter(colour),
        f"  {run.name}",
        _seed(run),
        "no" if isinstance(grok, Undefined) else "yes",
        "–" if isinstance(grok, Undefined) else f"{grok:,}",
        _ratio(gain) if isinstance(gain, QuotientBounds) else "–",
        _peak(run, task),
        remark,
    )


def _outside(run: ComparedRun, colour: int, task: str) -> ComparisonLine:
    """Return the line of a run that cannot be read, or has no such task."""
    grok = run.grok(task)
    reason = grok.reason if isinstance(grok, Undefined) else ""
    return ComparisonLine(
        (letter(colour), label(run), _seed(run), "–", "–", "–", _peak(run, task), reason), False, colour
    )


def _own_gain(run: ComparedRun, group: TreatmentGroup, task: str) -> QuotientBounds | Undefined | None:
    """Return this run's speed-up against the control of its seed; None for a control."""
    if not group.speedups or run.outcome is None:
        return None
    speedup = group.speedups[_HALF]
    pair = speedup.pair_of(run.outcome.seed)
    if isinstance(pair, Undefined):
        return pair
    task_outcome = run.outcome.on(task)
    time = None if task_outcome is None else task_outcome.time(speedup.threshold)
    return time_quotient(pair.reference, time) if isinstance(time, CensoredTime) else time


def _seed(run: ComparedRun) -> str:
    return str(run.outcome.seed) if run.outcome is not None and run.outcome.seed.is_known else "–"


def _gain(speedup: SpeedUp) -> str:
    """Write a speed-up: `3.48× [3.1, 3.9] n = 3`; `< 0.9× (0.8× to t = 5,000)` where a run never got there."""
    if speedup.bound is None:
        return _quotient(speedup.average)
    rest = "" if isinstance(speedup.average, Undefined) else f" (means {_quotient(speedup.average)})"
    return f"{_ratio(speedup.bound)}{rest}"


def _ratio(bounds: QuotientBounds) -> str:
    if bounds.exact is not None:
        return f"{readable(bounds.exact)}×"
    if bounds.low is not None:
        return f"> {readable(bounds.low)}×"
    return "–" if bounds.high is None else f"< {readable(bounds.high)}×"


def _steps(mean: Average | Undefined) -> str:
    """Write a mean step: `867 [723, 1,010] n = 3`; with `≥` where a run never got there."""
    if isinstance(mean, Undefined):
        return "–"
    text = f"{'' if mean.horizon is None else '≥ '}{mean.value:,.0f}"
    if not isinstance(mean.ends, Undefined):
        text += f" [{mean.ends[0]:,.0f}, {mean.ends[1]:,.0f}]"
    return f"{text} n = {mean.n}"


def _quotient(average: Average | Undefined) -> str:
    """Write a quotient: `3.46× [2.9, 4.1] n = 3`; restricted means with their horizon."""
    if isinstance(average, Undefined):
        return "–"
    text = f"{readable(average.value)}×"
    if not isinstance(average.ends, Undefined):
        text += f" [{readable(average.ends[0])}, {readable(average.ends[1])}]"
    return f"{text} n = {average.n}" + ("" if average.horizon is None else f" to t = {average.horizon:,.0f}")


def _peak(run: ComparedRun, task: str) -> str:
    series = run.series(UPDATE, task)
    if isinstance(series, Undefined) or isinstance(series.peak, Undefined):
        return "–" if run.final or run.problem or task not in run.tasks else "…"
    return f"{readable(series.peak.value)} @{series.peak.t:,}"
