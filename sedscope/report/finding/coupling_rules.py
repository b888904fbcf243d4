"""Sentences about coupling: gradient, trajectory, control, and what is left of their quotient by other measures."""

from __future__ import annotations

from recorders.format import FIXED_GRADIENT, Source
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.number_text import between, count, signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Term, Words
from sedscope.report.finding.case import Case, contrast
from sedscope.report.finding.phrases import factor_words, over, times
from sedscope.report.select import find, usable


def coupling_rule(case: Case) -> Words | None:
    """Gradient against trajectory."""
    gradient, trajectory = case.gradient, case.trajectory
    found = contrast(gradient, trajectory, what=("a gradient source", "displacement"))
    if isinstance(found, Undefined):
        return ("How gradient and trajectory compare is ", Strong("not known"), f": {found.reason}.")
    assert gradient is not None and trajectory is not None
    subject: Words = ("Gradient directions (", Name(gradient.source), ") couple ")
    other = Name(trajectory.source)
    match found.verdict:
        case "above":
            relation: Words = (Strong(f"{factor_words(found.factor)} above"), " ", other)
        case "below":
            relation = (Strong("less"), " than ", other, f", at {factor_words(found.factor)} of it,")
        case "equal":
            relation = (Strong("about as strongly as"), " ", other, f", at {factor_words(found.factor)} of it,")
        case _:
            relation = ("at ", Strong(times(found.factor.value)), " of ", other, ", no interval is known,")
    values = f"{signed(found.above.value)} against {signed(found.below.value)}"
    return (*subject, *relation, f" at t = {count(found.t)} (", Term("R", "R̄_k"), f" {values}{over(found)}).")


def random_rule(case: Case) -> Words | None:
    """Whether the gradient couples above random directions at all."""
    gradient = case.gradient
    found = {} if gradient is None else usable(gradient)
    if not found or gradient is None:
        return None
    t = max(found)
    ends = found[t].ends
    if ends is None or ends[0] > 1.0:
        return None
    relation = "less than" if ends[1] < 1.0 else "no more than"
    return (Name(gradient.source), f" couples {relation} random directions at t = {count(t)}: R̄_k {found[t]}.")


def control_rule(case: Case) -> Words | None:
    """Gradient against the gradient with shuffled labels."""
    gradient = case.gradient
    if gradient is None or not usable(gradient):
        return None
    found = contrast(gradient, case.shuffled, what=("a gradient source", "the shuffled-label control"))
    if isinstance(found, Undefined):
        return (
            "The shuffled-label ", Term("control_band", "control"), " is ", Strong("not measured"),
            f" ({found.reason}), so nothing here says whether this coupling needs the labels.",
        )  # fmt: skip
    label: Words = ("The shuffled-label ", Term("control_band", "control"))
    drawn = f"{_spread(case.shuffled, found.t)}{over(found)}"
    match found.verdict:
        case "above":
            return (
                *label, " couples ", Strong("less"), f": the gradient is {factor_words(found.factor)} above it{drawn},"
                " a difference that goes with the labels and is no more than that factor.",
            )  # fmt: skip
        case "below":
            return (
                *label, " couples ", Strong("more strongly"), f": the gradient is at {factor_words(found.factor)} of"
                f" it{drawn}, so this coupling is no evidence that the directions serve the task.",
            )  # fmt: skip
        case "equal":
            return (
                *label, " couples ", Strong("as strongly"), f" (gradient over control {factor_words(found.factor)}"
                f"{drawn}): nothing here shows that this coupling needs the labels, and it is no evidence that the"
                " directions serve the task.",
            )  # fmt: skip
        case _:
            return (
                *label, f" stands at {times(1.0 / found.factor.value)} the gradient{drawn}; without an interval this"
                " tells nothing further.",
            )  # fmt: skip


def matched_rule(case: Case) -> Words | None:
    """What remains of the contrast against directions with the same norm in every block."""
    whole = contrast(case.gradient, case.trajectory, what=("", ""))
    if isinstance(whole, Undefined) or whole.verdict != "above":
        return None
    found = contrast(case.gradient, case.trajectory, "rbar_matched", what=("", ""))
    subject: Words = ("Against random directions with the same norm in every block (", Term("R_matched", "R^matched"))
    if isinstance(found, Undefined):
        return (*subject, "): ", Strong("not measured"), f" ({found.reason}).")
    here = f" at t = {count(found.t)}"
    match found.verdict:
        case "above":
            return (*subject, ") ", Strong(factor_words(found.factor)), f" of this factor remains{here}.")
        case "equal":
            return (
                *subject,
                ") ",
                Strong("nothing certain"),
                f" of this factor remains{here}: {factor_words(found.factor)}.",
            )
        case "below":
            return (*subject, ") the order is ", Strong("reversed"), f"{here}: {factor_words(found.factor)}.")
        case _:
            return (*subject, f") it is {times(found.factor.value)}{here}, no interval is known.")


def logit_rule(case: Case) -> Words | None:
    """Whether outputs instead of centroids give another contrast."""
    whole = contrast(case.gradient, case.trajectory, what=("", ""))
    found = contrast(case.gradient, case.trajectory, "rbar_logit", what=("", ""))
    if isinstance(whole, Undefined) or isinstance(found, Undefined) or whole.t != found.t:
        return None
    ours, theirs = whole.factor.ends, found.factor.ends
    if ours is None or theirs is None:
        return None
    subject: Words = ("For the outputs instead of the features (", Term("R_logit", "R^logit"), ")")
    if ours[0] <= theirs[1] and theirs[0] <= ours[1]:
        return (*subject, f" the factor is the same within the intervals, {factor_words(found.factor)}:"
                " nothing here is particular to features.")  # fmt: skip
    return (*subject, f" the factor differs: {factor_words(found.factor)}.")


def aggregate_rule(case: Case) -> Words | None:
    """Whether summing the tasks' gradients loses coupling."""
    own = find(case.run, Source(FIXED_GRADIENT, case.task).name, case.task, case.window, case.rank)
    whole = find(case.run, FIXED_GRADIENT, case.task, case.window, case.rank)
    if own is None or whole is None:
        return None
    found = contrast(own, whole, what=("", ""))
    if isinstance(found, Undefined) or found.verdict == "open":
        return None
    relation = {"above": "above", "below": "below", "equal": "about as strongly as"}[found.verdict]
    return ("The task's own gradient couples ", Strong(relation), " the gradient of all tasks: ",
            f"{factor_words(found.factor)} at t = {count(found.t)}{over(found)}.")  # fmt: skip


def _spread(series: CouplingSeries | None, t: int) -> str:
    """How far a control's draws lie apart."""
    point = None if series is None else next((one for one in series.points if one.t == t), None)
    if point is None or point.spread is None:
        return ""
    n = sum(value is not None for value in point.spread.rbar)
    return f"; {n} draws, R̄_k {between((point.spread.low, point.spread.high))}"
