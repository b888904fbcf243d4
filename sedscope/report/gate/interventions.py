"""The number that a check asks of a group of runs that had the same done to them; or why there is none.

Decides that a group must be meant unmistakably, and that a quotient which is only bounded passes no check: a bound
holds against neither side. Leaves to others: the numbers (`analysis.comparison`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions import Cohort, InterventionComparison, TreatmentGroup
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.words import estimate_of, ratio_text
from sedscope.report.estimate import Estimate
from sedscope.report.gate.grammar import Lookup
from sedscope.report.gate.vocabulary import OPTIONS

Candidate = tuple[Cohort, str, TreatmentGroup]
"""A group, its cohort and its task."""


def look_up_group(comparison: InterventionComparison | None, lookup: Lookup) -> Estimate | Undefined:
    """Return the number that a check asks of the runs of one intervention."""
    if comparison is None:
        return Undefined("no run of this report has an intervention")
    group = _group(list(comparison.groups()), lookup)
    if isinstance(group, Undefined):
        return group
    threshold = GROK_ACCURACIES.index(float(lookup.get("threshold") or GROK_ACCURACIES[0]))
    if lookup.quantity == "speedup":
        return _speedup(group, str(lookup.get("over") or "control"), threshold)
    reaching = group.reaching[threshold]
    if isinstance(reaching.mean, Undefined) and not reaching.n:
        return reaching.mean
    return Estimate.exact(reaching.reached / reaching.n)


def _group(candidates: list[Candidate], lookup: Lookup) -> TreatmentGroup | Undefined:
    """Return the group that is meant, or why none is."""
    for parameter, of in _PARAMETERS.items():
        value = lookup.get(parameter)
        if value is None:
            continue
        shown = f"{value:g}" if isinstance(value, float) else value
        values = dict.fromkeys(str(of(candidate)) for candidate in candidates)
        candidates = [candidate for candidate in candidates if str(of(candidate)) == shown]
        if not candidates:
            return Undefined(f"{parameter}: {shown!r} is not among the runs; known: {_listed(values)}")
    return candidates[0][2] if len(candidates) == 1 else _several(candidates)


def _several(candidates: Sequence[Candidate]) -> Undefined:
    """Return what tells the groups apart that a check could mean."""
    for parameter, of in _PARAMETERS.items():
        values = dict.fromkeys(str(of(candidate)) for candidate in candidates)
        if len(values) > 1:
            return Undefined(f"{parameter}= must say which of {_listed(values)} is meant")
    return Undefined(f"several groups are meant: {_listed(group.label for _, _, group in candidates)}")


def _option(candidate: Candidate, name: str) -> object:
    return getattr(candidate[2].treatment, name)


_PARAMETERS: dict[str, Callable[[Candidate], object]] = {
    "intervention": lambda candidate: candidate[2].treatment.mode,
    "vary": lambda candidate: candidate[0].label,
    "task": lambda candidate: candidate[1],
    **{option: partial(_option, name=option) for option in OPTIONS},
}
"""Parameters that pick a group out, and how they are read off one; in the order in which they are asked for."""


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
    return _average(speedups[threshold])


def _average(speedup: SpeedUp) -> Estimate | Undefined:
    if speedup.bound is not None:
        n = sum(not (pair.own.reached and pair.reference.reached) for pair in speedup.pairs)
        return Undefined(
            f"in {n} of {len(speedup.pairs)} pairs a run never reached {speedup.threshold:g}: all that is known of the"
            f" geometric mean is {ratio_text(speedup.bound)}"
        )
    return speedup.average if isinstance(speedup.average, Undefined) else estimate_of(speedup.average)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
