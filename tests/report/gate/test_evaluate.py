"""Checks on runs: values, intervals, and everything that can be undefined."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_samples import compared, measured

from sedscope.analysis.pipeline.results import Quotient, RunAnalysis
from sedscope.analysis.result_view.verdict import headline_verdicts
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.gate.gate import apply_checks
from sedscope.report.gate.grammar import parse_check
from sedscope.report.gate.verdict import Verdict


def verdicts(text: str, *reported: Reported) -> tuple[Verdict, ...]:
    return apply_checks([parse_check(text)], reported)


@pytest.fixture
def one(evidence: RunAnalysis, facts: RunFacts) -> Reported:
    return Reported(evidence, facts)


F = 'source="fixed_gradient/add"'


@pytest.mark.parametrize(
    ("left", "value"),
    [
        (f"final(rbar, {F})", 72.0),
        (f"peak(rbar, {F})", 72.0),
        (f"lowest(rbar, {F})", 70.0),
        (f"mean(rbar, {F})", 71.0),
        (f"at(rbar, {F}, t=1000)", 70.0),
        (f"final(rbar_matched, {F})", 32.0),
        (f"final(rbar_logit, {F})", 70.0),
        (f"final(alignment, {F})", 0.2),
        (f'final(alignment, {F}, moved="all")', 0.1),
        (f"low(final(rbar, {F}))", 64.8),
        (f"high(final(rbar, {F}))", 79.2),
        (f"before(rbar, {F})", 70.0),
        (f"at_grok(rbar, {F})", 72.0),
        ("before(rank90)", 83.0),
        ("chance()", 0.01),
        ("final(rank90)", 51.0),
        ("peak(rank90)", 96.0),
        ("grok_step()", 1600.0),
        ("grok_step(threshold=0.98)", 2000.0),
        ('memorisation_step(task="add")', 200.0),
        ("delay()", 1400.0),
        ('final(metric, name="test_acc/add")', 0.99),
        (f"2 * final(rbar, {F}) - (1 + 1) / 4", 143.5),
        (f"-final(rbar, {F})", -72.0),
        (f"over_displacement({F})", 14.4),
        (f"over_displacement_matched({F})", 4.0),
    ],
)
def test_values(one: Reported, left: str, value: float) -> None:
    (verdict,) = verdicts(f"{left} == {value if value >= 0 else f'-{-value}'}", one)
    assert isinstance(verdict.left, Estimate)
    assert verdict.left.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        (
            'final(rbar, source="nix")',
            "source: 'nix' was not analysed; known: 'fixed_gradient/add', 'control/shuffled/add',",
        ),
        (f'final(rbar, {F}, task="mul")', "task: 'mul' was not analysed; known: 'add'"),
        (f"final(rbar, {F}, window=40)", "window: 40 was not analysed; known: 20"),
        (f"at(rbar, {F}, t=30)", "there is no checkpoint at t = 30; there are 1000, 2000"),
        (
            'final(metric, name="nix")',
            "metric 'nix' was never logged; known: 'test_acc/add', 'train_acc/add', 'broken'",
        ),
        ('final(metric, name="broken")', "at t = 2000: broken is nan at t = 2000"),
        ('mean(metric, name="broken")', "undefined at 1 of 3 checkpoints"),
        ('grok_step(task="mul")', "task: 'mul' was not analysed; known: 'add'"),
        ('final(gap, source="nix")', "source: 'nix' was not analysed; known: 'update'"),
        ('final(gap, source="update")', "at t = 25: the window is short: 3 rows"),
        ("low(final(rank90))", "low() needs an interval, and none is known"),
        ("1 / (1 - 1)", "a division by zero"),
        ('final(rbar, run="nix", source="update")', "run: 'nix' is not in this report; known: add"),
    ],
)
def test_what_is_undefined_fails_and_says_why(one: Reported, left: str, reason: str) -> None:
    for text in (f"{left} > 0", f"{left} <= 0", f"0 != {left}"):
        (verdict,) = verdicts(text, one)
        side = verdict.right if text.startswith("0") else verdict.left
        assert isinstance(side, Undefined)
        assert side.reason.startswith(reason)
        assert not verdict.passed
        assert f"undefined: {reason}" in str(verdict)


def test_a_short_last_window_is_undefined(one_task: RunAnalysis, facts: RunFacts) -> None:
    series = one_task.coupling[0]
    short = replace(series, points=(*series.points[:-1], replace(series.points[-1], full=False, n_rows=5)))
    run = Reported(replace(one_task, coupling=(short,)), facts)
    (verdict,) = verdicts(f"final(rbar, {F}) > 0", run)
    assert verdict.left == Undefined("at t = 2000: the window is short: 5 rows")
    (verdict,) = verdicts(f"peak(rbar, {F}) == 109", run)
    assert verdict.passed


def test_a_choice_must_be_made(four_tasks: RunAnalysis, facts: RunFacts) -> None:
    run = Reported(four_tasks, facts)
    (verdict,) = verdicts('final(rbar, source="displacement") > 0', run)
    assert verdict.left == Undefined("task= must say which of 'add', 'sub', 'mul', 'x2y2' is meant")
    (verdict,) = verdicts("grok_step() > 0", run)
    assert verdict.left == Undefined("task= must say which of 'add', 'sub', 'mul', 'x2y2' is meant")
    (verdict,) = verdicts('grok_step(task="mul") > 0', run)
    assert isinstance(verdict.left, Undefined) and "never reached 0.5" in verdict.left.reason


def test_the_sides_and_their_intervals_are_printed(one: Reported) -> None:
    (verdict,) = verdicts(f'final(rbar, {F}) >= 1.5 * final(rbar, source="control/shuffled/add")', one)
    assert str(verdict).splitlines() == [
        'FAILED  add  final(rbar, source="fixed_gradient/add") >= 1.5 * final(rbar, source="control/shuffled/add")',
        "        left 72.0 (65–79), right 110 (99–120)",
        f"        {next(iter(headline_verdicts(one.analysis))).words}",
    ]
    (verdict,) = verdicts(f"peak(rbar, {F}) < 2 * before(rbar, {F})", one)
    assert verdict.sides == "left 72.0 (65–79) (at the last checkpoint, an edge of what was seen), right 140 (126–154)"
    (verdict,) = verdicts(f"before(rbar, {F}) < grok_step()", one)
    assert verdict.sides == "left 70.0 (63–77) (mean over 1 checkpoint), right 1600 (of accuracy above chance)"
    (verdict,) = verdicts(f"after(rbar, {F}) > 0", one)
    assert verdict.left == Undefined("there is no checkpoint with a full window")
    (verdict,) = verdicts(f'final(rbar, {F}) < final(rbar, source="control/shuffled/add")', one)
    assert verdict.passed
    assert verdict.sides.endswith("; the intervals overlap")


def test_over_every_control(one: Reported) -> None:
    missing = f"over_control({F})"
    (verdict,) = verdicts(f"{missing} > 1", one)
    assert verdict.left == Undefined("control/per_example/add was not analysed")
    wide = measured("control/per_example/add", (20.0, 20.0), spread=(1.0, 400.0))
    run = compared(one.analysis, *one.analysis.coupling, wide)
    (verdict,) = verdicts(f"{missing} > 1", replace(one, analysis=run))
    assert isinstance(verdict.left, Estimate)
    strongest = next(each for each in run.contrasts if each.other == "control/shuffled/add").quotient
    assert isinstance(strongest, Quotient) and not isinstance(strongest.ends, Undefined)
    # The low end is that of the control that is known worst.
    assert verdict.left == Estimate(strongest.value, (72.0 * 0.9 / 400.0, strongest.ends[1]))


def test_displacement_is_meant_and_no_update(one: Reported) -> None:
    without = [series for series in one.analysis.coupling if series.source != "displacement"]
    run = compared(one.analysis, *without, measured("update", (5.0, 5.0)))
    (verdict,) = verdicts(f"over_displacement({F}) > 1", replace(one, analysis=run))
    assert verdict.left == Undefined("displacement was not analysed; known: update")
    (verdict,) = verdicts('over_displacement(source="update") > 1', one)
    assert verdict.left == Undefined("source: 'update' was not analysed; known: 'fixed_gradient/add'")


def test_every_run_unless_runs_are_named(evidence: RunAnalysis, facts: RunFacts) -> None:
    other = replace(evidence, name="b", path="runs/b", coupling=(measured("fixed_gradient/add", (5.0,)),))
    runs = Reported(evidence, facts), Reported(other, facts)
    assert [(one.run, one.passed) for one in verdicts(f"final(rbar, {F}) > 10", *runs)] == [("add", True), ("b", False)]
    both = f'final(rbar, run="add", {F}) > final(rbar, run="runs/b", {F})'
    assert [(one.run, one.passed) for one in verdicts(both, *runs)] == [("add, runs/b", True)]
    mixed = f'final(rbar, run="add", {F}) >= final(rbar, {F})'
    assert [(one.run, one.passed) for one in verdicts(mixed, *runs)] == [("add", True), ("b", True)]


def test_a_name_that_several_runs_have_is_no_choice(evidence: RunAnalysis, facts: RunFacts) -> None:
    twin = replace(evidence, path="runs/twin")
    runs = Reported(evidence, facts), Reported(twin, facts)
    (verdict,) = verdicts('grok_step(run="add") > 0', *runs)
    assert verdict.left == Undefined("run: 2 runs are called 'add'; one of runs/add, runs/twin is required")
    (verdict,) = verdicts('grok_step(run="runs/twin") > 0', *runs)
    assert verdict.passed


def test_a_named_run_that_is_not_there_is_no_other_one(one: Reported) -> None:
    (verdict,) = verdicts(f'final(rbar, run="nix", {F}) >= final(rbar, {F})', one)
    assert not verdict.passed
