"""Milestones of a task: literal values and undefined states."""

from __future__ import annotations

import numpy as np
import pytest

from recorders.errors import UsageError
from sedscope.analysis.statistics.grokking import AT_START, Crossing, Phases, first_crossing, grokking
from sedscope.analysis.undefined import Undefined

PUBLISHED = Undefined("asked for")


def series(*pairs):
    return np.array([t for t, _ in pairs], dtype=np.int64), np.array([value for _, value in pairs], dtype=np.float64)


def test_milestones():
    test = series((0, 0.01), (25, 0.1), (50, 0.5), (75, 0.97), (100, 0.98))
    train = series((0, 0.02), (25, 0.99), (50, 1.0))
    found = grokking(test, train, task="add", chance=PUBLISHED)
    assert found.grok == (Crossing(50, 0.5, 25), Crossing(100, 0.98, 25))
    assert (found.memorised, found.delay) == (Crossing(25, 0.99, 25), 25)


def test_milestones_are_of_accuracy_above_chance():
    """Two classes: 0.75 of the examples are half way from guessing to all."""
    test = series((0, 0.5), (25, 0.74), (50, 0.75), (75, 0.98), (100, 0.99))
    train = series((0, 0.5), (25, 0.99), (50, 0.995))
    found = grokking(test, train, task="sign", chance=0.5)
    assert [crossing.t for crossing in found.grok] == [50, 100]
    assert found.memorised == Crossing(50, 0.99, 25)
    assert found.accuracy == "accuracy above chance" and found.accuracy_at(0.5) == 0.75
    published = grokking(test, train, task="sign", chance=PUBLISHED)
    assert published.grok[0] == AT_START and published.grok[1].t == 75
    assert published.accuracy == "accuracy as logged" and published.accuracy_at(0.5) == 0.5


def test_above_chance_is_the_plain_formula_at_every_chance():
    generator = np.random.default_rng(0)
    for chance in (0.0, 1 / 97, 0.25, 0.5):
        t, accuracy = np.arange(1, 41), generator.uniform(0.0, 1.0, 40)
        found = grokking((t, accuracy), (t, accuracy), task="add", chance=chance)
        for threshold, crossing in zip((0.5, 0.98, 0.99), (*found.grok, found.memorised), strict=True):
            hits = [
                step for step, value in zip(t, accuracy, strict=True) if (value - chance) / (1 - chance) >= threshold
            ]
            assert (crossing.t == hits[0]) if hits else isinstance(crossing, Undefined)


def test_what_is_there_before_any_training_is_no_grok():
    high, low = series((0, 0.9), (25, 0.2), (50, 1.0)), series((0, 0.1), (25, 1.0))
    found = grokking(high, low, task="add", chance=0.1)
    assert found.grok == (AT_START, Crossing(50, 0.98, 25))
    assert found.delay == AT_START
    assert grokking(low, series((0, 1.0)), task="add", chance=0.1).memorised == AT_START


def test_a_delay_exists_only_where_memorisation_came_first():
    early, late = series((0, 0.0), (25, 1.0), (50, 1.0)), series((0, 0.0), (25, 0.0), (50, 1.0))
    found = grokking(early, late, task="add", chance=0.0)
    assert found.delay == Undefined("memorisation did not come first: memorised at t = 50, grokked at t = 25")
    assert isinstance(grokking(late, late, task="add", chance=0.0).delay, Undefined)
    assert grokking(late, early, task="add", chance=0.0).delay == 25


def test_irregular_evaluations_give_the_step_before():
    assert first_crossing(*series((0, 0.0), (10, 0.0), (60, 0.9)), 0.5, "m") == Crossing(60, 0.5, 50)


def test_the_first_evaluation_has_no_cadence():
    found = first_crossing(*series((0, 1.0)), 0.5, "m")
    assert isinstance(found, Crossing) and found.cadence == Undefined("m: the first evaluation is already there")


def test_never_reached():
    train = series((0, 0.2), (25, np.nan), (50, 0.31))
    found = grokking(train, train, task="mul", chance=PUBLISHED)
    assert found.grok[0] == Undefined("test accuracy of mul never reached 0.5 in 3 evaluations (highest 0.31)")
    assert found.delay == found.grok[0]
    assert grokking(series(), series(), task="mul", chance=PUBLISHED).memorised == Undefined(
        "train accuracy of mul was never logged"
    )
    assert "all NaN or Inf" in first_crossing(*series((0, np.nan), (10, np.inf)), 0.5, "m").reason


def test_memorised_missing_leaves_no_delay():
    found = grokking(series((0, 0.0), (25, 1.0)), series((0, 0.5)), task="add", chance=PUBLISHED)
    assert isinstance(found.delay, Undefined) and "train accuracy" in found.delay.reason


def test_bad_series():
    with pytest.raises(UsageError, match="m: needs one value"):
        first_crossing(np.array([0, 0]), np.array([0.0, 1.0]), 0.5, "m")


STEPS = [0, 100, 200, 300, 400, 500]


def phases(grok: float, memorised: float) -> Phases:
    """Milestones at the first evaluations at or after the given steps, of those at every 10."""
    t = np.arange(0, 600, 10)
    return Phases.of(STEPS, grokking((t, t >= grok), (t, t >= memorised), task="add", chance=0.0))


def test_checkpoints_are_apart_by_the_milestones():
    assert phases(310, 90) == Phases((100, 200), (300,), (400, 500))
    assert phases(350, 100) == Phases((100, 200), (300,), (400, 500)), "the earlier of two that are as near"
    assert phases(360, 100) == Phases((100, 200, 300), (400,), (500,))
    early = phases(310, 320)
    assert (early.at_grok, early.after) == ((300,), (400, 500))
    assert isinstance(early.before, Undefined) and early.before.reason.startswith("memorisation did not come first")


def test_phases_without_milestones_say_why():
    never = phases(10_000, 90)
    assert never.before == never.at_grok == never.after
    assert isinstance(never.before, Undefined) and "test accuracy of add above chance never" in never.before.reason
    late = phases(310, 10_000)
    assert isinstance(late.before, Undefined) and "train accuracy" in late.before.reason
    assert (late.at_grok, late.after) == ((300,), (400, 500))
    assert phases(0, 90).after == AT_START
