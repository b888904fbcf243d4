"""The finding, rule by rule: each verdict, and each thing that can be missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from report_samples import FLOORS, interval, measured

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import plain
from sedscope.report.finding import across_tasks, finding
from sedscope.report.finding.case import Case
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

ABSENT = Undefined("no probe")


def case(run: RunAnalysis, *series: CouplingSeries) -> Case:
    return Case(replace(run, coupling=series), "add", 20, 3)


def said(words: object) -> str:
    assert isinstance(words, tuple)
    return plain(words)


def without_interval(series: CouplingSeries) -> CouplingSeries:
    return replace(series, points=tuple(replace(one, interval=ABSENT) for one in series.points))


def undefined(series: CouplingSeries) -> CouplingSeries:
    points = tuple(replace(one, ratio=ABSENT, matched=ABSENT, logit=ABSENT) for one in series.points)
    return replace(series, points=points, peak=ABSENT, final=ABSENT)


GRADIENT = measured("fixed_gradient/add", (70.0, 72.0), matched=32.0, logit=72.0)
DISPLACEMENT = measured("displacement", (7.0, 5.0), matched=8.0, logit=5.0)


@pytest.mark.parametrize(
    ("below", "text"),
    [
        (
            DISPLACEMENT,
            "Gradient directions (fixed_gradient/add) couple 14× (12–18) above displacement at t = 2,000"
            " (R̄_k 72.0 against 5.00; over 2 checkpoints 10× to 14×).",
        ),
        (
            measured("displacement", (70.0,)),
            "Gradient directions (fixed_gradient/add) couple about as strongly as displacement, at 1.0× (0.82–1.2) of"
            " it, at t = 1,000 (R̄_k 70.0 against 70.0).",
        ),
        (
            measured("update", (700.0,)),
            "Gradient directions (fixed_gradient/add) couple less than update, at 0.10× (0.082–0.12) of it,"
            " at t = 1,000 (R̄_k 70.0 against 700).",
        ),
        (
            without_interval(DISPLACEMENT),
            "Gradient directions (fixed_gradient/add) couple at 14× of displacement, no interval is known,"
            " at t = 2,000 (R̄_k 72.0 against 5.00; over 2 checkpoints 10× to 14×).",
        ),
        (
            undefined(DISPLACEMENT),
            "How gradient and trajectory compare is not known: displacement: no probe.",
        ),
    ],
    ids=["above", "equal", "below", "open", "undefined"],
)
def test_coupling(one_task: RunAnalysis, below: CouplingSeries, text: str) -> None:
    assert said(coupling_rule(case(one_task, GRADIENT, below))) == text


def test_coupling_without_one_side(one_task: RunAnalysis) -> None:
    start = "How gradient and trajectory compare is not known: "
    assert said(coupling_rule(case(one_task, GRADIENT))) == f"{start}displacement was not analysed."
    assert said(coupling_rule(case(one_task, DISPLACEMENT))) == f"{start}a gradient source was not analysed."


def test_the_gradient_is_the_first_that_has_a_number(one_task: RunAnalysis) -> None:
    batch = measured("gradient/add", (50.0, 50.0))
    assert case(one_task, undefined(GRADIENT), batch).gradient is batch


def test_series_without_a_shared_checkpoint_are_not_compared(one_task: RunAnalysis) -> None:
    late = replace(DISPLACEMENT, points=(replace(DISPLACEMENT.points[0], t=5000),))
    assert "they share no checkpoint with full windows" in said(coupling_rule(case(one_task, GRADIENT, late)))


@pytest.mark.parametrize(
    ("control", "text"),
    [
        (
            measured("control/shuffled/add", (71.0, 73.0), spread=(60.0, 90.0)),
            "The shuffled-label control couples as strongly (gradient over control 0.99× (0.72–1.3); 2 draws, R̄_k"
            " 60–90; over 2 checkpoints 0.99× to 0.99×): nothing here shows that this coupling needs the labels, and it"
            " is no evidence that the directions serve the task.",
        ),
        (
            measured("control/shuffled/add", (10.0,)),
            "The shuffled-label control couples less: the gradient is 7.0× (5.7–8.6) above it, a difference that goes"
            " with the labels and is no more than that factor.",
        ),
        (
            measured("control/shuffled/add", (700.0,)),
            "The shuffled-label control couples more strongly: the gradient is at 0.10× (0.082–0.12) of it, so this"
            " coupling is no evidence that the directions serve the task.",
        ),
        (
            without_interval(measured("control/shuffled/add", (35.0,))),
            "The shuffled-label control stands at 0.50× the gradient; without an interval this tells nothing further.",
        ),
        (
            undefined(measured("control/shuffled/add", (35.0,))),
            "The shuffled-label control is not measured (control/shuffled/add: no probe), so nothing here says whether"
            " this coupling needs the labels.",
        ),
        (
            None,
            "The shuffled-label control is not measured (the shuffled-label control was not analysed), so nothing here"
            " says whether this coupling needs the labels.",
        ),
    ],
    ids=["equal", "above", "below", "open", "undefined", "absent"],
)
def test_control(one_task: RunAnalysis, control: CouplingSeries | None, text: str) -> None:
    assert said(control_rule(case(one_task, GRADIENT, *([control] if control else [])))) == text


def test_draws_that_lie_apart_make_a_difference_uncertain(one_task: RunAnalysis) -> None:
    sure = measured("control/shuffled/add", (50.0, 50.0), spread=(49.0, 51.0))
    unsure = measured("control/shuffled/add", (50.0, 50.0), spread=(30.0, 80.0))
    assert "couples less" in said(control_rule(case(one_task, GRADIENT, sure)))
    assert "couples as strongly" in said(control_rule(case(one_task, GRADIENT, unsure)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "fixed_gradient/add couples less than random directions at t = 1,000: R̄_k 0.500 (0.45–0.55)."),
        (1.04, "fixed_gradient/add couples no more than random directions at t = 1,000: R̄_k 1.04 (0.94–1.1)."),
        (2.0, None),
    ],
)
def test_random_directions(one_task: RunAnalysis, value: float, text: str | None) -> None:
    found = random_rule(case(one_task, measured("fixed_gradient/add", (value,))))
    assert found is None if text is None else said(found) == text


@pytest.mark.parametrize(
    ("matched", "text"),
    [
        (8.0, "4.0× (3.3–4.9) of this factor remains at t = 2,000."),
        (32.0, "nothing certain of this factor remains at t = 2,000: 1.0× (0.82–1.2)."),
        (320.0, "the order is reversed at t = 2,000: 0.10× (0.082–0.12)."),
    ],
)
def test_matched(one_task: RunAnalysis, matched: float, text: str) -> None:
    below = measured("displacement", (7.0, 5.0), matched=matched)
    start = "Against random directions with the same norm in every block (R^matched) "
    assert said(matched_rule(case(one_task, GRADIENT, below))) == start + text


def test_matched_that_was_not_measured(one_task: RunAnalysis) -> None:
    below = replace(DISPLACEMENT, points=tuple(replace(one, matched=ABSENT) for one in DISPLACEMENT.points))
    found = said(matched_rule(case(one_task, GRADIENT, below)))
    assert found.endswith("(R^matched): not measured (displacement: no probe).")


def test_matched_and_logit_are_silent_without_a_contrast(one_task: RunAnalysis) -> None:
    same = measured("displacement", (70.0, 72.0))
    assert matched_rule(case(one_task, GRADIENT, same)) is None
    assert logit_rule(case(one_task, GRADIENT, undefined(DISPLACEMENT))) is None


@pytest.mark.parametrize(
    ("logit", "text"),
    [
        (5.0, "the factor is the same within the intervals, 14× (12–18): nothing here is particular to features."),
        (0.5, "the factor differs: 144× (118–176)."),
    ],
)
def test_logit(one_task: RunAnalysis, logit: float, text: str) -> None:
    below = measured("displacement", (7.0, 5.0), logit=logit)
    found = said(logit_rule(case(one_task, GRADIENT, below)))
    assert found == f"For the outputs instead of the features (R^logit) {text}"


@pytest.mark.parametrize(
    ("own", "control", "text"),
    [
        (0.3, -0.1, " tells them apart here: above the floor of random directions at 2 of 2 checkpoints for the"
                    " gradient (median +0.30), 0 of 2 checkpoints for the shuffled-label control (median −0.10)."),
        (0.3, 0.3, " does not tell them apart here: above the floor of random directions at 2 of 2 checkpoints for the"
                   " gradient (median +0.30), 2 of 2 checkpoints for the shuffled-label control (median +0.30)."),
        (0.05, 0.0, " does not tell them apart here: above the floor of random directions at 0 of 2 checkpoints for the"
                    " gradient (median +0.050), 0 of 2 checkpoints for the shuffled-label control (median 0)."),
    ],
)  # fmt: skip
def test_alignment(one_task: RunAnalysis, own: float, control: float, text: str) -> None:
    run = replace(one_task, random_alignment=(FLOORS,))
    gradient = measured("fixed_gradient/add", (70.0, 72.0), aligned=own)
    shuffled = measured("control/shuffled/add", (70.0, 72.0), aligned=control)
    start = "The signed alignment with what the training did next"
    assert said(alignment_rule(case(run, gradient, shuffled))) == start + text
    assert said(alignment_rule(case(run, gradient))).endswith("the shuffled-label control was not put beside it.")
    assert alignment_rule(case(one_task, gradient, shuffled)) is None


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (72.0, "about as strongly as the gradient of all tasks: 1.0× (0.82–1.2) at t = 1,000."),
        (7.2, "above the gradient of all tasks: 10× (8.2–12) at t = 1,000."),
        (720.0, "below the gradient of all tasks: 0.10× (0.082–0.12) at t = 1,000."),
    ],
)
def test_aggregate(one_task: RunAnalysis, whole: float, text: str) -> None:
    own = measured("fixed_gradient/add", (72.0,))
    found = said(aggregate_rule(case(one_task, own, measured("fixed_gradient", (whole,)))))
    assert found == f"The task's own gradient couples {text}"
    assert aggregate_rule(case(one_task, own)) is None


def test_stages(evidence: RunAnalysis) -> None:
    (table,) = evidence.stages
    found = said(stage_rule(Case(evidence, "add", 20, 3)))
    assert found == (
        "Among the optimizer's stages most coupling is lost at adaptive step: the factor from the stage before is 0.32"
        " (1 checkpoint)."
    )
    nothing = replace(evidence, stages=(replace(table, loses_most=ABSENT),))
    assert stage_rule(Case(nothing, "add", 20, 3)) is None
    assert stage_rule(Case(replace(evidence, stages=()), "add", 20, 3)) is None


def test_flat(one_task: RunAnalysis) -> None:
    flat = measured("fixed_gradient/add", (70.0, 72.0), flat="flat")
    expected = "The top-K subspace is arbitrary (flat spectrum) at 2 of 2 checkpoints of fixed_gradient/add."
    assert said(flat_rule(case(one_task, flat, DISPLACEMENT))) == expected
    assert flat_rule(case(one_task, GRADIENT, DISPLACEMENT)) is None


def test_an_unfinished_run(one_task: RunAnalysis) -> None:
    assert state_rule(case(one_task)) is None
    recording = replace(one_task, state="recording")
    assert said(state_rule(case(recording))) == "The run is recording: these numbers end at t = 2,000."


def test_the_whole_finding_in_order(evidence: RunAnalysis) -> None:
    found = [plain(words) for words in finding(evidence, "add", 20, 3)]
    starts = ("Gradient directions", "The shuffled-label control", "Against random", "For the outputs", "The signed",
              "Among the optimizer's", "The top-K")  # fmt: skip
    assert [text.startswith(start) for text, start in zip(found, starts, strict=True)] == [True] * len(starts)


def test_several_tasks_in_one_sentence(four_tasks: RunAnalysis) -> None:
    found = across_tasks(four_tasks)
    assert said(found) == (
        "Gradient directions of the tasks couple above displacement in 4 of 4 tasks (13× to 15×); in a way that is not"
        " known to the shuffled-label control in 4 of 4 tasks."
    )


def test_one_task_needs_no_summary(one_task: RunAnalysis) -> None:
    assert across_tasks(one_task) is None


def test_a_negative_interval_end_never_reads_as_above(one_task: RunAnalysis) -> None:
    wide = replace(GRADIENT, points=tuple(replace(one, interval=interval(0.0, 99.0)) for one in GRADIENT.points))
    assert "about as strongly as" in said(coupling_rule(case(one_task, wide, DISPLACEMENT)))


RULES: list[Callable[[Case], object]] = [
    coupling_rule, control_rule, random_rule, matched_rule, logit_rule, alignment_rule, aggregate_rule, stage_rule,
    flat_rule, state_rule,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_needs_anything(one_task: RunAnalysis, rule: Callable[[Case], object]) -> None:
    for bare in (case(one_task), case(one_task, undefined(GRADIENT), undefined(DISPLACEMENT))):
        words = rule(bare)
        assert words is None or said(words).endswith(".")
