"""Means, quotients and bounds over seeds: cases by hand, coverage by simulation, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sedscope.analysis.interventions.averages import (
    AT_ONCE,
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
    time_quotient,
)
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined

Pairs = list[tuple[CensoredTime, CensoredTime]]


def at(t: float, cadence: float = 0.0) -> CensoredTime:
    return CensoredTime(t, reached=True, cadence=cadence)


def never(t: float) -> CensoredTime:
    return CensoredTime(t, reached=False)


def average(found: Average | Undefined | None) -> Average:
    assert isinstance(found, Average), found
    return found


some_time = st.builds(CensoredTime, st.integers(1, 5000).map(float), st.booleans())
pairs_of_times = st.lists(st.tuples(some_time, some_time), min_size=1, max_size=6)
known_pairs = st.lists(st.tuples(*[st.integers(1, 5000).map(lambda t: at(float(t)))] * 2), min_size=2, max_size=6)


def test_the_geometric_mean_by_hand() -> None:
    found = average(geometric_mean([(at(2900), at(900)), (at(2800), at(800)), (at(3300), at(900))]))
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
    exact = average(geometric_mean([(at(2000), at(1000))] * 2))
    assert exact.ends == pytest.approx((2.0, 2.0))
    rounded = average(geometric_mean([(at(2000, 100), at(1000, 100))] * 2))
    half = 12.7062 * math.sqrt((0.05**2 + 0.1**2) / 12 / 2)
    down, up = math.hypot(half, math.log(2000 / 1900)), math.hypot(half, math.log(1000 / 900))
    assert rounded.ends == pytest.approx((2 * math.exp(-down), 2 * math.exp(up)), rel=1e-4)
    found, half = average(mean_step([at(1000, 100)] * 2)), 12.7062 * 100 / math.sqrt(24)
    assert found.ends == pytest.approx((1000 - math.hypot(half, 100), 1000 + half))


def test_a_first_evaluation_that_is_already_there_has_no_interval() -> None:
    assert average(geometric_mean([(at(2000, 100), at(100, 100))] * 2)).ends == AT_ONCE


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize(("reference", "own"), [(1000.0, 1000.0), (900.0, 300.0), (240.0, 60.0)])
def test_intervals_hold_the_truth_also_where_seeds_spread_less_than_the_cadence(
    reference: float, own: float, n: int, spread: float
) -> None:
    """Evaluated every 25 steps, the true steps scattered by `spread` cadences, their middles anywhere in a cadence."""
    cadence, trainings = 25, 400
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(trainings):
        middles = np.array([[reference], [own]]) + generator.uniform(0, cadence, (2, 1))
        times = np.exp(np.log(middles) + spread * cadence / middles * generator.standard_normal((2, n)))
        seen = np.ceil(times / cadence) * cadence
        ends = average(geometric_mean([(at(a, cadence), at(b, cadence)) for a, b in seen.T])).ends
        held += isinstance(ends, Undefined) or ends[0] <= middles[0, 0] / middles[1, 0] <= ends[1]
    assert held / trainings >= 0.93


def test_what_runs_that_never_got_there_leave_is_the_bound_and_open_on_its_side() -> None:
    pairs = [(never(5000), at(1000)), (at(4000), at(1000))]
    found = average(geometric_mean(pairs))
    assert (found.value, found.bound, found.horizon) == (pytest.approx(math.sqrt(20)), ">", None)
    known = average(geometric_mean([(at(5000), at(1000)), (at(4000), at(1000))])).ends
    assert not isinstance(known, Undefined) and found.ends == (known[0], math.inf)
    turned = average(geometric_mean([(own, reference) for reference, own in pairs]))
    assert (turned.value, turned.bound) == (pytest.approx(1 / math.sqrt(20)), "<")
    assert turned.ends == (0.0, pytest.approx(1 / known[0]))
    assert average(geometric_mean(pairs[:1])) == Average(pytest.approx(5.0), ONE_SEED, 1, bound=">")
    assert geometric_mean([(never(5000), at(1000)), (at(4000), never(6000))]) is None


@given(pairs_of_times)
def test_no_number_contradicts_the_bound_beside_it(pairs: Pairs) -> None:
    """Each pair leaves a bound of its quotient; their geometric mean bounds the mean, and is what is stated."""
    quotients = [one for pair in pairs if isinstance(one := time_quotient(*pair), QuotientBounds)]
    found = geometric_mean(pairs)
    for sign, bounds in ((">", [one.low for one in quotients]), ("<", [one.high for one in quotients])):
        known = [bound for bound in bounds if bound is not None]
        if len(known) == len(pairs):
            assert average(found).value == pytest.approx(math.exp(sum(map(math.log, known)) / len(known)))
            assert average(found).bound in ("", sign)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    """And a percentile bootstrap over three seeds would not: it is their range, which holds it three times in four."""
    generator = np.random.default_rng(0)
    held, in_range = 0, 0
    for logs in np.log(3.0) + 0.2 * generator.standard_normal((2000, 3)):
        ends = average(geometric_mean([(at(1000 * math.exp(x)), at(1000)) for x in logs])).ends
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
    there, back = (average(geometric_mean(each)) for each in (pairs, [(own, reference) for reference, own in pairs]))
    assert there.value * back.value == pytest.approx(1.0)
    if isinstance(there.ends, Undefined) or isinstance(back.ends, Undefined):
        return
    assert there.ends[0] * back.ends[1] == pytest.approx(1.0)


@given(known_pairs, st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=6, max_size=6))
def test_the_truth_lies_within_the_bound_that_censoring_leaves(pairs: Pairs, ends: list[tuple[int, int]]) -> None:
    truth = average(geometric_mean(pairs)).value
    cut = [
        tuple(at(one.t) if one.t <= end else never(float(end)) for one, end in zip(pair, where, strict=True))
        for pair, where in zip(pairs, ends, strict=False)
    ]
    found = geometric_mean(cut)  # type: ignore[arg-type]
    assert found is None or found.bound == "<" or found.value <= truth * (1 + 1e-9)
    assert found is None or found.bound == ">" or truth <= found.value * (1 + 1e-9)


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000), st.booleans()), min_size=1, max_size=6))
def test_following_a_run_for_longer_never_lowers_its_bound(found: list[tuple[int, int, bool]]) -> None:
    def bound(factor: float) -> float:
        return average(geometric_mean([(never(c * factor) if open_ else at(c), at(r)) for c, r, open_ in found])).value

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
