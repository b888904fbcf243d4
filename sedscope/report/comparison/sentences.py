"""The effect of interventions, in sentences that follow from the numbers by stated rules (`docs/report.md`).

Decides the words: earlier and later only where the interval over seeds leaves 1 out, and no kept subspace without
`freeze` beside it. Leaves to others: every number and every verdict (`analysis.interventions`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from sedscope.analysis.interventions import Cohort, InterventionComparison, TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.averages import Average, Bound
from sedscope.analysis.interventions.speedup import ReferenceComparison, SpeedUp, verdict
from sedscope.analysis.result_view.intervention_columns import average_text, interval_text
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Words

FIRST = 0
"""The place of the threshold that sentences speak of: 0.5."""
_TURNED: dict[Bound, Bound] = {"": "", ">": "<", "<": ">"}
_NO_MOVEMENT = "the comparison cannot tell the subspace from no movement"


def comparison_findings(
    comparison: InterventionComparison,
) -> Iterator[tuple[Cohort, TaskComparison, tuple[Words, ...]]]:
    """Yield the sentences of every cohort and task in which anything was done."""
    for cohort in comparison.cohorts:
        for task in cohort.tasks:
            sentences = tuple(sentence(group, task) for group in task.groups if group.treatment.acts)
            if sentences:
                yield cohort, task, sentences


def sentence(group: TreatmentGroup, among: TaskComparison) -> Words:
    """Compare one intervention with the control, and with what it must stand beside."""
    words = _against_control(group, among)
    if group.no_freeze is not None:
        words = (*words, f"; {group.no_freeze.reason}")
    for beside in group.beside:
        words = (*words, *_beside(group, beside, among))
    return (*words, ".")


def _against_control(group: TreatmentGroup, among: TaskComparison) -> Words:
    speedup = group.speedups[FIRST]
    subject: Words = (Name(group.label), " ")
    average = speedup.average
    reaches = f"reaches {speedup.threshold:g} in test {among.milestones.accuracy} {_counts(speedup)}"
    if isinstance(average, Undefined):
        unknown: Words = ("against control: ", Strong("not known"), f" ({average.reason})")
        return (*subject, *((reaches, *unknown) if speedup.is_censored else unknown))
    return (*subject, reaches, *_relation(average, speedup.reference), *_unpaired(speedup))


def _counts(speedup: SpeedUp) -> str:
    """Say how many runs of either group got there, where not all did."""
    if not speedup.is_censored:
        return ""
    n = len(speedup.pairs)
    own, reference = (sum(getattr(pair, side).reached for pair in speedup.pairs) for side in ("own", "reference"))
    return f"in {own} of {n} seed{'' if n == 1 else 's'}, {speedup.reference} in {reference}: "


def _unpaired(speedup: SpeedUp) -> Words:
    """Return the seeds that the number does not hold, in words."""
    if not speedup.unpaired:
        return ()
    seed, reason = speedup.unpaired[0]
    others = len(speedup.unpaired) - 1
    return (f", without seed {seed} ({reason})" + (f" and {others} more" if others else ""),)


def _relation(average: Average, reference: str) -> Words:
    """Return `3.46× earlier than control (n = 3, 2.9–4.1)`."""
    if verdict(average) == "alike":
        rest = f" than {reference} as far as the interval tells: {average_text(average)} ({interval_text(average)})"
        return (Strong("neither earlier nor later"), rest)
    turned, word = _turned(average)
    return (Strong(f"{average_text(turned)} {word}"), f" than {reference} ({interval_text(turned)})")


def _turned(average: Average) -> tuple[Average, str]:
    """Return the quotient so that it is above 1, and what it then says."""
    if average.value >= 1.0:
        return average, "earlier"
    ends = average.ends
    if not isinstance(ends, Undefined):
        ends = 1.0 / ends[1], 1.0 / ends[0] if ends[0] else math.inf
    return replace(average, value=1.0 / average.value, ends=ends, bound=_TURNED[average.bound]), "later"


def _beside(group: TreatmentGroup, beside: ReferenceComparison, among: TaskComparison) -> Words:
    speedup = beside.speedups[FIRST]
    words: Words = (f"; {_against_its_control(speedup.reference, among)}",)
    if beside.kind == "random":
        return (*words, ": ", *_against_random(group, speedup))
    average, relation = speedup.average, verdict(speedup.average)
    if isinstance(average, Undefined):
        return (*words, f", and how the two compare is not known ({average.reason}): ", Strong(_NO_MOVEMENT))
    if relation in ("alike", "open"):
        return (*words, ": ", f"with {_too_few(average)} " if relation == "open" else "", Strong(_NO_MOVEMENT),
                _quotient(average, speedup.reference))  # fmt: skip
    more = "what is kept does more than no movement" if relation == "earlier" else "what is kept gains nothing"
    return (*words, ", and it is ", *_relation(average, speedup.reference), f": {more}")


def _against_random(group: TreatmentGroup, speedup: SpeedUp) -> Words:
    average, relation = speedup.average, verdict(speedup.average)
    if isinstance(average, Undefined):
        return (f"how the two compare is not known ({average.reason})",)
    if relation in ("earlier", "later"):
        return ("beside that random subspace it is ", *_relation(average, speedup.reference))
    seeds = "these seeds do" if relation != "open" else f"{_too_few(average)} {'does' if average.n == 1 else 'do'}"
    done = "removed" if group.treatment.removes else "kept"
    return (f"{seeds} not tell the {done} subspace from a random one", _quotient(average, speedup.reference))


def _too_few(average: Average) -> str:
    """Say why there is no interval."""
    return "one seed" if average.n == 1 else "fewer than two seeds that were followed far enough"


def _quotient(average: Average, reference: str) -> str:
    turned, word = _turned(average)
    return f" ({average_text(turned)} {word} than {reference}, {interval_text(turned)})"


def _against_its_control(label: str, among: TaskComparison) -> str:
    """Return `freeze is 3.60× earlier than control`: what stands beside, against the control too."""
    group = next(group for group in among.groups if group.label == label)
    speedup = group.speedups[FIRST]
    if isinstance(speedup.average, Undefined):
        return f"{label} against control is not known ({speedup.average.reason})"
    turned, word = _turned(speedup.average)
    return f"{label} is {average_text(turned)} {word} than control"
