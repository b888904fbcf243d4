"""Milestones of a task: literal values and undefined states."""

from __future__ import annotations

import numpy as np
import pytest

from recorders.errors import UsageError
from sedscope.analysis.statistics.grokking import Crossing, first_crossing, grokking
from sedscope.analysis.undefined import Undefined


def series(*pairs):
    return np.array([t for t, _ in pairs], dtype=np.int64), np.array([value for _, value in pairs], dtype=np.float64)


def test_milestones():
    test = series((0, 0.01), (25, 0.1), (50, 0.5), (75, 0.97), (100, 0.98))
    train = series((0, 0.02), (25, 0.99), (50, 1.0))
    found = grokking(test, train, task="add")
    assert found.grok == (Crossing(50, 0.5, 25), Crossing(100, 0.98, 25))
    assert (found.memorised, found.delay) == (Crossing(25, 0.99, 25), 25)


def test_irregular_evaluations_give_the_step_before():
    assert first_crossing(*series((0, 0.0), (10, 0.0), (60, 0.9)), 0.5, "m") == Crossing(60, 0.5, 50)


def test_the_first_evaluation_has_no_cadence():
    found = first_crossing(*series((0, 1.0)), 0.5, "m")
    assert isinstance(found, Crossing) and found.cadence == Undefined("m: the first evaluation is already there")


def test_never_reached():
    train = series((0, 0.2), (25, np.nan), (50, 0.31))
    found = grokking(train, train, task="mul")
    assert found.grok[0] == Undefined("test accuracy of mul never reached 0.5 in 3 evaluations (highest 0.31)")
    assert found.delay == found.grok[0]
    assert grokking(series(), series(), task="mul").memorised == Undefined("train accuracy of mul was never logged")
    assert "all NaN or Inf" in first_crossing(*series((0, np.nan), (10, np.inf)), 0.5, "m").reason


def test_memorised_missing_leaves_no_delay():
    found = grokking(series((0, 0.0), (25, 1.0)), series((0, 0.5)), task="add")
    assert isinstance(found.delay, Undefined) and "train accuracy" in found.delay.reason


def test_bad_series():
    with pytest.raises(UsageError, match="m: needs one value"):
        first_crossing(np.array([0, 0]), np.array([0.0, 1.0]), 0.5, "m")
