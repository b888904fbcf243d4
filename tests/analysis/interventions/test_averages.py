"""Means, quotients and bounds over seeds: cases by hand, coverage by simulation, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sedscope.analysis.interventions.averages import (
    ONE_SEED,
    TOO_SHORT,
    Average,
    geometric_mean,
    mean_step,
    restricted_quotient,
)
from sedscope.analysis.interventions.speedup import (
    QuotientBounds,
    combine_runs_of_seed,
    geometric_bound,
    time_quotient,
)
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined

Pairs = list[tuple[CensoredTime, CensoredTime]]


def at(t: float, cadence: float = 0.0) -> CensoredTime:
    return CensoredTime(t, reached=True, cadence=cadence)


def never(t: float) -> CensoredTime:
    return CensoredTime(t, reached=False)


def average(found: Average | Undefined) -> Average:
    assert isinstance(found, Average), found
    return found


some_time = st.builds(CensoredTime, st.integers(1, 5000).map(float), st.booleans())
pairs_of_times = st.lists(st.tuples(some_time, some_time), min_size=1, max_size=6)
known_pairs = st.lists(st.tuples(*[st.integers(1, 5000).map(lambda t: at(float(t)))] * 2), min_size=2, max_size=6)


def test_the_geometric_mean_by_hand() -> None:
    found = geometric_mean([(at(2900), at(900)), (at(2800), at(800)), (at(3300), at(900))])
    logs = [math.log(2900 / 900), math.log(3.5), math.log(3300 / 900)]
    middle = sum(logs) / 3
    spread = math.sqrt(sum((x - middle) ** 2 for x in logs) / 2)
    ends = [math.exp(middle + sign * 4.302653 * spread / math.sqrt(3)) for sign in (-1, 1)]
    assert found.value == pytest.approx(math.exp(middle)) and found.n == 3 and found.horizon is None
    assert found.ends == pytest.approx(tuple(ends), rel=1e-5)


def test_one_seed_has_no_interval() -> None:
    assert geometric_mean([(at(2000), at(1000))]) == Average(pytest.approx(2.0), ONE_SEED, 1)
    assert average(mean_step([at(2000)])).ends == ONE_SEED
    assert average(restricted_quotient([(never(2000), at(1000))])).ends == ONE_SEED


def test_equal_grok_steps_are_not_certainty() -> None:
    exact = geometric_mean([(at(2000), at(1000))] * 2)
    assert exact.ends == pytest.approx((2.0, 2.0))
    rounded = geometric_mean([(at(2000, 100), at(1000, 100))] * 2)
    half = 12.7062 * math.sqrt((0.05**2 + 0.1**2) / 12 / 2)
    assert rounded.ends == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)), rel=1e-4)
    found = average(mean_step([at(1000, 100)] * 2))
    assert found.ends == pytest.approx((1000 - 12.7062 * 100 / math.sqrt(24), 1000 + 12.7062 * 100 / math.sqrt(24)))


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    """And a percentile bootstrap over three seeds would not: it is their range, which holds it three times in four."""
    generator = np.random.default_rng(0)
    held, in_range = 0, 0
    for logs in np.log(3.0) + 0.2 * generator.standard_normal((2000, 3)):
        ends = geometric_mean([(at(1000 * math.exp(x)), at(1000)) for x in logs]).ends
        assert not isinstance(ends, Undefined)
        held += ends[0] <= 3.0 <= ends[1]
        in_range += logs.min() <= np.log(3.0) <= logs.max()
    assert held / 2000 == pytest.approx(0.95, abs=0.015)
    assert in_range / 2000 == pytest.approx(0.75, abs=0.03)


def test_a_mean_with_a_run_that_never_got_there_is_restricted() -> None:
    found = average(mean_step([at(1000), at(2000), never(6000)]))
    assert (found.value, found.horizon, found.n) == (3000.0, 6000.0, 3)
    spread = np.std([1000, 2000, 6000], ddof=1) / math.sqrt(3)
    assert found.ends == pytest.approx((max(0.0, 3000 - 4.302653 * spread), min(6000.0, 3000 + 4.302653 * spread)))
    absent = mean_step([never(300), never(5000)])
    assert isinstance(absent, Undefined) and "5,000" in absent.reason


def test_the_quotient_of_restricted_means_by_hand() -> None:
    found = average(restricted_quotient([(never(6000), at(1000)), (at(4000), at(2000))]))
    assert (found.value, found.horizon) == (pytest.approx(10 / 3), 6000.0)
    d = [6000 / 5000 - 1000 / 1500, 4000 / 5000 - 2000 / 1500]
    half = 12.7062 * np.std(d, ddof=1) / math.sqrt(2)
    assert found.ends == pytest.approx((10 / 3 * math.exp(-half), 10 / 3 * math.exp(half)), rel=1e-4)


def test_runs_that_have_just_begun_make_no_interval_narrower() -> None:
    """As in a sweep that is still running: two controls at t = 100 know nothing of when they will get there."""
    begun = [(never(100), at(800, 25)), (never(100), at(900, 25))]
    one = average(restricted_quotient([*begun, (at(2700, 25), at(850, 25))]))
    assert (one.value, one.ends, one.n) == (pytest.approx(2700 / 850), TOO_SHORT, 3)
    steps = average(mean_step([never(100), never(100), at(2700, 25)]))
    assert (steps.value, steps.ends) == (2700.0, TOO_SHORT)
    pairs = [(at(2500), at(900)), (at(2700), at(850))]
    two, three = average(restricted_quotient([*pairs, (never(5000), at(900))])), [*pairs, (never(5000), at(900))]
    four = average(restricted_quotient([*three, *begun]))
    assert not isinstance(two.ends, Undefined) and not isinstance(four.ends, Undefined)
    assert four.ends[1] / four.ends[0] > 0.9 * two.ends[1] / two.ends[0], "three seeds are known, of five"


@pytest.mark.parametrize(
    "pairs",
    [[(never(5000), never(5000))], [(at(2000), never(1000)), (at(3000), never(1000))], [(never(9), at(0))]],
    ids=["neither", "followed too short", "there at once"],
)
def test_what_has_no_restricted_quotient(pairs: Pairs) -> None:
    assert isinstance(restricted_quotient(pairs), Undefined)


def test_what_one_pair_says() -> None:
    assert time_quotient(at(3000), at(1000)) == QuotientBounds(3.0, 3.0)
    assert time_quotient(never(3000), at(1000)) == QuotientBounds(3.0, None)
    assert time_quotient(at(1000), never(5000)) == QuotientBounds(None, 0.2)
    assert time_quotient(never(3000), never(5000)) == QuotientBounds(None, None)
    assert isinstance(time_quotient(at(3000), at(0)), Undefined) and isinstance(time_quotient(at(0), at(3)), Undefined)


def test_several_runs_of_one_seed_count_as_one() -> None:
    assert combine_runs_of_seed([at(100, 5), at(400, 7)]) == CensoredTime(pytest.approx(200.0), reached=True, cadence=7)
    assert combine_runs_of_seed([at(100), never(400)]) == CensoredTime(pytest.approx(200.0), reached=False)
    assert combine_runs_of_seed([at(0), at(400)]).t == 0.0


@given(pairs_of_times, st.floats(0.01, 100))
def test_another_unit_of_time_changes_no_quotient(pairs: Pairs, unit: float) -> None:
    scaled = [tuple(CensoredTime(one.t * unit, one.reached) for one in pair) for pair in pairs]
    before, after = restricted_quotient(pairs), restricted_quotient(scaled)  # type: ignore[arg-type]
    if isinstance(before, Undefined):
        assert isinstance(after, Undefined)
        return
    assert average(after).value == pytest.approx(before.value)
    if not isinstance(before.ends, Undefined):
        assert average(after).ends == pytest.approx(before.ends)


@given(known_pairs)
def test_turning_pairs_round_turns_the_quotient_round(pairs: Pairs) -> None:
    there, back = geometric_mean(pairs), geometric_mean([(own, reference) for reference, own in pairs])
    assert there.value * back.value == pytest.approx(1.0)
    if isinstance(there.ends, Undefined) or isinstance(back.ends, Undefined):
        return
    assert there.ends[0] * back.ends[1] == pytest.approx(1.0)


@given(known_pairs, st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=6, max_size=6))
def test_the_truth_lies_within_the_bound_that_censoring_leaves(pairs: Pairs, ends: list[tuple[int, int]]) -> None:
    truth = geometric_mean(pairs).value
    cut = [
        tuple(at(one.t) if one.t <= end else never(float(end)) for one, end in zip(pair, where, strict=True))
        for pair, where in zip(pairs, ends, strict=False)
    ]
    ratios = [time_quotient(*pair) for pair in cut]
    bound = geometric_bound([one for one in ratios if isinstance(one, QuotientBounds)])
    assert bound.low is None or bound.low <= truth * (1 + 1e-9)
    assert bound.high is None or truth <= bound.high * (1 + 1e-9)


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000), st.booleans()), min_size=1, max_size=6))
def test_following_a_run_for_longer_never_lowers_its_bound(found: list[tuple[int, int, bool]]) -> None:
    def bound(factor: float) -> float:
        pairs = [(never(c * factor) if open_ else at(c), at(r)) for c, r, open_ in found]
        low = geometric_bound([one for pair in pairs if isinstance(one := time_quotient(*pair), QuotientBounds)]).low
        assert low is not None
        return low

    assert bound(1.0) <= bound(2.0) * (1 + 1e-9)


@given(st.integers(1, 5000), st.integers(1, 5000), st.booleans(), st.booleans())
def test_of_one_pair_the_restricted_quotient_is_the_bound(c: int, r: int, first: bool, second: bool) -> None:
    pair = CensoredTime(float(c), first), CensoredTime(float(r), second)
    found = restricted_quotient([pair])
    one = time_quotient(*pair)
    assert isinstance(one, QuotientBounds)
    assume(not isinstance(found, Undefined))
    ends = [end for end in (one.low, one.high) if end is not None]
    if average(found).horizon == max(c, r):
        assert average(found).value == pytest.approx(ends[0])
