"""From a name in a check to a number of a group of runs that had the same done to them; or why there is none.

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

Place = tuple[Cohort, str, TreatmentGroup]
"""A group, its cohort and its task."""


def look_up_group(comparison: InterventionComparison | None, wanted: Lookup) -> Estimate | Undefined:
    """The number that a check asks of the runs of one intervention."""
    if comparison is None:
        return Undefined("no run of this report has an intervention")
    group = _group(list(comparison.groups()), wanted)
    if isinstance(group, Undefined):
        return group
    threshold = GROK_ACCURACIES.index(float(wanted.get("threshold") or GROK_ACCURACIES[0]))
    if wanted.quantity == "speedup":
        return _speedup(group, str(wanted.get("over") or "control"), threshold)
    reaching = group.reaching[threshold]
    if isinstance(reaching.mean, Undefined) and not reaching.n:
        return reaching.mean
    return Estimate.exact(reaching.reached / reaching.n)


def _group(found: list[Place], wanted: Lookup) -> TreatmentGroup | Undefined:
    """The one that is meant."""
    for parameter, of in _PARAMETERS.items():
        value = wanted.get(parameter)
        if value is None:
            continue
        shown = f"{value:g}" if isinstance(value, float) else value
        known = dict.fromkeys(str(of(one)) for one in found)
        found = [one for one in found if str(of(one)) == shown]
        if not found:
            return Undefined(f"{parameter}: {shown!r} is not among the runs; known: {_listed(known)}")
    return found[0][2] if len(found) == 1 else _several(found)


def _several(found: Sequence[Place]) -> Undefined:
    """What tells the groups apart that a check could mean."""
    for parameter, of in _PARAMETERS.items():
        known = dict.fromkeys(str(of(one)) for one in found)
        if len(known) > 1:
            return Undefined(f"{parameter}= must say which of {_listed(known)} is meant")
    return Undefined(f"several groups are meant: {_listed(one.label for _, _, one in found)}")


def _option(place: Place, name: str) -> object:
    return getattr(place[2].treatment, name)


_PARAMETERS: dict[str, Callable[[Place], object]] = {
    "intervention": lambda place: place[2].treatment.mode,
    "vary": lambda place: place[0].label,
    "task": lambda place: place[1],
    **{option: partial(_option, name=option) for option in OPTIONS},
}
"""What picks a group out, in the order in which it is asked for."""


def _speedup(group: TreatmentGroup, over: str, threshold: int) -> Estimate | Undefined:
    speedups = group.speedups
    if over != "control":
        beside = next((one for one in group.beside if one.kind == over), None)
        if beside is None:
            absent = Undefined(f"{group.label} has no {over} beside it")
            return absent if group.no_freeze is None or over != "freeze" else group.no_freeze
        speedups = beside.speedups
    elif not speedups:
        return Undefined("it is the control itself")
    return _known(speedups[threshold])


def _known(speedup: SpeedUp) -> Estimate | Undefined:
    if speedup.bound is not None:
        n = sum(not (pair.own.reached and pair.reference.reached) for pair in speedup.pairs)
        return Undefined(
            f"in {n} of {len(speedup.pairs)} pairs a run never reached {speedup.threshold:g}: all that is known of the"
            f" geometric mean is {ratio_text(speedup.bound)}"
        )
    return speedup.average if isinstance(speedup.average, Undefined) else estimate_of(speedup.average)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(one) for one in names) or "none"
