"""The finding in words: sentences that follow from the numbers by stated rules and say no more.

Each rule is one function: it takes what was measured for one task and gives a sentence, also where something is missing
(then it says what, and why), or None where there is nothing to say. `docs/report.md` states the rules for readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.number_text import times
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Strong, Words
from sedscope.report.finding.case import Case, Contrast, contrast
from sedscope.report.finding.rules import (
    aggregate_rule,
    alignment_rule,
    control_rule,
    coupling_rule,
    flat_rule,
    logit_rule,
    matched_rule,
    random_rule,
    stage_rule,
    state_rule,
)

__all__ = ["RULES", "across_tasks", "all_findings", "finding"]

Rule = Callable[[Case], Words | None]
"""Makes one sentence of a case; None where there is nothing to say."""
RULES: Sequence[Rule] = (
    coupling_rule,
    control_rule,
    random_rule,
    matched_rule,
    logit_rule,
    alignment_rule,
    stage_rule,
    aggregate_rule,
    flat_rule,
    state_rule,
)
"""The rules in the order of their sentences."""


def finding(run: RunAnalysis, task: str, window: int, rank: int) -> tuple[Words, ...]:
    """Return the sentences about one task, the most important one first."""
    case = Case(run, task, window, rank)
    return tuple(words for rule in RULES if (words := rule(case)) is not None)


def all_findings(run: RunAnalysis) -> Iterable[tuple[str, tuple[Words, ...]]]:
    """Yield each task with its sentences."""
    basis = RunView(run).headline_basis
    if basis is None:
        return
    for task in run.tasks:
        yield task, finding(run, task, *basis)


def across_tasks(run: RunAnalysis) -> Words | None:
    """Return one sentence for all tasks together; None where there is one task alone."""
    basis = RunView(run).headline_basis
    if basis is None or len(run.tasks) < 2:
        return None
    return _summary([Case(run, task, *basis) for task in run.tasks])


_NAMES = ("a gradient source", "what it is compared with")
_RELATIONS = (
    ("above", "above"),
    ("equal", "about as strongly as"),
    ("below", "less than"),
    ("open", "without interval to"),
)


def _summary(cases: Sequence[Case]) -> Words:
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


def _counted(contrasts: Sequence[Contrast | Undefined], other: str) -> Words:
    """Return `above displacement in 4 of 4 tasks (126× to 146×)`, then the other relations that occur."""
    clauses: list[Words] = []
    for verdict, relation in _RELATIONS:
        values = [each.factor.value for each in contrasts if isinstance(each, Contrast) and each.verdict == verdict]
        if values:
            spread = f"{times(min(values), 2)} to {times(max(values), 2)}"
            counted = f" {other} in {len(values)} of {len(contrasts)} tasks ({spread})"
            clauses.append((Strong(relation), counted))
    unknown = sum(isinstance(each, Undefined) for each in contrasts)
    if unknown:
        clauses.append((f"in a way that is not known to {other} in {unknown} of {len(contrasts)} tasks",))
    return tuple(piece for index, clause in enumerate(clauses) for piece in ((", ", *clause) if index else clause))
