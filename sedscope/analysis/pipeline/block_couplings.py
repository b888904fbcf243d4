"""Coupling per block: A of each v_k restricted to each block, at the two checkpoints that a series is judged by.

Decides where it is taken: at the peak and at the end of a series, for the first variant of its source. A block costs as
much as a direction, so that everywhere would be too dear; energy per block is known everywhere. Leaves to others: the
products (`blockwise`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Cache
from sedscope.analysis.coupling.parameter_blocks import blocks_of
from sedscope.analysis.pipeline.checkpoint_computer import Tick, span_directions
from sedscope.analysis.pipeline.checkpoint_result import Span
from sedscope.analysis.pipeline.keys import Keys
from sedscope.analysis.pipeline.results import BlockCoupling, CouplingSeries
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.sed_directions import combinations
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

if TYPE_CHECKING:
    from sedscope.analysis.features.probed_model import ProbedModel


@dataclass(frozen=True, slots=True)
class Asked:
    """One window of one source against one task at one checkpoint; it serves every K."""

    t: int
    task: str
    source: str
    window: int

    @property
    def variant(self) -> Variant:
        """The first of its source."""
        return Variant(self.source)


class BlockCouplings:
    """Looks up and computes coupling per block for the series of one run."""

    def __init__(
        self,
        run: Run,
        settings: Settings,
        cache: Cache,
        rolling: Mapping[Variant, RollingSpectra | Undefined],
        reading: Lock,
    ) -> None:
        """Settle where directions and kept results come from."""
        self._settings = settings
        self._cache = cache
        self._rolling = rolling
        self._reading = reading
        self._keys = Keys(run, settings)
        self._blocks = blocks_of(run.manifest)
        self._found: dict[Asked, tuple[Floats, int] | Undefined] = {}
        """A `[K', B]` and over how many probes."""

    def look_up(self, series: Sequence[CouplingSeries]) -> list[Asked]:
        """What is asked by these series and not in the cache."""
        asked = dict.fromkeys(one for single in series for one in _asked(single))
        missing = []
        for one in asked:
            span = self._span(one)
            kept = self._cache.load("block-coupling", self._key(one, span))
            shapes = {"A": (span.size, len(self._blocks)), "n_probes": (1,)}
            found = None if kept is None else {name: array.shape for name, array in kept.items()}
            if kept is None or found != shapes or kept["n_probes"].dtype != np.int64:
                missing.append(one)
            else:
                self._found[one] = kept["A"], int(kept["n_probes"][0])
        return missing

    def n_products(self, asked: Asked) -> int:
        """JVPs that it takes."""
        return self._span(asked).size * len(self._blocks)

    def compute(self, asked: Asked, model: ProbedModel, chunk: int | None, tick: Tick) -> None:
        """Computes and keeps it.

        Args:
            asked: What.
            model: The checkpoint with the task's probes.
            chunk: Probes differentiated at once.
            tick: Told after every JVP.
        """
        from sedscope.analysis.coupling.blockwise_jvp import block_couplings

        span, rolling = self._span(asked), self._rolling[asked.variant]
        assert isinstance(rolling, RollingSpectra)
        with self._reading:
            directions = span_directions(span, rolling)
        found = block_couplings(model, directions, self._blocks, self._settings, chunk, tick)
        self._found[asked] = found
        arrays = {"A": found[0], "n_probes": np.array([found[1]])}
        self._cache.keep("block-coupling", self._key(asked, span), arrays)

    def fail(self, asked: Asked, reason: Undefined) -> None:
        """It cannot be computed."""
        self._found[asked] = reason

    def with_blocks(self, series: CouplingSeries) -> CouplingSeries:
        """The series with its coupling per block."""
        points = []
        for one in _asked(series):
            found = self._found[one]
            if isinstance(found, Undefined):
                points.append(BlockCoupling(one.t, found, 0))
            else:
                points.append(BlockCoupling(one.t, found[0][: series.rank], found[1]))
        return replace(series, blocks=tuple(points))

    def _span(self, asked: Asked) -> Span:
        """The window's directions, as many as the largest K; the series has a ratio there, so they exist."""
        rolling = self._rolling[asked.variant]
        assert isinstance(rolling, RollingSpectra)
        (window,) = rolling.windows([asked.t], asked.window)
        spectrum = rolling.spectrum(window)
        assert not isinstance(spectrum, Undefined)
        return Span(asked.variant, window, spectrum, combinations(spectrum, max(self._settings.rank)), None)

    def _key(self, asked: Asked, span: Span) -> dict[str, object]:
        rolling = self._rolling[asked.variant]
        assert isinstance(rolling, RollingSpectra)
        return dict(self._keys.block_couplings(asked.t, asked.task, span, rolling.rows))


def _asked(series: CouplingSeries) -> list[Asked]:
    """Where a series is looked at: peak and end, once if they are the same."""
    moments = (series.peak, series.final)
    steps = dict.fromkeys(one.t for one in moments if not isinstance(one, Undefined))
    return [Asked(t, series.task, series.source, series.window) for t in steps]
