"""R_k, R̄_k, baseline, peak, final and their intervals: literal values, a plain bootstrap, undefined states."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import coverage
from recorders.errors import UsageError
from sedscope.analysis.statistics.coupling_ratio import (
    CouplingRatio,
    RatioAtCheckpoint,
    ValueAtStep,
    baseline,
    coupling_ratio,
    edge_of,
    final,
    peak,
)
from sedscope.analysis.statistics.interval import Interval, rbar_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds, split_by_group, sum_by_group
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.analysis.undefined import Undefined


def point(t, rbar, full=True):
    state = rbar if isinstance(rbar, Undefined) else CouplingRatio(np.array([rbar]), rbar)
    return RatioAtCheckpoint(t, 3 if full else 1, full, state)


def test_a_peak_at_an_end_of_the_full_windows_is_an_edge():
    steps = [300, 400, 500]
    assert [edge_of(t, steps) for t in steps] == ["the first full window", "", "the last checkpoint"]
    assert edge_of(300, [300]) == "the only full window"


def test_the_baseline_is_the_mean_of_the_two_middle_values():
    assert baseline(np.array([1.0, 100.0, 2.0, 4.0])) == 3.0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no random directions were drawn"),
        ([0.0, 0.0, 1.0], "random directions do not move the centroids: the baseline is zero"),
        ([1.0, np.nan, np.inf], "the coupling of 2 of 3 random directions is NaN or Inf"),
    ],
)
def test_undefined_baselines(values, reason):
    found = baseline(np.array(values))
    assert found == Undefined(reason)
    assert coupling_ratio(np.array([1.0]), found) == found


def test_ratio():
    found = coupling_ratio(np.array([6.0, 3.0]), 1.5)
    assert isinstance(found, CouplingRatio)
    assert (found.R.tolist(), found.rbar) == ([4.0, 2.0], 3.0)
    assert coupling_ratio(np.array([1.0, np.nan]), 1.0) == Undefined(
        "the coupling of the window's directions is NaN or Inf"
    )
    assert "too small to divide by" in coupling_ratio(np.array([1.0]), 1e-310).reason
    assert coupling_ratio(np.array([]), 1.0) == Undefined("the window has no direction")


def test_peak_and_final_leave_short_windows_and_undefined_states_out():
    bad = Undefined("all 3 rows are zero")
    points = [point(0, 99.0, full=False), point(25, 4.0), point(50, bad), point(75, 7.0), point(100, 7.0)]
    assert peak(points) == ValueAtStep(75, 7.0)
    assert final(points) == ValueAtStep(100, 7.0)
    assert final(points[:3]) == Undefined("at the last checkpoint, t = 50: all 3 rows are zero")
    assert final(points[:1]) == Undefined("at the last checkpoint, t = 0, the window is short: 1 rows")
    assert peak(points[:1]) == Undefined("none of 1 checkpoints has a full window")
    assert peak(points[2:3]) == Undefined(
        "undefined at all 1 checkpoints with full windows; first: all 3 rows are zero"
    )
    assert peak([]) == final([]) == Undefined("there are no checkpoints")


def test_groups_cover_all_probes_once():
    for n_probes in (1, 5, 32, 96, 1000, 1024):
        bounds = group_bounds(n_probes)
        sizes = np.diff(bounds)
        assert sizes.sum() == n_probes and sizes.size == min(32, n_probes) and sizes.max() - sizes.min() <= 1


@given(st.integers(1, 80), st.integers(1, 40), st.integers(1, 90))
def test_chunks_fall_into_the_same_groups(n_probes, groups, chunk):
    bounds = group_bounds(n_probes, groups)
    values = np.arange(1.0, n_probes + 1)
    sums = np.zeros(bounds.size - 1)
    for first in range(0, n_probes, chunk):
        sum_by_group(values[first : first + chunk], first, bounds, sums)
        assert all(part.start < part.stop for _, part in split_by_group(first, min(chunk, n_probes - first), bounds))
    plain = [values[a:b].sum() for a, b in pairwise(bounds)]
    np.testing.assert_allclose(sums, plain)


def couplings(seed, counts, n_random=20):
    generator = np.random.default_rng(seed)
    counts = np.array(counts)
    shape = (n_random, counts.size)
    return (
        GroupedCoupling(counts * generator.gamma(4.0, 2.0, (3, counts.size)), counts),
        GroupedCoupling(counts * generator.gamma(4.0, 0.1, shape), counts),
    )


def plain_bootstrap(directions, random, resamples, seed):
    """The definition, one resample at a time."""
    generator = np.random.default_rng(seed)
    n_groups, n_random = directions.counts.size, len(random.sums)
    groups = generator.integers(n_groups, size=(resamples, n_groups))
    picks = generator.integers(n_random, size=(resamples, n_random))
    values = []
    for g, r in zip(groups, picks, strict=True):
        probes = directions.counts[g].sum()
        base = np.median([random.sums[j, g].sum() / probes for j in r])
        values.append(np.mean([directions.sums[k, g].sum() / probes / base for k in range(3)]))
    return np.percentile(values, [2.5, 97.5])


def test_interval_against_a_plain_bootstrap():
    directions, random = couplings(0, [3, 4, 4, 5, 3, 4, 4, 4])
    found = rbar_interval(directions, random, resamples=200, seed=5)
    assert isinstance(found, Interval)
    np.testing.assert_allclose([found.low, found.high], plain_bootstrap(directions, random, 200, 5))
    assert (found.n_groups, found.n_probes, found.n_random) == (8, 31, 20)
    assert (found.level, found.resamples, found.seed) == (0.95, 200, 5)


def plain_batch_interval(batches, random, resamples, seed):
    """Student's t on log R̄_k of the batches: their variance over B, and that of the bootstrapped mean of all."""
    generator = np.random.default_rng(seed)
    n_groups, n_random, size = random.counts.size, len(random.sums), len(batches)
    groups = generator.integers(n_groups, size=(resamples, n_groups))
    picks = generator.integers(n_random, size=(resamples, n_random))

    def log_rbar(batch, g, r):
        base = np.median([random.sums[j, g].sum() for j in r])
        return np.log(np.mean([row[g].sum() / base for row in batch.sums]))

    logs = [log_rbar(batch, np.arange(n_groups), np.arange(n_random)) for batch in batches]
    means = [np.mean([log_rbar(batch, g, r) for batch in batches]) for g, r in zip(groups, picks, strict=True)]
    between, common = np.var(logs, ddof=1) / size, np.var(means, ddof=1)
    freedom = (between + common) ** 2 / (between**2 / (size - 1) + common**2 / (min(n_groups, n_random) - 1))
    half = t_quantile(0.95, int(freedom)) * np.sqrt(between + common)
    return np.exp(np.mean(logs) - half), np.exp(np.mean(logs) + half)


def joined(batches):
    return GroupedCoupling(np.concatenate([batch.sums for batch in batches]), batches[0].counts)


@pytest.mark.parametrize("size", [2, 5])
def test_interval_over_batches_against_the_plain_formula(size):
    counts = [3, 4, 4, 5, 3, 4, 4, 4]
    _, random = couplings(0, counts)
    batches = [couplings(10 + index, counts)[0] for index in range(size)]
    found = rbar_interval(joined(batches), random, size, resamples=200, seed=5)
    np.testing.assert_allclose((found.low, found.high), plain_batch_interval(batches, random, 200, 5))
    assert (found.n_batches, found.n_random) == (size, 20)


def test_interval_of_equal_batches_is_as_wide_as_probes_and_random_directions_make_it():
    directions, random = couplings(3, [4] * 32)
    one, five = rbar_interval(directions, random), rbar_interval(joined([directions] * 5), random, 5)
    assert np.log(five.high / five.low) == pytest.approx(np.log(one.high / one.low), rel=0.15)


def test_a_batch_without_coupling_leaves_no_interval():
    directions, random = couplings(3, [4] * 8)
    still = GroupedCoupling(np.zeros_like(directions.sums), directions.counts)
    assert "no interval" in rbar_interval(joined([directions, still]), random, 2).reason


def test_intervals_over_batches_cover_the_mean_over_all_batches():
    """On couplings whose truth is known; `python -m benchmarks coverage` counts many more of them."""
    covered = [
        coverage.simulated_interval(seed, 5, spread, resamples=200) for spread in (0.1, 0.4) for seed in range(150)
    ]
    assert np.mean([low < truth < high for low, high, truth in covered]) > 0.93
    alone = [coverage.simulated_interval(seed, 1, 0.4, resamples=200) for seed in range(150)]
    assert np.mean([low < truth < high for low, high, truth in alone]) < 0.6


def test_interval_holds_the_estimate_and_is_reproducible():
    directions, random = couplings(1, [32] * 32)
    found = rbar_interval(directions, random)
    assert isinstance(found, Interval)
    estimate = coupling_ratio(directions.A, baseline(random.A))
    assert isinstance(estimate, CouplingRatio)
    assert found.low < estimate.rbar < found.high
    assert found == rbar_interval(directions, random)
    assert found != rbar_interval(directions, random, seed=1)


def test_interval_has_no_width_where_nothing_varies():
    counts = np.full(4, 8)
    found = rbar_interval(GroupedCoupling(np.full((1, 4), 24.0), counts), GroupedCoupling(np.full((5, 4), 8.0), counts))
    assert isinstance(found, Interval)
    assert (found.low, found.high) == (3.0, 3.0)


def test_undefined_intervals():
    counts = np.full(4, 8)
    good, one = GroupedCoupling(np.ones((5, 4)), counts), GroupedCoupling(np.ones((1, 4)), counts)
    sparse = GroupedCoupling(np.eye(5, 4), counts)
    assert "at least 2 random" in rbar_interval(good, one).reason
    assert "resampled baseline is zero" in rbar_interval(good, sparse).reason
    assert "NaN or Inf" in rbar_interval(GroupedCoupling(np.full((1, 4), np.nan), counts), good).reason
    single = GroupedCoupling(np.ones((5, 1)), np.array([8]))
    assert "at least 2 groups" in rbar_interval(single, single).reason
    assert "no direction" in rbar_interval(GroupedCoupling(np.ones((0, 4)), counts), good).reason
    with pytest.raises(UsageError, match="same groups"):
        rbar_interval(good, single)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-9, 1e9), st.integers(0, 3))
def test_a_common_factor_cancels(factor, seed):
    directions, random = couplings(seed, [4] * 8)
    scaled = [GroupedCoupling(c.sums * factor, c.counts) for c in (directions, random)]
    plain, moved = rbar_interval(directions, random, resamples=50), rbar_interval(*scaled, resamples=50)
    assert isinstance(plain, Interval) and isinstance(moved, Interval)
    assert moved.low == pytest.approx(plain.low) and moved.high == pytest.approx(plain.high)


def test_held_out_batches_lie_in_intervals_that_allow_for_their_own_variance():
    generator = np.random.default_rng(0)
    logs = generator.standard_normal((60, 15))
    held = [coverage.held_out_coverage(np.exp(of_run)) for of_run in logs]
    assert 0.93 < np.mean(held) < 0.97
    plain = []
    for chosen in combinations(range(15), 5):
        ours, others = logs[0][list(chosen)], np.delete(logs[0], chosen)
        plain.append(abs(ours.mean() - others.mean()) < 2.776445 * np.std(ours, ddof=1) * np.sqrt(1 / 5 + 1 / 10))
    assert held[0] == np.mean(plain)
