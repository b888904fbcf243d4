"""The finding in words: sentences that follow from the numbers by stated rules and say no more.

Each rule is one function: it takes what was measured for one task and gives a sentence, also where something is missing
(then it says what, and why), or None where there is nothing to say. `docs/report.md` states the rules for readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.document import Words
from sedscope.report.finding.across import summary
from sedscope.report.finding.case import Case
from sedscope.report.finding.context_rules import alignment_rule, flat_rule, stage_rule, state_rule
from sedscope.report.finding.coupling_rules import (
    aggregate_rule,
    control_rule,
    coupling_rule,
    logit_rule,
    matched_rule,
    random_rule,
)

__all__ = ["RULES", "across_tasks", "all_findings", "finding", "headline_basis"]

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


def headline_basis(run: RunAnalysis) -> tuple[int, int] | None:
    """Return the W and K that the finding speaks of: the first of each in the settings; None without coupling."""
    return next(((series.window, series.rank) for series in run.coupling), None)


def all_findings(run: RunAnalysis) -> Iterable[tuple[str, tuple[Words, ...]]]:
    """Yield each task with its sentences."""
    basis = headline_basis(run)
    if basis is None:
        return
    for task in run.tasks:
        yield task, finding(run, task, *basis)


def across_tasks(run: RunAnalysis) -> Words | None:
    """Return one sentence for all tasks together; None where there is one task alone."""
    basis = headline_basis(run)
    if basis is None or len(run.tasks) < 2:
        return None
    return summary([Case(run, task, *basis) for task in run.tasks])
