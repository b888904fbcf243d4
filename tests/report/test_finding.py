"""The sentences below a verdict, rule by rule, and each thing that can be missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_samples import FLOORS, compared, measured

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.verdict import headline_verdicts
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import plain
from sedscope.report.finding import (
    RULES,
    Rule,
    aggregate_rule,
    alignment_rule,
    finding,
    flat_rule,
    logit_rule,
    stage_rule,
    state_rule,
)

ABSENT = Undefined("no probe")


def sentence(rule: Rule, run: RunAnalysis, *series: CouplingSeries) -> str | None:
    """What a rule says of a run, or of these series in its place."""
    run = compared(run, *series)
    words = rule(run, next(iter(headline_verdicts(run))))
    return None if words is None else plain(words)


def undefined(series: CouplingSeries) -> CouplingSeries:
    points = tuple(replace(one, ratio=ABSENT, matched=ABSENT, logit=ABSENT) for one in series.points)
    return replace(series, points=points, peak=ABSENT, final=ABSENT)


GRADIENT = measured("fixed_gradient/add", (70.0, 72.0), matched=32.0, logit=72.0)
DISPLACEMENT = measured("displacement", (7.0, 5.0), matched=8.0, logit=5.0)


@pytest.mark.parametrize(
    ("logit", "text"),
    [
        (5.0, "is the same within the intervals, 14× [12–18]: nothing here is particular to features."),
        (0.5, "differs: 144× [118–176]."),
    ],
)
def test_logit(one_task: RunAnalysis, logit: float, text: str) -> None:
    below = measured("displacement", (7.0, 5.0), logit=logit)
    found = sentence(logit_rule, one_task, GRADIENT, below)
    assert found == f"For the outputs instead of the features (R^logit) the factor over displacement {text}"
    assert sentence(logit_rule, one_task, GRADIENT, undefined(below)) is None


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
    assert sentence(alignment_rule, run, gradient, shuffled) == start + text
    alone = sentence(alignment_rule, run, gradient)
    assert alone is not None and alone.endswith("the shuffled-label control was not put beside it.")
    assert sentence(alignment_rule, one_task, gradient, shuffled) is None


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (72.0, "about as strongly as the gradient of all tasks: 1.0× [0.82–1.2] at t = 1,000."),
        (7.2, "above the gradient of all tasks: 10× [8.2–12] at t = 1,000."),
        (720.0, "below the gradient of all tasks: 0.10× [0.082–0.12] at t = 1,000."),
    ],
)
def test_aggregate(one_task: RunAnalysis, whole: float, text: str) -> None:
    own = measured("fixed_gradient/add", (72.0,))
    found = sentence(aggregate_rule, one_task, own, measured("fixed_gradient", (whole,)))
    assert found == f"The task's own gradient couples {text}"
    assert sentence(aggregate_rule, one_task, own) is None


def test_stages(evidence: RunAnalysis) -> None:
    (table,) = evidence.stages
    found = sentence(stage_rule, evidence)
    assert found == (
        "Among the optimizer's stages most coupling is lost at adaptive step: the factor from the stage before is 0.32"
        " (1 checkpoint)."
    )
    nothing = replace(evidence, stages=(replace(table, loses_most=ABSENT),))
    assert sentence(stage_rule, nothing) is None
    assert sentence(stage_rule, replace(evidence, stages=())) is None


def test_flat(one_task: RunAnalysis) -> None:
    flat = measured("fixed_gradient/add", (70.0, 72.0), flat="flat")
    expected = "The top-K subspace is arbitrary (flat spectrum) at 2 of 2 checkpoints of fixed_gradient/add."
    assert sentence(flat_rule, one_task, flat, DISPLACEMENT) == expected
    assert sentence(flat_rule, one_task, GRADIENT, DISPLACEMENT) is None


def test_an_unfinished_run(one_task: RunAnalysis) -> None:
    assert sentence(state_rule, one_task) is None
    recording = replace(one_task, state="recording")
    assert sentence(state_rule, recording) == "The run is recording: these numbers end at t = 2,000."


def test_the_whole_finding_in_order(evidence: RunAnalysis) -> None:
    found = [plain(words) for words in finding(evidence, next(iter(headline_verdicts(evidence))))]
    starts = ("For the outputs", "The signed", "Among the optimizer's", "The top-K")
    assert [text.startswith(start) for text, start in zip(found, starts, strict=True)] == [True] * len(starts)


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_needs_anything(one_task: RunAnalysis, rule: Rule) -> None:
    for bare in ([GRADIENT], [undefined(GRADIENT), undefined(DISPLACEMENT)]):
        said = sentence(rule, one_task, *bare)
        assert said is None or said.endswith(".")
