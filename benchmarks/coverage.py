"""How often the intervals over fixed batches hold what they claim to hold: `python -m benchmarks.coverage [RUN …]`.

What is claimed is the mean of the logarithm of R̄_k over all batches of a pool. Without a run, couplings are made up
whose mean is known. With a run, R̄_k of fifteen disjoint batches is measured: five make an interval, and the geometric
mean of the ten others is looked for in it. That mean is itself uncertain, by s²/10 beside the s²/5 of the five; probes
and random directions are the same for all fifteen, so they move both alike. Over every way to choose five of fifteen,
the interval that must hold it is therefore Student's t with s²(1/5 + 1/10). The printed interval is counted beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import CheckpointCoupling
from sedscope.analysis.settings import Settings
from sedscope.analysis.statistics.interval import Interval, rbar_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.runs import find_runs
from sedscope.runs.run import Run

N_BATCHES, N_HELD_OUT = 5, 10
_SPREADS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Standard deviations of log R̄_k over batches; 0.2 is that of p = 97 after grokking."""
_TRUTH = 100.0


def simulated_interval(
    seed: int, n_batches: int, spread: float, *, resamples: int = 1000
) -> tuple[float, float, float]:
    """Return the interval of made-up couplings, and the R̄_k that it should hold.

    Args:
        seed: Of everything that is drawn.
        n_batches: B.
        spread: Standard deviation of log R̄_k over batches.
        resamples: Bootstrap draws.
    """
    generator = np.random.default_rng(seed)
    n_groups, n_random, n_probes, factors = 32, 20, 32, np.array([1.5, 1.0, 0.5])
    counts = np.full(n_groups, n_probes)
    # Probes that a direction moves more are moved more by all; besides, every direction has its own favourites.
    of_probes = generator.gamma(20.0, 1 / 20.0, n_groups)
    of_batches = _TRUTH * np.exp(spread * generator.standard_normal(n_batches))
    own = generator.gamma(50.0, 1 / 50.0, (n_batches * len(factors), n_groups))
    sums = np.outer(of_batches, factors).reshape(-1, 1) * of_probes * own * n_probes
    lengths = np.exp(0.1 * generator.standard_normal(n_random))
    random = lengths[:, None] * generator.gamma(20.0, 1 / 20.0, n_groups) * n_probes
    interval = rbar_interval(
        GroupedCoupling(sums, counts), GroupedCoupling(random, counts), n_batches, resamples=resamples
    )
    assert isinstance(interval, Interval)
    return interval.low, interval.high, _TRUTH


def held_out_coverage(rbar: Floats) -> float:
    """Return in which share of all choices of five batches the interval of a mean of the ten others holds that mean.

    Args:
        rbar: R̄_k of each batch `[15]`.
    """
    logs = np.log(rbar)
    chosen = np.array(list(combinations(range(len(logs)), N_BATCHES)))
    ours = logs[chosen]
    theirs = (logs.sum() - ours.sum(axis=1)) / (len(logs) - N_BATCHES)
    half = t_quantile(0.95, N_BATCHES - 1) * np.sqrt(ours.var(axis=1, ddof=1) * (1 / N_BATCHES + 1 / N_HELD_OUT))
    return float(np.mean(np.abs(ours.mean(axis=1) - theirs) < half))


def _simulate(repeats: int) -> None:
    print(f"made-up couplings, {repeats} intervals each, level 0.95\nspread of log R̄_k   5 batches   1 batch")
    for spread in _SPREADS:
        shares = [_share([simulated_interval(seed, n, spread) for seed in range(repeats)]) for n in (N_BATCHES, 1)]
        print(f"{spread:18.2f} {shares[0]:11.3f} {shares[1]:9.3f}")


def _share(intervals: Sequence[tuple[float, float, float]]) -> float:
    return float(np.mean([low < truth < high for low, high, truth in intervals]))


def _hold_out(run: Run, settings: Settings) -> None:
    total = N_BATCHES + N_HELD_OUT
    sources = [f"{family}/{task}" for task in run.tasks for family in ("fixed_gradient", "control/shuffled")]
    few, many = (analyse(run, replace(settings, batches=n), sources) for n in (N_BATCHES, total))
    if many.notes:
        print(*many.notes, sep="\n")
    print(f"{run.name}: intervals of {N_BATCHES} batches of {settings.batch} and the mean of {N_HELD_OUT} others")
    inside, coverages = [], []
    for ours, all_batches in zip(few.coupling, many.coupling, strict=True):
        for point, other in zip(ours.points, all_batches.points, strict=True):
            rbar = _rbar_by_batch(other)
            if not point.full or not isinstance(point.interval, Interval) or rbar is None:
                continue
            held_out = float(np.exp(np.log(rbar[N_BATCHES:]).mean()))
            inside.append(point.interval.low < held_out < point.interval.high)
            coverages.append(held_out_coverage(rbar))
            print(
                f"{ours.source:24} t {point.t:6}   interval {point.interval.low:7.2f}–{point.interval.high:<7.2f}"
                f" others {held_out:7.2f} {'' if inside[-1] else 'outside'}"
            )
    if coverages:
        print(f"printed intervals that hold the others' mean: {np.mean(inside):.3f} of {len(inside)}")
        choices = f"over all {comb(total, N_BATCHES):,} choices of five"
        print(f"{choices}, with the variance of the others' mean: {np.mean(coverages):.3f}")


def _rbar_by_batch(point: CheckpointCoupling) -> Floats | None:
    values = () if point.spread is None else point.spread.rbar
    return None if len(values) < N_BATCHES + N_HELD_OUT or None in values else np.array(values, dtype=np.float64)


def main() -> None:
    """Print coverages: simulated ones, or those on runs."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage", description="Coverage of intervals over batches."
    )
    parser.add_argument("runs", nargs="*", type=Path, help="runs, or folders of runs; none: simulate")
    parser.add_argument("--batch", type=int, default=Settings().batch, help="examples of a batch (default %(default)s)")
    parser.add_argument("--checkpoints", type=int, default=6, help="default %(default)s")
    parser.add_argument("--repeats", type=int, default=2000, help="simulated intervals (default %(default)s)")
    args = parser.parse_args()
    if not args.runs:
        _simulate(args.repeats)
    settings = Settings(batch=args.batch, checkpoints=args.checkpoints, second_measures=False)
    for run in (each.run for path in args.runs for each in find_runs(path)):
        if run is not None:
            _hold_out(run, settings)


if __name__ == "__main__":
    main()
