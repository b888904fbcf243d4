"""Quotients of couplings: paired intervals against a plain bootstrap, and how often they hold the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysed_run import analysed_run

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.contrasts import gradient_sources
from sedscope.analysis.pipeline.results import Quotient
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.statistics import interval as intervals
from sedscope.analysis.statistics.interval import Interval, quotient_ends
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.analysis.undefined import Undefined


def rbar_interval(sums: Floats, random: Floats, n_batches: int = 1) -> Interval:
    counts = np.full(sums.shape[1], 4)
    found = intervals.rbar_interval(GroupedCoupling(sums, counts), GroupedCoupling(random, counts), n_batches)
    assert isinstance(found, Interval)
    return found


def test_the_interval_is_that_of_a_plain_paired_bootstrap() -> None:
    generator = np.random.default_rng(1)
    above, below, random = (generator.gamma(3.0, size=(n, 8)) for n in (3, 2, 5))
    quotients = []
    draws = np.random.default_rng(0)
    groups, picks = draws.integers(8, size=(1000, 8)), draws.integers(5, size=(1000, 5))
    for drawn, picked in zip(groups, picks, strict=True):
        base = np.median([random[j, drawn].sum() for j in picked])
        ours, theirs = (np.mean([row[drawn].sum() / base for row in sums]) for sums in (above, below))
        quotients.append(ours / theirs)
    ends = quotient_ends(rbar_interval(above, random), rbar_interval(below, random))
    np.testing.assert_allclose(ends, np.percentile(quotients, (2.5, 97.5)), rtol=1e-12)


def test_a_source_over_itself_is_one_for_certain_and_unpaired_ends_are_wider() -> None:
    generator = np.random.default_rng(2)
    sums, random = generator.gamma(1.0, size=(3, 8)), generator.gamma(3.0, size=(5, 8))
    own = rbar_interval(sums, random)
    assert quotient_ends(own, own) == (1.0, 1.0)
    low, high = quotient_ends(replace(own, draws=None), own)
    assert (low, high) == (own.low / own.high, own.high / own.low)
    assert low < 1.0 < high


def test_intervals_hold_the_true_quotient_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    held = []
    for _ in range(200):
        # What makes one group of probes move more than another is shared by all directions.
        shared = generator.gamma(2.0, size=32)
        above, below = (factor * shared * generator.gamma(8.0, size=(3, 32)) for factor in (2.0, 1.0))
        random = shared * generator.gamma(8.0, size=(20, 32))
        ends = quotient_ends(rbar_interval(above, random), rbar_interval(below, random))
        assert not isinstance(ends, Undefined)
        held.append(ends[0] <= 2.0 <= ends[1])
    assert 0.90 <= np.mean(held) <= 0.99


def test_sources_on_the_same_batches_are_compared_batch_by_batch() -> None:
    generator = np.random.default_rng(4)
    random = generator.gamma(3.0, size=(20, 32))
    of_batches = np.exp(generator.standard_normal(5))
    own = generator.gamma(8.0, size=(2, 5, 32))
    above, below = (factor * of_batches[:, None] * sums for factor, sums in zip((2.0, 1.0), own, strict=True))
    draws = np.random.default_rng(0)
    groups, picks = draws.integers(32, size=(1000, 32)), draws.integers(20, size=(1000, 20))
    logs = np.log(above.sum(axis=1) / below.sum(axis=1))
    means = [np.log(above[:, drawn].sum(axis=1) / below[:, drawn].sum(axis=1)).mean() for drawn in groups]
    assert len(picks) == len(means)  # the baseline cancels, whichever directions are drawn
    of_five, common = np.var(logs, ddof=1) / 5, np.var(means, ddof=1)
    freedom = (of_five + common) ** 2 / (of_five**2 / 4 + common**2 / 19)
    half = t_quantile(0.95, int(freedom)) * np.sqrt(of_five + common)
    ends = quotient_ends(rbar_interval(above, random, 5), rbar_interval(below, random, 5))
    np.testing.assert_allclose(ends, np.exp([logs.mean() - half, logs.mean() + half]), rtol=1e-9)
    unpaired = quotient_ends(replace(rbar_interval(above, random, 5), draws=None), rbar_interval(below, random, 5))
    assert unpaired[0] < ends[0] < ends[1] < unpaired[1]


def test_a_source_without_batches_stands_beside_every_batch() -> None:
    generator = np.random.default_rng(5)
    random, batches = generator.gamma(3.0, size=(20, 32)), generator.gamma(8.0, size=(5, 32))
    alone = generator.gamma(8.0, size=(1, 32))
    low, high = quotient_ends(rbar_interval(batches, random, 5), rbar_interval(alone, random))
    middle = np.exp(np.log(batches.sum(axis=1) / alone.sum()).mean())
    assert low < middle < high and low * high == pytest.approx(middle**2)


def test_an_analysis_compares_each_gradient_and_keeps_no_draws(tmp_path: Path) -> None:
    _, run = analysed_run(tmp_path)
    (task,) = run.tasks
    pairs = {(each.source, each.other, each.measure): each.quotient for each in run.contrasts}
    for source in gradient_sources(task):
        if source in {series.source for series in run.coupling}:
            assert {other for first, other, _ in pairs if first == source} >= {*control_sources(task), "displacement"}
    by_source = {series.source: series for series in run.coupling}
    for (source, other, measure), quotient in pairs.items():
        if measure == "rbar" and isinstance(quotient, Quotient):
            ours, theirs = (by_source[name].points[-1].ratio for name in (source, other))
            assert not isinstance(ours, Undefined) and not isinstance(theirs, Undefined)
            assert quotient.value == ours.rbar / theirs.rbar
            assert not isinstance(quotient.ends, Undefined)
            assert quotient.ends[0] <= quotient.value <= quotient.ends[1]
    kept = [point.interval for series in run.coupling for point in series.points]
    assert all(interval.draws is None for interval in kept if isinstance(interval, Interval))
