"""Sentences about what surrounds the coupling: alignment, stages of the optimizer, flat spectra, an unfinished run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recorders.format import STATE_FINISHED
from sedscope.analysis.result_view.alignment_floor import alignment_floors, alignments
from sedscope.analysis.result_view.diagnostic_columns import n_flat, with_sign
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Name, Strong, Term, Words
from sedscope.report.finding.case import Case, checkpoints

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
