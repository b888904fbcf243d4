"""The number of a run, or of a group of runs, that a name in a check asks for, with its interval; or why there is none.

Decides what `final`, `peak` and the others mean: over full windows alone, as everywhere in a report; `final` is the
last checkpoint and no earlier one. One result must be meant unmistakably, and a quotient that is only bounded passes
no check: a bound holds against neither side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from recorders.row_sources import DISPLACEMENT
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.coupling.response import SHIFT_KINDS
from sedscope.analysis.interventions import Cohort, InterventionComparison, TreatmentGroup
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.analysis.pipeline.results import Quotient, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SPECTRA
from sedscope.analysis.result_view.intervention_columns import ratio_text
from sedscope.analysis.result_view.result_column import Reading, ResultColumn
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import SourceVerdict, verdicts
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate, estimate_of
from sedscope.report.facts import Reported
from sedscope.report.gate.grammar import OPTIONS, VERDICTS, Lookup

Series = dict[int, Estimate | Undefined]
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
    return series if isinstance(series, Undefined) else _reduced(series, lookup)


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


def _reduced(series: Series, lookup: Lookup) -> Estimate | Undefined:
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
    estimates = [value for value in series.values() if isinstance(value, Estimate)]
    if not estimates:
        return next(value for value in series.values() if isinstance(value, Undefined))
    if lookup.reduction == "mean":
        return _mean(estimates, len(series))
    choose = max if lookup.reduction == "peak" else min
    return choose(estimates, key=lambda value: value.value)


def _mean(estimates: list[Estimate], n: int) -> Estimate | Undefined:
    if len(estimates) < n:
        return Undefined(f"undefined at {n - len(estimates)} of {n} checkpoints")
    ends = [value.ends for value in estimates if value.ends is not None]
    mean = math.fsum(value.value for value in estimates) / n
    if len(ends) < n:
        return Estimate(mean)
    return Estimate(mean, (math.fsum(low for low, _ in ends) / n, math.fsum(high for _, high in ends) / n))


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
    # A short window counts for nothing, but where it is the last one `final` must say so and not take an earlier one.
    return {
        point.t: estimate_of(column.read(point))
        if getattr(point, "full", True)
        else Undefined(f"the window is short: {point.n_rows} rows")
        for point in series.points
        if getattr(point, "full", True) or point is series.points[-1]
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


def _metric(reported: Reported, name: str) -> Series | Undefined:
    metrics = reported.facts.metrics
    if name not in metrics:
        return Undefined(f"metric {name!r} was never logged; known: {_listed(metrics)}")
    return {
        int(t): Estimate(float(value)) if math.isfinite(value) else Undefined(f"{name} is {value} at t = {t}")
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
    return Estimate.exact(float(value.value)) if isinstance(value, Reading) else estimate_of(value)


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
    group = entry[2]
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
    if speedup.bound is not None:
        n = sum(not (pair.own.reached and pair.reference.reached) for pair in speedup.pairs)
        return Undefined(
            f"in {n} of {len(speedup.pairs)} pairs a run never reached {speedup.threshold:g}: all that is known of the"
            f" geometric mean is {ratio_text(speedup.bound)}"
        )
    return speedup.average if isinstance(speedup.average, Undefined) else average_estimate(speedup.average)
