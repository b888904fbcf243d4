"""The rules of the finding: coupling, its control, what is left of the quotient by other measures, and what surrounds
it: alignment, stages of the optimizer, flat spectra, an unfinished run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recorders.format import STATE_FINISHED
from recorders.row_sources import FIXED_GRADIENT, Source
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.columns import RBAR_LOGIT, RBAR_MATCHED
from sedscope.analysis.result_view.diagnostic_columns import alignment_floors, alignments, n_flat, with_sign
from sedscope.analysis.result_view.number_text import between, count, signed, times
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Term, Words
from sedscope.report.estimate import usable
from sedscope.report.finding.case import Case, checkpoints, contrast, factor_words, over


def coupling_rule(case: Case) -> Words | None:
    """Compare the gradient with the trajectory."""
    gradient, trajectory = case.gradient, case.trajectory
    quotient = contrast(gradient, trajectory, names=("a gradient source", "displacement"))
    if isinstance(quotient, Undefined):
        return ("How gradient and trajectory compare is ", Strong("not known"), f": {quotient.reason}.")
    assert gradient is not None and trajectory is not None
    subject: Words = ("Gradient directions (", Name(gradient.source), ") couple ")
    other = Name(trajectory.source)
    match quotient.verdict:
        case "above":
            relation: Words = (Strong(f"{factor_words(quotient.factor)} above"), " ", other)
        case "below":
            relation = (Strong("less"), " than ", other, f", at {factor_words(quotient.factor)} of it,")
        case "equal":
            relation = (Strong("about as strongly as"), " ", other, f", at {factor_words(quotient.factor)} of it,")
        case _:
            relation = ("at ", Strong(times(quotient.factor.value, 2)), " of ", other, ", no interval is known,")
    values = f"{signed(quotient.above.value)} against {signed(quotient.below.value)}"
    return (*subject, *relation, f" at t = {count(quotient.t)} (", Term("R", "R̄_k"), f" {values}{over(quotient)}).")


def random_rule(case: Case) -> Words | None:
    """Say where the gradient does not couple above random directions."""
    gradient = case.gradient
    ratios = {} if gradient is None else usable(gradient)
    if not ratios or gradient is None:
        return None
    t = max(ratios)
    ends = ratios[t].ends
    if ends is None or ends[0] > 1.0:
        return None
    relation = "less than" if ends[1] < 1.0 else "no more than"
    return (Name(gradient.source), f" couples {relation} random directions at t = {count(t)}: R̄_k {ratios[t]}.")


def control_rule(case: Case) -> Words | None:
    """Compare the gradient with the gradient under shuffled labels."""
    gradient = case.gradient
    if gradient is None or not usable(gradient):
        return None
    quotient = contrast(gradient, case.shuffled, names=("a gradient source", "the shuffled-label control"))
    if isinstance(quotient, Undefined):
        return (
            "The shuffled-label ", Term("control_band", "control"), " is ", Strong("not measured"),
            f" ({quotient.reason}), so nothing here says whether this coupling needs the labels.",
        )  # fmt: skip
    label: Words = ("The shuffled-label ", Term("control_band", "control"))
    drawn = f"{_spread(case.shuffled, quotient.t)}{over(quotient)}"
    match quotient.verdict:
        case "above":
            return (
                *label, " couples ", Strong("less"), f": the gradient is {factor_words(quotient.factor)} above"
                f" it{drawn}, a difference that goes with the labels and is no more than that factor.",
            )  # fmt: skip
        case "below":
            return (
                *label, " couples ", Strong("more strongly"), f": the gradient is at {factor_words(quotient.factor)} of"
                f" it{drawn}, so this coupling is no evidence that the directions serve the task.",
            )  # fmt: skip
        case "equal":
            return (
                *label, " couples ", Strong("as strongly"), f" (gradient over control {factor_words(quotient.factor)}"
                f"{drawn}): nothing here shows that this coupling needs the labels, and it is no evidence that the"
                " directions serve the task.",
            )  # fmt: skip
        case _:
            return (
                *label, f" stands at {times(1.0 / quotient.factor.value, 2)} the gradient{drawn}; without an interval"
                " this tells nothing further.",
            )  # fmt: skip


def matched_rule(case: Case) -> Words | None:
    """Say what remains of the contrast against directions with the same norm in every block."""
    by_rbar = contrast(case.gradient, case.trajectory)
    if isinstance(by_rbar, Undefined) or by_rbar.verdict != "above":
        return None
    by_matched = contrast(case.gradient, case.trajectory, RBAR_MATCHED)
    subject: Words = ("Against random directions with the same norm in every block (", Term("R_matched", "R^matched"))
    if isinstance(by_matched, Undefined):
        return (*subject, "): ", Strong("not measured"), f" ({by_matched.reason}).")
    here = f" at t = {count(by_matched.t)}"
    match by_matched.verdict:
        case "above":
            return (*subject, ") ", Strong(factor_words(by_matched.factor)), f" of this factor remains{here}.")
        case "equal":
            return (
                *subject,
                ") ",
                Strong("nothing certain"),
                f" of this factor remains{here}: {factor_words(by_matched.factor)}.",
            )
        case "below":
            return (*subject, ") the order is ", Strong("reversed"), f"{here}: {factor_words(by_matched.factor)}.")
        case _:
            return (*subject, f") it is {times(by_matched.factor.value, 2)}{here}, no interval is known.")


def logit_rule(case: Case) -> Words | None:
    """Say whether outputs instead of centroids give another contrast."""
    by_rbar = contrast(case.gradient, case.trajectory)
    by_logit = contrast(case.gradient, case.trajectory, RBAR_LOGIT)
    if isinstance(by_rbar, Undefined) or isinstance(by_logit, Undefined) or by_rbar.t != by_logit.t:
        return None
    ours, theirs = by_rbar.factor.ends, by_logit.factor.ends
    if ours is None or theirs is None:
        return None
    subject: Words = ("For the outputs instead of the features (", Term("R_logit", "R^logit"), ")")
    if ours[0] <= theirs[1] and theirs[0] <= ours[1]:
        return (*subject, f" the factor is the same within the intervals, {factor_words(by_logit.factor)}:"
                " nothing here is particular to features.")  # fmt: skip
    return (*subject, f" the factor differs: {factor_words(by_logit.factor)}.")


def aggregate_rule(case: Case) -> Words | None:
    """Say whether summing the tasks' gradients loses coupling."""
    of_task, of_all_tasks = case.series(Source(FIXED_GRADIENT, case.task).name), case.series(FIXED_GRADIENT)
    if of_task is None or of_all_tasks is None:
        return None
    quotient = contrast(of_task, of_all_tasks)
    if isinstance(quotient, Undefined) or quotient.verdict == "open":
        return None
    relation = {"above": "above", "below": "below", "equal": "about as strongly as"}[quotient.verdict]
    return ("The task's own gradient couples ", Strong(relation), " the gradient of all tasks: ",
            f"{factor_words(quotient.factor)} at t = {count(quotient.t)}{over(quotient)}.")  # fmt: skip


def _spread(series: CouplingSeries | None, t: int) -> str:
    """Say how far a control's draws lie apart."""
    point = None if series is None else next((each for each in series.points if each.t == t), None)
    if point is None or point.spread is None:
        return ""
    n = sum(value is not None for value in point.spread.rbar)
    return f"; {n} draws, R̄_k {between((point.spread.low, point.spread.high))}"


TELLS_APART = 2 / 3
"""Alignment tells a gradient from its control where this share of checkpoints is above the floor for the one, and at
most the rest for the other."""


def stage_rule(case: Case) -> Words | None:
    """Say where on the way to the displacement most coupling is lost."""
    key = (case.task, case.window, case.rank)
    table = next((each for each in case.run.stages if (each.task, each.window, each.rank) == key), None)
    if table is None or isinstance(table.loses_most, Undefined):
        return None
    stage = next(stage for stage in table.stages if stage.source == table.loses_most)
    if isinstance(stage.factor, Undefined):
        return None
    return (
        "Among the optimizer's ", Term("stages", "stages"), " most coupling is lost at ", Strong(stage.name),
        f": the factor from the stage before is {signed(stage.factor, 2)} ({checkpoints(len(table.steps))}).",
    )  # fmt: skip


def alignment_rule(case: Case) -> Words | None:
    """Say whether the signed measure tells the gradient from its control."""
    floors = alignment_floors(case.run, case.task)
    gradient, shuffled = case.gradient, case.shuffled
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


def flat_rule(case: Case) -> Words | None:
    """Say where the directions themselves are arbitrary."""
    flat_counts = []
    for series in (case.gradient, case.trajectory):
        if series is not None and (counts := n_flat(series))[0]:
            flat_counts.append((series.source, counts))
    if not flat_counts:
        return None
    words: Words = ("The top-K subspace is arbitrary (", Term("participation", "flat spectrum"), ") at ")
    for index, (source, (flat, n)) in enumerate(flat_counts):
        words = (*words, " and " if index else "", f"{flat} of {n} checkpoints of ", Name(source))
    return (*words, ".")


def state_rule(case: Case) -> Words | None:
    """Say where the end of the run is not the end of the training."""
    if case.run.state == STATE_FINISHED or case.run.steps is None:
        return None
    return ("The run is ", Strong(case.run.state), f": these numbers end at t = {count(case.run.steps[1])}.")


def _aligned(subject: str, values: Sequence[tuple[float, float]]) -> str:
    above = sum(a > floor for a, floor in values)
    median = float(np.median([a for a, _ in values]))
    return f"{above} of {checkpoints(len(values))} for {subject} (median {with_sign(median)})"
