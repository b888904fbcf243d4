"""The table of the comparison: a line per intervention, below it a line per run. As text and as cells to copy.

Decides what a line says; the numbers are those of the report (`analysis.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sedscope.analysis.interventions import TreatmentGroup, compare
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.reference_groups import ReferenceComparison, verdict
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.time_quotients import QuotientBounds, time_quotient
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.palette import letter
from sedscope.tui.tabs.compare.compare_charts import label
from sedscope.tui.worker.compared_run import ComparedRun

COLUMNS = ("", "Intervention / run", "Seeds", "Grokked", "Grok step", "Speed-up", "Peak R̄ update", "Remark")
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
class Line:
    """One line of the table."""

    cells: tuple[str, ...]
    """As many as `COLUMNS`."""
    whole: bool
    """A group, not a run."""
    place: int | None = None
    """Of the run among the compared ones: its colour."""


def lines(runs: Sequence[ComparedRun], task: str) -> tuple[Line, ...]:
    """Groups with their runs, the control first, by what their commands share; then runs that are in no group."""
    places = {run.path: place for place, run in enumerate(runs)}
    found: list[Line] = []
    comparison = compare([run.outcome for run in runs if run.outcome is not None])
    several = len([cohort for cohort in comparison.cohorts if any(one.task == task for one in cohort.tasks)]) > 1
    for cohort, of, group in comparison.groups():
        if of == task:
            found += _group(group, cohort.label if several else "", runs, places, task)
    shown = {line.place for line in found}
    found += [_outside(run, place, task) for place, run in enumerate(runs) if place not in shown]
    return tuple(found)


def _group(
    group: TreatmentGroup, cohort: str, runs: Sequence[ComparedRun], places: Mapping[str, int], task: str
) -> Iterator[Line]:
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
    yield Line(cells, whole=True)
    for outcome in group.runs:
        place = places[outcome.path]
        yield Line(_run(runs[place], place, group, task), whole=False, place=place)


def _remark(group: TreatmentGroup) -> str:
    """What the group must stand beside."""
    said = [] if group.no_freeze is None else ["no freeze beside it: cannot tell a subspace from no movement"]
    said += [_beside(one) for one in group.beside]
    said += [f"{len(group.without_task)} without this task"] if group.without_task else []
    return "; ".join(said)


def _beside(one: ReferenceComparison) -> str:
    speedup = one.speedups[_HALF]
    average = speedup.average
    few = "one seed" if isinstance(average, Average) and average.n == 1 else "too few seeds followed far enough"
    words = _VERDICTS[verdict(average)].format(speedup.reference, few=few)
    return words if isinstance(average, Undefined) else f"{words} ({_gain(speedup)})"


def _run(run: ComparedRun, place: int, group: TreatmentGroup, task: str) -> tuple[str, ...]:
    grok, gain = run.grok(task), _own_gain(run, group, task)
    remark = grok.reason if isinstance(grok, Undefined) else gain.reason if isinstance(gain, Undefined) else ""
    return (
        letter(place),
        f"  {run.name}",
        _seed(run),
        "no" if isinstance(grok, Undefined) else "yes",
        "–" if isinstance(grok, Undefined) else f"{grok:,}",
        _ratio(gain) if isinstance(gain, QuotientBounds) else "–",
        _peak(run, task),
        remark,
    )


def _outside(run: ComparedRun, place: int, task: str) -> Line:
    """A run that cannot be read, or has no such task."""
    grok = run.grok(task)
    reason = grok.reason if isinstance(grok, Undefined) else ""
    return Line((letter(place), label(run), _seed(run), "–", "–", "–", _peak(run, task), reason), False, place)


def _own_gain(run: ComparedRun, group: TreatmentGroup, task: str) -> QuotientBounds | Undefined | None:
    """This run against the control of its seed; None for a control."""
    if not group.speedups or run.outcome is None:
        return None
    speedup, seed = group.speedups[_HALF], str(run.outcome.seed)
    pair = next((one for one in speedup.pairs if one.seed == seed), None)
    if pair is None:
        return Undefined(dict(speedup.unpaired).get(seed, "it has no pair"))
    found = run.outcome.on(task)
    time = None if found is None else found.time(speedup.threshold)
    return time_quotient(pair.reference, time) if isinstance(time, CensoredTime) else time


def _seed(run: ComparedRun) -> str:
    return str(run.outcome.seed) if run.outcome is not None and run.outcome.seed.is_known else "–"


def _gain(speedup: SpeedUp) -> str:
    """`3.48× [3.1, 3.9] n = 3`; `< 0.9× (0.8× to t = 5,000)` where a run never got there."""
    if speedup.bound is None:
        return _quotient(speedup.average)
    rest = "" if isinstance(speedup.average, Undefined) else f" (means {_quotient(speedup.average)})"
    return f"{_ratio(speedup.bound)}{rest}"


def _ratio(found: QuotientBounds) -> str:
    if found.exact is not None:
        return f"{readable(found.exact)}×"
    if found.low is not None:
        return f"> {readable(found.low)}×"
    return "–" if found.high is None else f"< {readable(found.high)}×"


def _steps(mean: Average | Undefined) -> str:
    """`867 [723, 1,010] n = 3`; from `≥` on where a run never got there and counts with as long as it was followed."""
    if isinstance(mean, Undefined):
        return "–"
    text = f"{'' if mean.horizon is None else '≥ '}{mean.value:,.0f}"
    if not isinstance(mean.ends, Undefined):
        text += f" [{mean.ends[0]:,.0f}, {mean.ends[1]:,.0f}]"
    return f"{text} n = {mean.n}"


def _quotient(found: Average | Undefined) -> str:
    """`3.46× [2.9, 4.1] n = 3`; without an interval where there is none, with the horizon of restricted means."""
    if isinstance(found, Undefined):
        return "–"
    text = f"{readable(found.value)}×"
    if not isinstance(found.ends, Undefined):
        text += f" [{readable(found.ends[0])}, {readable(found.ends[1])}]"
    return f"{text} n = {found.n}" + ("" if found.horizon is None else f" to t = {found.horizon:,.0f}")


def _peak(run: ComparedRun, task: str) -> str:
    found = run.series("update", task)
    if isinstance(found, Undefined) or isinstance(found.peak, Undefined):
        return "–" if run.final or run.problem or task not in run.tasks else "…"
    return f"{readable(found.peak.value)} @{found.peak.t:,}"
