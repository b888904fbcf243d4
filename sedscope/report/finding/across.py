"""Several tasks in one sentence: for how many of them a quotient lies above 1, below it, or about there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Strong, Words
from sedscope.report.finding.case import Case, Contrast, contrast
from sedscope.report.finding.phrases import times

_RELATIONS = (
    ("above", "above"),
    ("equal", "about as strongly as"),
    ("below", "less than"),
    ("open", "without interval to"),
)


def summary(cases: Sequence[Case]) -> Words:
    """Gradient against trajectory and against the shuffled-label control, counted over the tasks of a run."""
    trajectory = _counted(cases, "displacement", lambda case: contrast(case.gradient, case.trajectory, what=_WHAT))
    control = _counted(
        cases, "the shuffled-label control", lambda case: contrast(case.gradient, case.shuffled, what=_WHAT)
    )
    whole: Words = ("Gradient directions of the tasks couple ", *trajectory, "; ", *control, ".")
    verdicts = [contrast(case.gradient, case.shuffled, what=_WHAT) for case in cases]
    unseen = sum(isinstance(one, Contrast) and one.verdict in ("equal", "below") for one in verdicts)
    if unseen:
        whole = (*whole, f" Where it is not above that control ({unseen} of {len(cases)}), the coupling is no evidence"
                 " that the directions serve the task.")  # fmt: skip
    return whole


_WHAT = ("a gradient source", "what it is compared with")


def _counted(cases: Sequence[Case], other: str, compare: Callable[[Case], Contrast | Undefined]) -> Words:
    """`above displacement in 4 of 4 tasks (126× to 146×)`, then the other relations that occur."""
    found = [compare(case) for case in cases]
    parts: list[Words] = []
    for verdict, relation in _RELATIONS:
        values = [one.factor.value for one in found if isinstance(one, Contrast) and one.verdict == verdict]
        if values:
            said = f" {other} in {len(values)} of {len(cases)} tasks ({times(min(values))} to {times(max(values))})"
            parts.append((Strong(relation), said))
    unknown = sum(isinstance(one, Undefined) for one in found)
    if unknown:
        parts.append((f"in a way that is not known to {other} in {unknown} of {len(cases)} tasks",))
    return tuple(piece for place, part in enumerate(parts) for piece in ((", ", *part) if place else part))
