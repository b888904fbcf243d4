"""Numbers with intervals: arithmetic that contains every pair of values from the parts."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedscope.analysis.result_view.number_text import between
from sedscope.analysis.undefined import Undefined
from sedscope.report import estimate
from sedscope.report.estimate import Estimate

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
    return Estimate(value, (low, high))


@pytest.mark.parametrize(
    ("made", "plain"),
    [
        (estimate.add, operator.add),
        (estimate.subtract, operator.sub),
        (estimate.multiply, operator.mul),
        (estimate.divide, operator.truediv),
    ],
)
@given(left=estimates(), right=estimates(), a=st.floats(0, 1), b=st.floats(0, 1))
def test_every_value_of_the_parts_lies_within(made, plain, left, right, a, b) -> None:  # type: ignore[no-untyped-def]
    found = made(left, right)
    if isinstance(found, Undefined):
        assert right.value == 0.0
        return
    assert found.value == plain(left.value, right.value)
    if found.ends is None:
        assert right.ends[0] <= 0.0 <= right.ends[1]
        return
    x, y = (one.ends[0] + share * (one.ends[1] - one.ends[0]) for one, share in ((left, a), (right, b)))
    slack = 1e-9 * max(1.0, abs(found.ends[0]), abs(found.ends[1]))
    assert found.ends[0] - slack <= plain(x, y) <= found.ends[1] + slack


def test_a_number_without_an_interval_gives_none() -> None:
    assert estimate.add(Estimate(1.0), Estimate.exact(2.0)) == Estimate(3.0)


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        (Estimate.exact(1.0), Estimate.exact(0.0), "a division by zero"),
        (Estimate.exact(1e308), Estimate.exact(1e-308), "the result is too large for a number"),
    ],
)
def test_what_cannot_be_divided_is_undefined(left: Estimate, right: Estimate, reason: str) -> None:
    assert estimate.divide(left, right) == Undefined(reason)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Estimate(72.0, (65.0, 80.0)), "72.0 (65–80)"),
        (Estimate(-0.3, (-0.5, 0.1)), "−0.300 (−0.50 to 0.10)"),
        (Estimate(-0.0009), "−9.00e-04 (no interval)"),
        (Estimate.exact(2000.0), "2000"),
        (Estimate.exact(-1.5), "−1.5"),
    ],
)
def test_it_reads_as(value: Estimate, text: str) -> None:
    assert str(value) == text


def test_ends_with_signs_are_set_apart() -> None:
    assert between((-3.0, -1.0)) == "−3.0 to −1.0"
