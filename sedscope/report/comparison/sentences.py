"""The effect of interventions, in sentences that follow from the numbers by stated rules (`docs/report.md`).

Decides the words: earlier and later only where the interval over seeds leaves 1 out, and no kept subspace without
`freeze` beside it. Leaves to others: every number and every verdict (`analysis.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sedscope.analysis.interventions import Cohort, InterventionComparison, TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import QuotientBounds, ReferenceComparison, SpeedUp, verdict
from sedscope.analysis.result_view.intervention_columns import interval_text, ratio_text
from sedscope.analysis.result_view.number_text import times
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Words

FIRST = 0
"""The place of the threshold that sentences speak of: 0.5."""
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
    words = _against_control(group)
    if group.no_freeze is not None:
        words = (*words, f"; {group.no_freeze.reason}")
    for beside in group.beside:
        words = (*words, *_beside(group, beside, among))
    return (*words, ".")


def _against_control(group: TreatmentGroup) -> Words:
    speedup = group.speedups[FIRST]
    subject: Words = (Name(group.label), " ")
    average = speedup.average
    if speedup.bound is not None:
        return (*subject, *_bounded(speedup, speedup.bound), *_unpaired(speedup))
    if isinstance(average, Undefined):
        return (*subject, "against control: ", Strong("not known"), f" ({average.reason})")
    reaches = f"reaches test accuracy {speedup.threshold:g} "
    return (*subject, reaches, *_relation(average, speedup.reference), *_unpaired(speedup))


def _unpaired(speedup: SpeedUp) -> Words:
    """Return the seeds that the number does not hold, in words."""
    if not speedup.unpaired:
        return ()
    seed, reason = speedup.unpaired[0]
    others = len(speedup.unpaired) - 1
    return (f", without seed {seed} ({reason})" + (f" and {others} more" if others else ""),)


def _bounded(speedup: SpeedUp, bound: QuotientBounds) -> Words:
    """Say what is known where a run of either group never got there."""
    own, reference = (sum(time.reached for time in times) for times in _times(speedup))
    n = len(speedup.pairs)
    seeds = f"{n} seed{'' if n == 1 else 's'}"
    words: Words = (
        f"reaches test accuracy {speedup.threshold:g} in {own} of {seeds}, {speedup.reference} in {reference}: its"
        " speed-up is ",
        *(("only bounded, ",) if bound != QuotientBounds(None, None) else ()),
        Strong(ratio_text(bound)),
    )
    average = speedup.average
    if isinstance(average, Undefined):
        return (*words, f", and restricted means do not tell ({average.reason})")
    return words if n == 1 else (*words, "; by restricted means it is ", *_relation(average, speedup.reference))


def _times(speedup: SpeedUp) -> tuple[list[CensoredTime], list[CensoredTime]]:
    return [pair.own for pair in speedup.pairs], [pair.reference for pair in speedup.pairs]


def _relation(average: Average, reference: str) -> Words:
    """Return `3.46× earlier than control (n = 3, 2.9–4.1)`."""
    if verdict(average) == "alike":
        rest = f" than {reference} as far as the interval tells: {times(average.value)} ({interval_text(average)})"
        return (Strong("neither earlier nor later"), rest)
    turned, word = _turned(average)
    return (Strong(f"{times(turned.value)} {word}"), f" than {reference} ({interval_text(turned)})")


def _turned(average: Average) -> tuple[Average, str]:
    """Return the quotient so that it is above 1, and what it then says."""
    if average.value >= 1.0:
        return average, "earlier"
    ends = average.ends if isinstance(average.ends, Undefined) else (1.0 / average.ends[1], 1.0 / average.ends[0])
    return Average(1.0 / average.value, ends, average.n, average.horizon), "later"


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
    return f" ({times(turned.value)} {word} than {reference}, {interval_text(turned)})"


def _against_its_control(label: str, among: TaskComparison) -> str:
    """Return `freeze is 3.60× earlier than control`: what stands beside, against the control too."""
    group = next(group for group in among.groups if group.label == label)
    speedup = group.speedups[FIRST]
    if speedup.bound is not None:
        return f"{label} against control is {ratio_text(speedup.bound)}"
    if isinstance(speedup.average, Undefined):
        return f"{label} against control is not known ({speedup.average.reason})"
    turned, word = _turned(speedup.average)
    return f"{label} is {times(turned.value)} {word} than control"
