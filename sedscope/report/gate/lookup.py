"""The number of a run, or of a group of runs, that a name in a check asks for, with its interval; or why there is none.

Decides what `final`, `peak` and the others mean: over full windows alone, as everywhere in a report; `final` is the
last checkpoint and no earlier one. One result must be meant unmistakably, and a quotient that is only bounded passes
no check: a bound holds against neither side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from recorders.row_sources import DISPLACEMENT
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.coupling.response import SHIFT_KINDS
from sedscope.analysis.interventions import Cohort, InterventionComparison, TaskComparison, TreatmentGroup
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.analysis.pipeline.results import Quotient, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SPECTRA
from sedscope.analysis.result_view.intervention_columns import average_text
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value, mean_reading
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import SourceVerdict, verdicts
from sedscope.analysis.statistics.coupling_ratio import edge_of
from sedscope.analysis.statistics.grokking import Phases
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate, estimate_of
from sedscope.report.facts import Reported
from sedscope.report.gate.grammar import OPTIONS, PHASE_REDUCTIONS, VERDICTS, Lookup

Series = dict[int, Value]
"""The values of a quantity by t, at every checkpoint that counts."""
_COUPLING = ("source", "task", "window", "rank")
_SERIES: tuple[tuple[Sequence[ResultColumn[Any]], str, tuple[str, ...]], ...] = (
    (RANKS, "rank90", ("task",)),
    (SPECTRA, "spectra", ("source", "window")),
    (CHECKPOINTS, "coupling", _COUPLING),
)
"""Columns that make a series over t, the results that hold it, and the parameters that tell these apart."""
_GROUP_PARAMETERS: dict[str, Callable[[tuple[Cohort, str, TreatmentGroup]], object]] = {
    "intervention": lambda entry: entry[2].treatment.mode,
    "vary": lambda entry: entry[0].label,
    "task": lambda entry: entry[1],
    **{option: partial(lambda entry, option: getattr(entry[2].treatment, option), option=option) for option in OPTIONS},
}
"""How a cohort, its task and its group say the parameters that pick the group out."""
Candidate = TypeVar("Candidate")
Parameters = Mapping[str, Callable[[Candidate], object]]


def look_up(reported: Reported, lookup: Lookup) -> Estimate | Undefined:
    """Return the number that a check asks of a run."""
    if lookup.quantity in VERDICTS:
        return _verdict_quotient(reported.analysis, lookup)
    if lookup.reduction is None:
        return _milestone(reported.analysis, lookup)
    series = _series(reported, lookup)
    return series if isinstance(series, Undefined) else estimate_of(_reduced(series, lookup))


def pick(candidates: Sequence[Candidate], lookup: Lookup, parameters: Parameters[Candidate]) -> Candidate | Undefined:
    """Return the only candidate that has the given values; where a parameter is left out there must be no choice.

    Args:
        candidates: Everything of the kind that there is.
        lookup: What the check says.
        parameters: How each parameter is read off a candidate, in the order in which they are asked for.
    """
    for parameter, read in parameters.items():
        value = lookup.get(parameter)
        if value is not None:
            known_values = _listed(map(read, candidates))
            candidates = [each for each in candidates if value in (read(each), str(read(each)))]
            if not candidates:
                return Undefined(f"{parameter}: {_text(value)} was not analysed; known: {known_values}")
    if len(candidates) == 1:
        return candidates[0]
    for parameter, read in parameters.items():
        if len({str(read(each)) for each in candidates}) != 1:
            return Undefined(f"{parameter}= must say which of {_listed(map(read, candidates))} is meant")
    return Undefined(f"{len(candidates)} results of the same {', '.join(parameters)} are meant: one is required")


def _reduced(series: Series, lookup: Lookup) -> Value:
    if not series:
        return Undefined("there is no checkpoint with a full window")
    if lookup.reduction == "at":
        t = int(float(lookup.get("t") or 0))
        if t not in series:
            return Undefined(f"there is no checkpoint at t = {t}; there are {_listed(series)}")
        return series[t]
    if lookup.reduction == "final":
        last = series[max(series)]
        return Undefined(f"at t = {max(series)}: {last.reason}") if isinstance(last, Undefined) else last
    readings = {t: value for t, value in series.items() if isinstance(value, Reading)}
    if not readings:
        return next(iter(series.values()))
    if lookup.reduction in ("mean", *PHASE_REDUCTIONS):
        return mean_reading(list(series.values()))
    choose = max if lookup.reduction == "peak" else min
    t = choose(readings, key=lambda step: (float(readings[step].value), -step))
    is_peak = lookup.reduction == "peak" and lookup.quantity != "metric"
    return replace(readings[t], edge=edge_of(t, list(readings)) if is_peak else "")


def _series(reported: Reported, lookup: Lookup) -> Series | Undefined:
    if lookup.quantity == "metric":
        return _metric(reported, str(lookup.get("name")))
    name = lookup.quantity
    if name == "alignment":
        name = f"alignment_{lookup.get('moved') or SHIFT_KINDS[0]}"
    columns, field, parameters = next(entry for entry in _SERIES if any(column.name == name for column in entry[0]))
    series = pick(getattr(reported.analysis, field), lookup, {each: attrgetter(each) for each in parameters})
    if isinstance(series, Undefined):
        return series
    if getattr(series, "undefined", None) is not None:
        return Undefined(series.undefined.reason)
    column = next(column for column in columns if column.name == name)
    points = {point.t: point for point in series.points}
    if lookup.reduction in PHASE_REDUCTIONS:
        steps = _phase(reported.analysis, lookup, list(points))
        if isinstance(steps, Undefined):
            return steps
        return {t: column.read(points[t]) for t in steps if getattr(points[t], "full", True)}
    # A short window counts for nothing, but where it is the last one `final` must say so and not take an earlier one.
    return {
        t: column.read(point)
        if getattr(point, "full", True)
        else Undefined(f"the window is short: {point.n_rows} rows")
        for t, point in points.items()
        if getattr(point, "full", True) or t == max(points)
    }


def remarks(run: RunAnalysis, lookup: Lookup) -> list[str]:
    """Return the verdicts on the gradient source that a check names; none where it names another source or none."""
    given = {name: value for name in _COUPLING if (value := lookup.get(name)) is not None}
    matching = verdicts(run) if "source" in given else ()
    return [each.words for each in matching if all(getattr(each, name) == value for name, value in given.items())]


def _verdict_quotient(run: RunAnalysis, lookup: Lookup) -> Estimate | Undefined:
    """Return a quotient of a verdict; over several controls the least, its low end the least of all low ends."""
    verdict = pick(tuple(verdicts(run)), lookup, {name: attrgetter(name) for name in _COUPLING})
    if isinstance(verdict, Undefined):
        return verdict
    if lookup.quantity == "over_control":
        return _over_every_control(verdict)
    if verdict.movement != DISPLACEMENT:
        return Undefined(f"{DISPLACEMENT} was not analysed; known: {verdict.movement}")
    return _estimate(verdict.over_movement if lookup.quantity == "over_displacement" else verdict.matched)


def _over_every_control(verdict: SourceVerdict) -> Estimate | Undefined:
    estimates = [_estimate(quotient) for _, quotient in verdict.over_controls]
    defined = [each for each in estimates if isinstance(each, Estimate)]
    if len(defined) < len(estimates):
        return next(each for each in estimates if isinstance(each, Undefined))
    strongest = min(defined, key=lambda each: each.value)
    lows = [each.ends[0] for each in defined if each.ends is not None]
    if strongest.ends is None or len(lows) < len(defined):
        return Estimate(strongest.value)
    return Estimate(strongest.value, (min(lows), strongest.ends[1]))


def _estimate(quotient: Quotient | Undefined) -> Estimate | Undefined:
    if isinstance(quotient, Undefined):
        return quotient
    return Estimate(quotient.value, None if isinstance(quotient.ends, Undefined) else quotient.ends)


def _phase(run: RunAnalysis, lookup: Lookup, checkpoints: Sequence[int]) -> tuple[int, ...] | Undefined:
    """Return the checkpoints before, at or after the grok step of the task that is meant."""
    task = pick(run.tasks, lookup, {"task": str})
    if isinstance(task, Undefined):
        return task
    grokking = next(metrics.grokking for metrics in run.metrics if metrics.task == task)
    steps: tuple[int, ...] | Undefined = getattr(Phases.of(checkpoints, grokking), str(lookup.reduction))
    return steps


def _metric(reported: Reported, name: str) -> Series | Undefined:
    metrics = reported.facts.metrics
    if name not in metrics:
        return Undefined(f"metric {name!r} was never logged; known: {_listed(metrics)}")
    return {
        int(t): Reading(float(value)) if math.isfinite(value) else Undefined(f"{name} is {value} at t = {t}")
        for t, value in zip(*metrics[name], strict=True)
    }


def _milestone(run: RunAnalysis, lookup: Lookup) -> Estimate | Undefined:
    """Return a quantity that is one number of a task, known exactly."""
    task = pick(run.tasks, lookup, {"task": str})
    if isinstance(task, Undefined):
        return task
    row = next((row for row in RunView(run).task_results if row.metrics.task == task), None)
    if row is None:
        return Undefined(f"neither {TEST_ACCURACY} nor {TRAIN_ACCURACY} of {task} was logged")
    name = f"{lookup.quantity}_098" if lookup.get("threshold") == GROK_ACCURACIES[1] else lookup.quantity
    value = next(column for column in MILESTONES if column.name == name).read(row)
    if not isinstance(value, Reading):
        return estimate_of(value)
    return replace(Estimate.exact(float(value.value)), remark=f"of {row.metrics.grokking.accuracy}")


def _listed(values: Iterable[object], most: int = 40) -> str:
    shown = list(dict.fromkeys(map(_text, values)))
    return (", ".join(shown[:most]) or "none") + (", …" if len(shown) > most else "")


def _text(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def look_up_group(comparison: InterventionComparison | None, lookup: Lookup) -> Estimate | Undefined:
    """Return the number that a check asks of the runs of one intervention."""
    if comparison is None:
        return Undefined("no run of this report has an intervention")
    entry = pick(list(comparison.groups()), lookup, _GROUP_PARAMETERS)
    if isinstance(entry, Undefined):
        return entry
    _, task, group = entry
    estimate = _of_group(group, lookup)
    accuracy = TaskComparison(task, (group,)).milestones.accuracy
    return estimate if isinstance(estimate, Undefined) else replace(estimate, remark=f"of test {accuracy}")


def _of_group(group: TreatmentGroup, lookup: Lookup) -> Estimate | Undefined:
    threshold = GROK_ACCURACIES.index(float(lookup.get("threshold") or GROK_ACCURACIES[0]))
    if lookup.quantity == "speedup":
        return _speedup(group, str(lookup.get("over") or "control"), threshold)
    reaching = group.reaching[threshold]
    if isinstance(reaching.mean, Undefined) and not reaching.n:
        return reaching.mean
    return Estimate.exact(reaching.reached / reaching.n)


def _speedup(group: TreatmentGroup, over: str, threshold: int) -> Estimate | Undefined:
    speedups = group.speedups
    if over != "control":
        beside = next((each for each in group.beside if each.kind == over), None)
        if beside is None:
            missing = Undefined(f"{group.label} has no {over} beside it")
            return missing if group.no_freeze is None or over != "freeze" else group.no_freeze
        speedups = beside.speedups
    elif not speedups:
        return Undefined("it is the control itself")
    speedup = speedups[threshold]
    average = speedup.average
    if isinstance(average, Undefined):
        return average
    if not speedup.is_censored:
        return average_estimate(average)
    n = sum(not (pair.own.reached and pair.reference.reached) for pair in speedup.pairs)
    known = f"is {average_text(average)}" if average.bound else "is not bounded"
    return Undefined(
        f"in {n} of {len(speedup.pairs)} pairs a run never reached {speedup.threshold:g}: all that is known of the"
        f" geometric mean {known}"
    )
