"""Coupling of the singular vectors of per-example gradients: no history, one checkpoint alone.

Decides what the published reference point is made of: the rows are the gradients of the single examples of the fixed
batch at θ_t, their leading right singular vectors the directions. No training records such rows, so they are no source
of sedscope. Leaves to others: JVPs, baseline and intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np

from recorders.errors import RefusedError
from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Cache, cache_folder
from sedscope.analysis.coupling.blockwise_jvp import jvps
from sedscope.analysis.coupling.coupling_sums import coupling
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.keys import Keys
from sedscope.analysis.pipeline.plan import space_checkpoints
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.workbench import Workbench
from sedscope.analysis.spectra.sed_directions import combinations
from sedscope.analysis.spectra.window_svd import decompose_window
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, baseline, coupling_ratio
from sedscope.analysis.statistics.interval import Interval, ratio_intervals
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.runs import Run

CHECKPOINTS = 3
"""Start, middle and end of the run."""


@dataclass(frozen=True)
class PerExample:
    """R̄_k at one checkpoint."""

    t: int
    rbar: Estimate | Undefined


def per_example(run: Run, task: str, settings: Settings) -> tuple[PerExample, ...]:
    """R̄_k of the K leading right singular vectors of per-example gradients at start, middle and end."""
    bench = Workbench(run, settings, Lock())
    cache, keys = Cache(cache_folder(run.path, run.manifest.run_id)), Keys(run, settings)
    found = []
    for t in space_checkpoints(run.weight_steps(), CHECKPOINTS).tolist():
        key = {**keys.baseline(t, task, None), "K": settings.rank[0], "batch": [settings.batch, settings.part]}
        kept = cache.load("per-example", key)
        if kept is None:
            measured = _measure(bench, run, task, settings, t)
            kept = {"sums": measured.sums, "counts": measured.counts}
            cache.keep("per-example", key, kept)
        found.append(PerExample(t, _estimate(GroupedCoupling(kept["sums"], kept["counts"]), settings.random)))
    return tuple(found)


def leading_directions(rows: Floats, rank: int) -> Floats:
    """The first `rank` right singular vectors `[K, P]` of rows `[M, P]`, through their Gram matrix."""
    found = decompose_window(rows @ rows.T)
    if isinstance(found, Undefined):
        raise RefusedError(f"per-example gradients: {found.reason}")
    return np.asarray(combinations(found, rank).T @ rows)


def _measure(bench: Workbench, run: Run, task: str, settings: Settings, t: int) -> GroupedCoupling:
    """A of the random directions, then of the singular vectors."""
    directions = leading_directions(bench.example_gradients(t, task), settings.rank[0])
    every = [*RandomDirections(settings.random, run.manifest.P), *directions]
    model = bench.model(t, task)
    made = jvps(model, every, settings, bench.chunk(model, task), lambda _: None)
    return coupling(made, len(every), model.n_probes)


def _estimate(whole: GroupedCoupling, n_random: int) -> Estimate | Undefined:
    random, own = (GroupedCoupling(sums, whole.counts) for sums in np.split(whole.sums, [n_random]))
    found = coupling_ratio(own.A, baseline(random.A))
    if not isinstance(found, CouplingRatio):
        return found
    intervals = ratio_intervals(own, random)
    interval: Interval | Undefined = intervals if isinstance(intervals, Undefined) else intervals.rbar
    return Estimate.measured(found.rbar, interval)
