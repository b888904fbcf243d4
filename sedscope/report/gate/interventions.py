"""The number that a check asks of a group of runs that had the same done to them; or why there is none.

Decides that a group must be meant unmistakably, and that a quotient which is only bounded passes no check: a bound
holds against neither side. Leaves to others: the numbers (`analysis.comparison`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions import Cohort, InterventionComparison, TreatmentGroup
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.result_view.quotient_text import ratio_text
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate
from sedscope.report.gate.grammar import Lookup
from sedscope.report.gate.lookup import pick
from sedscope.report.gate.vocabulary import OPTIONS

_PARAMETERS: dict[str, Callable[[tuple[Cohort, str, TreatmentGroup]], object]] = {
    "intervention": lambda entry: entry[2].treatment.mode,
    "vary": lambda entry: entry[0].label,
    "task": lambda entry: entry[1],
    **{option: partial(lambda entry, option: getattr(entry[2].treatment, option), option=option) for option in OPTIONS},
}
"""How a cohort, its task and its group say the parameters that pick the group out."""


def look_up_group(comparison: InterventionComparison | None, lookup: Lookup) -> Estimate | Undefined:
    """Return the number that a check asks of the runs of one intervention."""
    if comparison is None:
        return Undefined("no run of this report has an intervention")
    entry = pick(list(comparison.groups()), lookup, _PARAMETERS)
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
    return _average(speedups[threshold])


def _average(speedup: SpeedUp) -> Estimate | Undefined:
    if speedup.bound is not None:
        n = sum(not (pair.own.reached and pair.reference.reached) for pair in speedup.pairs)
        return Undefined(
            f"in {n} of {len(speedup.pairs)} pairs a run never reached {speedup.threshold:g}: all that is known of the"
            f" geometric mean is {ratio_text(speedup.bound)}"
        )
    return speedup.average if isinstance(speedup.average, Undefined) else average_estimate(speedup.average)
