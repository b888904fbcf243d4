"""Coupling of the singular vectors of per-example gradients: no history, one checkpoint alone.

Decides what the published reference point is made of: the rows are the gradients of the single examples of the fixed
batch at θ_t, their leading right singular vectors the directions. No training records such rows, so they are no source
of sedscope. Leaves to others: JVPs, baseline and intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from recorders.errors import RefusedError
from recorders.row_sources import FIXED_GRADIENT
from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.coupling_sums import coupling
from sedscope.analysis.features.centroid_jvp import jvps
from sedscope.analysis.features.checkpoint_models import CheckpointModels, TaskExamples
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import CheckpointMeasurement, LoadedCheckpoint, Shape, Tick, measure
from sedscope.analysis.pipeline.plan import space_checkpoints
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batch_gradients import gradients_of_sums
from sedscope.analysis.sources.batches import gradient_examples
from sedscope.analysis.sources.variants import GradientKind
from sedscope.analysis.spectra.window_svd import combinations, decompose_window
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, baseline, coupling_ratio
from sedscope.analysis.statistics.interval import rbar_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.runs import Run

CHECKPOINTS = 3
"""Start, middle and end of the run."""
_EXAMPLES_AT_ONCE = 32
"""Each example needs a backward pass through the graph of all, so a small graph saves more than forwards cost."""


@dataclass(frozen=True)
class PerExample:
    """R̄_k at one checkpoint."""

    t: int
    rbar: Estimate | Undefined
    """By the exact derivative."""
    central: Estimate | Undefined
    """By the central difference of the published code."""


@dataclass(eq=False)
class PerExampleMeasurement(CheckpointMeasurement[GroupedCoupling]):
    """Coupling of the random directions and then of the singular vectors of per-example gradients."""

    kind = "per-example"
    result_type = GroupedCoupling

    def key(self) -> Key:
        """Return what the directions and their products depend on."""
        settings = self.context.settings
        batch = [settings.batch, settings.part]
        return {**self.jvp_key(), "random": settings.random, "K": settings.rank[0], "batch": batch}

    def shapes(self) -> list[Shape]:
        """Return directions by groups of probes; a batch may have fewer than K singular vectors."""
        n_groups = self.context.n_groups(self.task)
        return [(None, n_groups), (n_groups,)]

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> GroupedCoupling:
        """Return the couplings of all directions."""
        settings, model = self.context.settings, checkpoint.model
        gradients = example_gradients(self.context.models, settings, self.t, self.task)
        leading = leading_directions(gradients, settings.rank[0])
        directions = [*RandomDirections(settings.random, self.context.run.manifest.P, settings.draw_seed), *leading]
        products = jvps(model, directions, settings, checkpoint.chunk, lambda _: None)
        return coupling(products, len(directions), model.n_probes)


def per_example(run: Run, task: str, settings: Settings) -> tuple[PerExample, ...]:
    """Return R̄_k of the K leading right singular vectors of per-example gradients at start, middle and end."""
    steps = space_checkpoints(run.weight_steps(), CHECKPOINTS).tolist()
    exact, central = (_at_steps(run, task, replace(settings, method=method), steps) for method in ("exact", "central"))
    return tuple(PerExample(*values) for values in zip(steps, exact, central, strict=True))


def _at_steps(run: Run, task: str, settings: Settings, steps: Sequence[int]) -> list[Estimate | Undefined]:
    context = AnalysisContext(run, settings, lambda _: None)
    measurements = [PerExampleMeasurement(context, t, task) for t in steps]
    measure(context, measurements, "per-example gradients")
    return [_estimate(measurement.result(), settings.random) for measurement in measurements]


def example_gradients(models: CheckpointModels, settings: Settings, t: int, task: str) -> Floats:
    """Return the gradient of each example's loss in a task's fixed batch, in eval mode, at θ_t `[M, P]`."""
    positions = gradient_examples(models.probe(task), GradientKind(FIXED_GRADIENT, 0), settings)
    if isinstance(positions, Undefined):
        raise RefusedError(positions.reason)
    batch = models.examples(task, positions)
    rows: list[Floats] = []
    for piece in batch.split(_EXAMPLES_AT_ONCE):

        def losses(weights: Mapping[str, Tensor], piece: TaskExamples = piece) -> list[Tensor]:
            return list(piece.loss.of_examples(piece.outputs(weights, piece.inputs), piece.targets))

        rows += gradients_of_sums(losses, models.weights(t), models.selected)
    return np.stack(rows)


def leading_directions(rows: Floats, rank: int) -> Floats:
    """Return the first `rank` right singular vectors `[K, P]` of rows `[M, P]`, through their Gram matrix."""
    svd = decompose_window(rows @ rows.T)
    if isinstance(svd, Undefined):
        raise RefusedError(f"per-example gradients: {svd.reason}")
    return np.asarray(combinations(svd, rank).T @ rows)


def _estimate(grouped: GroupedCoupling | Undefined, n_random: int) -> Estimate | Undefined:
    if isinstance(grouped, Undefined):
        return grouped
    random, own = (GroupedCoupling(sums, grouped.counts) for sums in np.split(grouped.sums, [n_random]))
    ratio = coupling_ratio(own.A, baseline(random.A))
    if not isinstance(ratio, CouplingRatio):
        return ratio
    interval = rbar_interval(own, random)
    ends = None if isinstance(interval, Undefined) else (interval.low, interval.high)
    return Estimate(ratio.rbar, ends)
