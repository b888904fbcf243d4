"""Several tasks in one sentence: for how many of them a quotient lies above 1, below it, or about there."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Compare gradient with trajectory and with the shuffled-label control, counted over the tasks of a run."""
    over_trajectory = [contrast(case.gradient, case.trajectory, names=_NAMES) for case in cases]
    over_control = [contrast(case.gradient, case.shuffled, names=_NAMES) for case in cases]
    relations = (
        *_counted(over_trajectory, "displacement"),
        "; ",
        *_counted(over_control, "the shuffled-label control"),
    )
    sentence: Words = ("Gradient directions of the tasks couple ", *relations, ".")
    unseen = sum(isinstance(each, Contrast) and each.verdict in ("equal", "below") for each in over_control)
    if unseen:
        sentence = (*sentence, f" Where it is not above that control ({unseen} of {len(cases)}), the coupling is no"
                    " evidence that the directions serve the task.")  # fmt: skip
    return sentence


_NAMES = ("a gradient source", "what it is compared with")


def _counted(contrasts: Sequence[Contrast | Undefined], other: str) -> Words:
    """Return `above displacement in 4 of 4 tasks (126× to 146×)`, then the other relations that occur."""
    clauses: list[Words] = []
    for verdict, relation in _RELATIONS:
        values = [each.factor.value for each in contrasts if isinstance(each, Contrast) and each.verdict == verdict]
        if values:
            counted = (
                f" {other} in {len(values)} of {len(contrasts)} tasks ({times(min(values))} to {times(max(values))})"
            )
            clauses.append((Strong(relation), counted))
    unknown = sum(isinstance(each, Undefined) for each in contrasts)
    if unknown:
        clauses.append((f"in a way that is not known to {other} in {unknown} of {len(contrasts)} tasks",))
    return tuple(piece for index, clause in enumerate(clauses) for piece in ((", ", *clause) if index else clause))
