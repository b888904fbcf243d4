"""The sentences below a verdict: what surrounds the coupling, each by a stated rule.

Each rule is one function: it takes a run and the verdict on a task's gradient and gives a sentence, or None where there
is nothing to say. `docs/report.md` states the rules for readers. Leaves to others: what may be claimed (`verdict`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from recorders.format import STATE_FINISHED
from recorders.row_sources import CONTROL_SHUFFLED, FIXED_GRADIENT, Source
from sedscope.analysis.pipeline.contrasts import MOVEMENTS
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.diagnostic_columns import alignment_floors, alignments, n_flat, with_sign
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import SourceVerdict, quotient_of, quotient_text
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Term, Words

Rule = Callable[[RunAnalysis, SourceVerdict], Words | None]
"""Makes one sentence about a task; None where there is nothing to say."""
TELLS_APART = 2 / 3
"""Alignment tells a gradient from its control where this share of checkpoints is above the floor for the one, and at
most the rest for the other."""


def finding(run: RunAnalysis, verdict: SourceVerdict) -> tuple[Words, ...]:
    """Return the sentences about one task, the most important one first."""
    return tuple(words for rule in RULES if (words := rule(run, verdict)) is not None)


def _series(run: RunAnalysis, verdict: SourceVerdict, source: str) -> CouplingSeries | None:
    return RunView(run).find(source, verdict.task, verdict.window, verdict.rank)


def logit_rule(run: RunAnalysis, verdict: SourceVerdict) -> Words | None:
    """Say whether outputs instead of centroids give another contrast."""
    basis = (verdict.window, verdict.rank)
    by_logit = quotient_of(run, verdict.source, MOVEMENTS, verdict.task, basis, "rbar_logit").quotient
    by_rbar = verdict.over_movement
    if isinstance(by_rbar, Undefined) or isinstance(by_logit, Undefined) or by_rbar.t != by_logit.t:
        return None
    ours, theirs = by_rbar.ends, by_logit.ends
    if isinstance(ours, Undefined) or isinstance(theirs, Undefined):
        return None
    subject: Words = ("For the outputs instead of the features (", Term("R_logit", "R^logit"), ")")
    if ours[0] <= theirs[1] and theirs[0] <= ours[1]:
        return (*subject, f" the factor over {verdict.movement} is the same within the intervals,"
                f" {quotient_text(by_logit)}: nothing here is particular to features.")  # fmt: skip
    return (*subject, f" the factor over {verdict.movement} differs: {quotient_text(by_logit)}.")


def alignment_rule(run: RunAnalysis, verdict: SourceVerdict) -> Words | None:
    """Say whether the signed measure tells the gradient from its control."""
    floors = alignment_floors(run, verdict.task)
    gradient = _series(run, verdict, verdict.source)
    shuffled = _series(run, verdict, Source(CONTROL_SHUFFLED, verdict.task).name)
    if gradient is None or not floors:
        return None
    of_gradient = alignments(gradient, floors)
    if not of_gradient:
        return None
    term: Words = ("The signed ", Term("alignment", "alignment"), " with what the training did next")
    ours = _aligned("the gradient", of_gradient)
    of_control = [] if shuffled is None else alignments(shuffled, floors)
    if not of_control:
        return (*term, f" is above the floor of random directions at {ours}; the shuffled-label control was not put"
                " beside it.")  # fmt: skip
    share, control_share = (sum(a > f for a, f in pairs) / len(pairs) for pairs in (of_gradient, of_control))
    apart = share >= TELLS_APART and control_share <= 1.0 - TELLS_APART
    return (
        *term,
        " ",
        Strong("tells them apart" if apart else "does not tell them apart"),
        f" here: above the floor of random directions at {ours}, {_aligned('the shuffled-label control', of_control)}.",
    )  # fmt: skip


def stage_rule(run: RunAnalysis, verdict: SourceVerdict) -> Words | None:
    """Say where on the way to the displacement most coupling is lost."""
    key = (verdict.task, verdict.window, verdict.rank)
    table = next((each for each in run.stages if (each.task, each.window, each.rank) == key), None)
    if table is None or isinstance(table.loses_most, Undefined):
        return None
    stage = next(stage for stage in table.stages if stage.source == table.loses_most)
    if isinstance(stage.factor, Undefined):
        return None
    return (
        "Among the optimizer's ", Term("stages", "stages"), " most coupling is lost at ", Strong(stage.name),
        f": the factor from the stage before is {signed(stage.factor, 2)} ({checkpoints(len(table.steps))}).",
    )  # fmt: skip


def aggregate_rule(run: RunAnalysis, verdict: SourceVerdict) -> Words | None:
    """Say whether summing the tasks' gradients loses coupling."""
    own, basis = Source(FIXED_GRADIENT, verdict.task).name, (verdict.window, verdict.rank)
    quotient = quotient_of(run, own, (FIXED_GRADIENT,), verdict.task, basis).quotient
    if isinstance(quotient, Undefined) or quotient.relation == "open":
        return None
    relation = {"above": "above", "below": "below", "equal": "about as strongly as"}[quotient.relation]
    return ("The task's own gradient couples ", Strong(relation), " the gradient of all tasks: ",
            f"{quotient_text(quotient)} at t = {count(quotient.t)}.")  # fmt: skip


def flat_rule(run: RunAnalysis, verdict: SourceVerdict) -> Words | None:
    """Say where the directions themselves are arbitrary."""
    both = [_series(run, verdict, source) for source in (verdict.source, verdict.movement)]
    flat_counts = [(each.source, n_flat(each)) for each in both if each is not None and n_flat(each)[0]]
    if not flat_counts:
        return None
    words: Words = ("The top-K subspace is arbitrary (", Term("participation", "flat spectrum"), ") at ")
    for index, (source, (flat, n)) in enumerate(flat_counts):
        words = (*words, " and " if index else "", f"{flat} of {n} checkpoints of ", Name(source))
    return (*words, ".")


def state_rule(run: RunAnalysis, _: SourceVerdict) -> Words | None:
    """Say where the end of the run is not the end of the training."""
    if run.state == STATE_FINISHED or run.steps is None:
        return None
    return ("The run is ", Strong(run.state), f": these numbers end at t = {count(run.steps[1])}.")


RULES: Sequence[Rule] = (
    logit_rule,
    alignment_rule,
    stage_rule,
    aggregate_rule,
    flat_rule,
    state_rule,
)
"""The rules in the order of their sentences."""


def _aligned(subject: str, values: Sequence[tuple[float, float]]) -> str:
    above = sum(a > floor for a, floor in values)
    median = float(np.median([a for a, _ in values]))
    return f"{above} of {checkpoints(len(values))} for {subject} (median {with_sign(median)})"


def checkpoints(n: int) -> str:
    """Return `7 checkpoints`."""
    return f"{n} checkpoint{'' if n == 1 else 's'}"
