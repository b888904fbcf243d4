"""Quotients of couplings: paired intervals against a plain bootstrap, and how often they hold the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from analysed_run import analysed_run
from report_samples import measured

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.contrasts import contrast, gradient_sources
from sedscope.analysis.pipeline.results import Quotient
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.statistics.interval import Interval, RatioIntervals, quotient_ends, ratio_intervals
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined

COUNTS = np.full(8, 4)


def rbar_interval(sums: Floats, random: Floats, seed: int = 0) -> Interval:
    intervals = ratio_intervals(GroupedCoupling(sums, COUNTS), GroupedCoupling(random, COUNTS), seed=seed)
    assert isinstance(intervals, RatioIntervals)
    return intervals.rbar


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
        groups = np.full(32, 4)
        random = GroupedCoupling(shared * generator.gamma(8.0, size=(20, 32)), groups)
        pair = [ratio_intervals(GroupedCoupling(sums, groups), random) for sums in (above, below)]
        ours, theirs = (each.rbar for each in pair if isinstance(each, RatioIntervals))
        ends = quotient_ends(ours, theirs)
        assert not isinstance(ends, Undefined)
        held.append(ends[0] <= 2.0 <= ends[1])
    assert 0.90 <= np.mean(held) <= 0.99


def test_a_control_drawn_several_times_widens_the_interval_to_every_draw() -> None:
    gradient = measured("fixed_gradient/add", (72.0,))
    quotient = contrast(gradient, measured("control/shuffled/add", (36.0,), spread=(12.0, 144.0)), "rbar").quotient
    assert isinstance(quotient, Quotient)
    assert quotient.ends == (0.5, 6.0)


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
    intervals = [point.interval for series in run.coupling for point in series.points]
    assert all(interval.draws is None for interval in intervals if isinstance(interval, Interval))
