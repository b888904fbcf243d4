"""Coupling block by block: of random directions at every checkpoint, of v_k where a series is judged.

Decides where A of each v_k restricted to each block is taken: at the peak and at the end of a series, for the first
variant of its source. A block costs as much as a direction, so that everywhere would be too dear; energy per block is
known everywhere. Leaves to others: the products (`coupling_sums`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.constants import BLOCK_RANDOM
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import CheckpointMeasurement, LoadedCheckpoint, Shape, Tick, measure
from sedscope.analysis.pipeline.results import BlockCoupling, CouplingSeries
from sedscope.analysis.pipeline.span import Rolling, Span, window_span
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.undefined import Undefined


@dataclass(eq=False)
class RandomBlockMeasurement(CheckpointMeasurement[RandomBlockGram]):
    """Block-wise products of the first random directions, which give R^matched of every source."""

    kind = "random-blocks"
    result_type = RandomBlockGram

    def key(self) -> Key:
        return {**self.jvp_key(), **self.block_key(), "random": self._n_random()}

    def shapes(self) -> list[Shape]:
        n_blocks, n_groups = len(self.context.blocks), self.context.n_groups(self.task)
        return [(self._n_random(), n_groups, n_blocks, n_blocks), (self._n_random(), n_blocks), (n_groups,)]

    def n_units(self) -> int:
        return self._n_random() * len(self.context.blocks)

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> RandomBlockGram:
        from sedscope.analysis.coupling.coupling_sums import random_blocks

        context = self.context
        random = RandomDirections(self._n_random(), context.run.manifest.P, context.settings.draw_seed)
        return random_blocks(checkpoint.model, random, context.blocks, context.settings, checkpoint.chunk, tick)

    def _n_random(self) -> int:
        return min(BLOCK_RANDOM, self.context.settings.random)


@dataclass(frozen=True, slots=True)
class CouplingByBlock:
    """A of every direction of a window restricted to every block."""

    A: Floats
    """`[K', B]`."""
    n_probes: int


@dataclass(eq=False)
class BlockCouplingMeasurement(CheckpointMeasurement[CouplingByBlock]):
    """Coupling per block of one window; the directions for the largest K serve every K."""

    kind = "block-coupling"
    result_type = CouplingByBlock

    span: Span

    def key(self) -> Key:
        return {**self.jvp_key(), **self.block_key(), **self.span.key()}

    def variants(self) -> tuple[Variant, ...]:
        return (self.span.variant,)

    def shapes(self) -> list[Shape]:
        return [(self.span.size, len(self.context.blocks))]

    def n_units(self) -> int:
        return self.span.size * len(self.context.blocks)

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> CouplingByBlock:
        from sedscope.analysis.coupling.coupling_sums import block_couplings

        context, directions = self.context, self.span.directions(self.context)
        return CouplingByBlock(
            *block_couplings(checkpoint.model, directions, context.blocks, context.settings, checkpoint.chunk, tick)
        )


def with_block_couplings(
    context: AnalysisContext, series: Sequence[CouplingSeries], rolling: Rolling
) -> tuple[CouplingSeries, ...]:
    """Return the series with their coupling per block at the peak and at the end.

    Several W or K are answered without any product of their own, so they have none.
    """
    if not context.settings.measures_all or context.settings.through_gram:
        return tuple(series)
    rank = max(context.settings.rank)
    measurements: dict[tuple[str, str, int], BlockCouplingMeasurement] = {}
    for one_series in series:
        variant = Variant(one_series.source)
        for t in _judged_steps(one_series):
            span = window_span(context, variant, rolling[variant], t, one_series.window, rank)
            assert isinstance(span, Span), "the series has a ratio here, so its directions exist"
            measurement = BlockCouplingMeasurement(context, t, one_series.task, span)
            measurements[one_series.source, one_series.task, t] = measurement
    measure(context, list(measurements.values()), "blocks")
    return tuple(replace(one_series, blocks=_blocks(one_series, measurements)) for one_series in series)


def _blocks(
    series: CouplingSeries, measurements: Mapping[tuple[str, str, int], BlockCouplingMeasurement]
) -> tuple[BlockCoupling, ...]:
    couplings = []
    for t in _judged_steps(series):
        value = measurements[series.source, series.task, t].result()
        if isinstance(value, Undefined):
            couplings.append(BlockCoupling(t, value, 0))
        else:
            couplings.append(BlockCoupling(t, value.A[: series.rank], value.n_probes))
    return tuple(couplings)


def _judged_steps(series: CouplingSeries) -> list[int]:
    """Return the steps of the peak and of the end, once if they are the same."""
    moments = (series.peak, series.final)
    return list(dict.fromkeys(moment.t for moment in moments if not isinstance(moment, Undefined)))
