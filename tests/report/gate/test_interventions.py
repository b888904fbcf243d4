"""Checks on interventions: values, intervals, which group is meant, and what fails with its reason."""

from __future__ import annotations

import re

import pytest
from comparison_samples import outcome, paper

from recorders.errors import UsageError
from sedscope.analysis.interventions import Outcome, compare
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.gate.gate import apply_checks
from sedscope.report.gate.grammar import parse_check
from sedscope.report.gate.verdict import Verdict


def verdict(text: str, *outcomes: Outcome) -> Verdict:
    (found,) = apply_checks([parse_check(text)], (), compare(outcomes or paper()))
    return found


def test_a_speed_up_with_its_interval() -> None:
    one = verdict('speedup(intervention="keep-sed", task="add") >= 2')
    assert one.passed and one.run == "interventions"
    assert isinstance(one.left, Estimate) and one.left.ends is not None
    assert one.left.value == pytest.approx((2900 / 900 * 2800 / 800 * 3300 / 900) ** (1 / 3))
    assert verdict('low(speedup(intervention="keep-sed")) > 2.8').passed
    assert verdict('speedup(intervention="keep-sed", threshold=0.98) < 3.1').passed
    assert not verdict('low(speedup(intervention="keep-sed", over="freeze")) > 1').passed
    assert verdict('grokked(intervention="remove-sed") == 2 / 3').passed
    assert verdict('grokked(intervention="control") == 1').passed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('speedup(intervention="remove-sed")', "in 1 of 3 pairs a run never reached 0.5: all that is known of the"
         " geometric mean is < 0.938×"),
        ('speedup(intervention="control")', "it is the control itself"),
        ('speedup(intervention="keep")', "intervention: 'keep' was not analysed; known: 'control', 'freeze',"),
        ('speedup(intervention="keep-sed", basis="raw")', "basis: 'raw' was not analysed; known: 'applied'"),
        ('speedup(intervention="keep-sed", rank=5)', "rank: 5 was not analysed; known: 3"),
        ('speedup(intervention="keep-sed", over="random")', "has no random beside it"),
        ('speedup(intervention="freeze", over="freeze")', "freeze has no freeze beside it"),
    ],
)  # fmt: skip
def test_what_is_bounded_or_not_there_fails_with_its_reason(text: str, reason: str) -> None:
    one = verdict(f"{text} > 0")
    assert not one.passed and isinstance(one.left, Undefined)
    assert reason in one.left.reason


def test_a_check_says_which_group_it_means() -> None:
    add, mul = ("train.py", "--ops=add"), ("train.py", "--ops=mul")
    runs = [outcome(mode, "1", t, command=add) for mode, t in (("control", 3000), ("freeze", 1000))]
    runs += [outcome(mode, "1", t, command=mul, task="mul") for mode, t in (("control", 2000), ("freeze", 500))]
    runs += [outcome("keep-sed", "1", 900, command=add, basis=basis) for basis in ("applied", "raw")]
    assert verdict('speedup(intervention="freeze", task="mul") == 4', *runs).passed
    assert verdict('speedup(intervention="freeze", vary="--ops=add") < 3.1', *runs).passed
    for text, reason in (
        ('speedup(intervention="freeze")', "vary= must say which of '--ops=add', '--ops=mul' is meant"),
        ('speedup(intervention="keep-sed", task="add")', "basis= must say which of 'applied', 'raw' is meant"),
    ):
        found = verdict(f"{text} > 0", *runs).left
        assert found == Undefined(reason)


def test_missing_freeze_is_the_reason() -> None:
    left = verdict('speedup(intervention="keep-sed", over="freeze") > 1', *paper(freeze=False)).left
    assert isinstance(left, Undefined) and "cannot tell a subspace from no movement" in left.reason
    one_seed = [outcome("control", "1", 3000), outcome("freeze", "1", 1000)]
    left = verdict('low(speedup(intervention="freeze")) > 1', *one_seed).left
    assert left == Undefined("low() needs an interval, and none is known")


def test_without_interventions_and_beside_runs(one_task: RunAnalysis, facts: RunFacts) -> None:
    check = parse_check('speedup(intervention="freeze") > 1')
    (found,) = apply_checks([check], [Reported(one_task, facts)] * 2, None)
    assert found.left == Undefined("no run of this report has an intervention")
    mixed = parse_check('grok_step(task="add") > grokked(intervention="freeze")')
    assert [one.run for one in apply_checks([mixed], [Reported(one_task, facts)] * 2, compare(paper()))] == ["add"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speedup() > 1", "intervention= is required in speedup(speedup, …)"),
        ('speedup(intervention="freeze", run="a") > 1', "parameter of speedup: one of intervention, task, threshold,"),
        ('speedup(intervention="freeze", over="keep-sed") > 1', "over: one of control, freeze, random is required"),
        ('final(speedup, intervention="freeze") > 1', "quantity: one of rbar,"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_check(text)
