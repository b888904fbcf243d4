"""Kaplan–Meier and restricted means against plain loops, hand-made cases and their properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedscope.analysis.statistics.survival import CensoredTime, horizon_of, kaplan_meier, mean_until, t_quantile
from sedscope.analysis.undefined import Undefined


def known(*steps: float) -> list[CensoredTime]:
    return [CensoredTime(t, reached=True) for t in steps]


def open_(*steps: float) -> list[CensoredTime]:
    return [CensoredTime(t, reached=False) for t in steps]


times = st.lists(
    st.builds(CensoredTime, st.integers(1, 40).map(float), st.booleans()), min_size=1, max_size=8
)  # few steps, so that ties occur


def share_by_the_book(runs: list[CensoredTime], t: float) -> float:
    """The product over every step up to t of the share of runs at risk that do not cross there."""
    share = 1.0
    for step in range(1, int(t) + 1):
        at_risk, crossed = 0, 0
        for run in runs:
            at_risk += run.t >= step
            crossed += run.reached and run.t == step
        if at_risk:
            share *= (at_risk - crossed) / at_risk
    return share


def test_the_curve_of_a_textbook() -> None:
    # Six runs: 6, 6, 6 cross; 6+ and 10+ are censored; 7 crosses (the first lines of Gehan's leukaemia data, cut to 6).
    curve = kaplan_meier([*known(6, 6, 6, 7), *open_(6, 10)])
    assert curve.steps == (6.0, 7.0)
    assert curve.shares == pytest.approx((0.5, 0.25))
    assert curve.median == 6.0
    assert curve.mean_until(10) == pytest.approx(6.0 + 0.5 * 1.0 + 0.25 * 3.0)
    assert isinstance(kaplan_meier([*known(3), *open_(5, 5)]).median, Undefined)


@given(times)
def test_the_curve_is_the_product_over_all_steps(runs: list[CensoredTime]) -> None:
    curve = kaplan_meier(runs)
    for t, share in zip(curve.steps, curve.shares, strict=True):
        assert share == pytest.approx(share_by_the_book(runs, t), abs=1e-12)


@given(times, st.integers(1, 60))
def test_the_restricted_mean_is_the_sum_of_the_shares(runs: list[CensoredTime], horizon: int) -> None:
    plain = math.fsum(share_by_the_book(runs, t) for t in range(horizon))
    assert mean_until(runs, horizon) == pytest.approx(plain)


@given(times)
def test_runs_that_were_followed_to_the_horizon_make_a_plain_mean(runs: list[CensoredTime]) -> None:
    horizon = min([one.t for one in runs if not one.reached], default=50.0)
    cut = [min(one.t, horizon) for one in runs]
    assert mean_until(runs, horizon) == pytest.approx(sum(cut) / len(cut))
    assert all(one.is_known_until(horizon) for one in runs)


def test_the_horizon_is_where_every_curve_is_known() -> None:
    assert horizon_of(known(3, 9)) == 9.0
    assert horizon_of([*known(9), *open_(4)]) == 9.0  # who was followed longest got there
    assert horizon_of([*known(9), *open_(9)]) == 9.0
    assert horizon_of(known(3, 9), [*known(2), *open_(5)]) == 5.0
    assert horizon_of(known(3, 9), [*known(2), *open_(50)]) == 50.0


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228), (30, 2.042), (1000, 1.962)],
)
def test_quantiles_of_t_are_those_of_the_tables(freedom: int, value: float) -> None:
    assert t_quantile(0.95, freedom) == pytest.approx(value, abs=5e-4)
