"""The table of the comparison: a line per intervention, below it a line per run. As text and as cells to copy.

Decides what a line says; the numbers are those of the report (`analysis.interventions`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recorders.row_sources import UPDATE
from sedscope.analysis.interventions import TreatmentGroup, compare
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import QuotientBounds, ReferenceComparison, time_quotient, verdict
from sedscope.analysis.result_view.result_column import EDGE, Reading, ResultColumn, Value
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.palette import letter
from sedscope.tui.tabs.compare.compare_charts import label
from sedscope.tui.worker.compared_run import ComparedRun

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
    """One line of the table: a group, or a run below its group, or a run in no group."""

    task: str
    group: TreatmentGroup | None
    cohort: str = ""
    """Words that tell the group's cohort from others."""
    run: ComparedRun | None = None
    run_index: int | None = None
    """Index of the run among the compared ones, which is its colour; None for a group."""

    @property
    def is_group(self) -> bool:
        """True for a group, not a run."""
        return self.run is None

    @property
    def cells(self) -> tuple[str, ...]:
        """Texts, as many as `COLUMNS`."""
        values = (column.read(self) for column in COLUMNS)
        return tuple(value.text if isinstance(value, Reading) else "" for value in values)


def lines(runs: Sequence[ComparedRun], task: str) -> tuple[ComparisonLine, ...]:
    """Return the groups with their runs, the control first, by what their commands share; then runs in no group."""
    run_indices = {run.path: index for index, run in enumerate(runs)}
    table_lines: list[ComparisonLine] = []
    comparison = compare([run.outcome for run in runs if run.outcome is not None])
    with_task = [cohort for cohort in comparison.cohorts if any(compared.task == task for compared in cohort.tasks)]
    for cohort, of, group in comparison.groups():
        if of == task:
            table_lines.append(ComparisonLine(task, group, cohort.label if len(with_task) > 1 else ""))
            indices = [run_indices[outcome.path] for outcome in group.runs]
            table_lines += [ComparisonLine(task, group, "", runs[index], index) for index in indices]
    shown = {line.run_index for line in table_lines}
    outside = [index for index in range(len(runs)) if index not in shown]
    return (*table_lines, *(ComparisonLine(task, None, "", runs[index], index) for index in outside))


def _column(
    name: str,
    title: str,
    description: str,
    of_group: Callable[[TreatmentGroup], str],
    of_run: Callable[[ComparedRun, ComparisonLine], str],
    value_type: type = str,
) -> ResultColumn[ComparisonLine]:
    """Return a column that says one thing of a group, another of each run."""

    def read(line: ComparisonLine) -> Value:
        if line.run is not None:
            return Reading(of_run(line.run, line))
        return None if line.group is None else Reading(of_group(line.group))

    return ResultColumn(name, title, description, read, ("viewer",), value_type)


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
    return words if isinstance(average, Undefined) else f"{words} ({_quotient(average)})"


def _name(line: ComparisonLine) -> Value:
    if line.run is not None:
        return Reading(label(line.run) if line.group is None else f"  {line.run.name}")
    assert line.group is not None
    return Reading(" · ".join(filter(None, (line.group.label, line.cohort))))


def _reached(group: TreatmentGroup) -> str:
    reaching = group.reaching[_HALF]
    never = reaching.n - reaching.reached
    return f"{reaching.reached} of {reaching.n}" + (f", {never} never" if never else "")


def _grokked(run: ComparedRun, line: ComparisonLine) -> str:
    return "–" if line.group is None else "no" if isinstance(run.grok(line.task), Undefined) else "yes"


def _grok_step(run: ComparedRun, line: ComparisonLine) -> str:
    grok = run.grok(line.task)
    return "–" if line.group is None or isinstance(grok, Undefined) else f"{grok:,}"


def _own_speedup(run: ComparedRun, line: ComparisonLine) -> str:
    gain = _own_gain(run, line)
    return _ratio(gain) if isinstance(gain, QuotientBounds) else "–"


def _reason(run: ComparedRun, line: ComparisonLine) -> str:
    """Return why a run has no grok step, or no speed-up."""
    values = (run.grok(line.task), _own_gain(run, line))
    return next((value.reason for value in values if isinstance(value, Undefined)), "")


def _own_gain(run: ComparedRun, line: ComparisonLine) -> QuotientBounds | Undefined | None:
    """Return this run's speed-up against the control of its seed; None for a control and in no group."""
    if line.group is None or not line.group.speedups or run.outcome is None:
        return None
    speedup = line.group.speedups[_HALF]
    pair = speedup.pair_of(run.outcome.seed)
    if isinstance(pair, Undefined):
        return pair
    task_outcome = run.outcome.on(line.task)
    time = None if task_outcome is None else task_outcome.time(speedup.threshold)
    return time_quotient(pair.reference, time) if isinstance(time, CensoredTime) else time


def _seed(run: ComparedRun) -> str:
    return str(run.outcome.seed) if run.outcome is not None and run.outcome.seed.is_known else "–"


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
    """Write a quotient: `3.46× [2.9, 4.1] n = 3`, `> 2.4× [≥ 1.9] n = 3`; restricted means with their horizon."""
    if isinstance(average, Undefined):
        return "–"
    text = f"{average.bound} {readable(average.value)}×".lstrip()
    if not isinstance(average.ends, Undefined):
        low, high = map(readable, average.ends)
        text += f" [≥ {low}]" if math.isinf(average.ends[1]) else f" [{low}, {high}]"
    return f"{text} n = {average.n}" + ("" if average.horizon is None else f" to t = {average.horizon:,.0f}")


def _peak(run: ComparedRun, line: ComparisonLine) -> str:
    task = line.task
    series = run.series(UPDATE, task)
    if isinstance(series, Undefined) or isinstance(series.peak, Undefined):
        return "–" if run.final or run.problem or task not in run.tasks else "…"
    return f"{readable(series.peak.value)} @{series.peak.t:,}{f' {EDGE}' if series.peak_edge else ''}"


COLUMNS: list[ResultColumn[ComparisonLine]] = [
    _column("letter", "", "letter of the run's curve", lambda group: "", lambda run, line: letter(line.run_index or 0)),
    ResultColumn("name", "Intervention / run", "what was done, and to which run", _name, ("viewer",), str),
    _column(
        "seeds", "Seeds", "number of seeds; the seed of a run",
        lambda group: f"n = {group.reaching[_HALF].n}", lambda run, line: _seed(run),
    ),
    _column("grokked", "Grokked", "runs whose test accuracy above chance reached 0.5", _reached, _grokked),
    _column(
        "grok_step", "Grok step", "mean over seeds with its interval; of a run its own",
        lambda group: _steps(group.reaching[_HALF].mean), _grok_step, int,
    ),
    _column(
        "speedup", "Speed-up", "grok step of the control of the same seed over its own",
        lambda group: _quotient(group.speedups[_HALF].average) if group.speedups else "1 (by definition)",
        _own_speedup, float,
    ),
    _column(
        "peak", f"Peak R̄ {UPDATE}", "largest R̄_k among checkpoints with full windows", lambda group: "", _peak, float
    ),
    _column("remark", "Remark", "what it must stand beside; why a number is missing", _remark, _reason),
]  # fmt: skip
"""Columns of the table of the comparison."""
