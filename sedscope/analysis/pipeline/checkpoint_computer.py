"""What is needed at one checkpoint for one task: from the cache, or computed with as few JVPs as will do.

Decides that one graph of the checkpoint serves every direction asked for. Leaves to others: J v (`centroid_jvp`),
the windows (`rolling`), what each kept result depends on (`keys`), and what is made of the sums (`assemble_series`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.cache import Cache
from sedscope.analysis.coupling.alignment import orientation
from sedscope.analysis.coupling.parameter_blocks import BLOCK_RANDOM, block_gram, blocks_of
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.checkpoint_result import (
    Baseline,
    CheckpointResult,
    Span,
    SpanResponse,
    as_baseline,
    as_blocks,
    as_centroids,
    as_span,
    baseline_arrays,
    blocks_arrays,
    centroid_arrays,
    span_arrays,
)
from sedscope.analysis.pipeline.keys import Keys
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.sed_directions import apply_combinations, combinations
from sedscope.analysis.spectra.windows import span_of
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

if TYPE_CHECKING:
    from sedscope.analysis.coupling.centroid_shift import CentroidShift
    from sedscope.analysis.features.probed_model import ProbedModel

Tick = Callable[[int], None]
"""Called after so many JVPs. May raise, which ends the work; what was finished is kept."""


class CheckpointComputer:
    """Looks up and computes what is measured at the checkpoints of one run."""

    def __init__(
        self, run: Run, settings: Settings, cache: Cache, rolling: dict[Variant, RollingSpectra], reading: Lock
    ) -> None:
        """Settle where rows, weights and kept results come from.

        Args:
            run: The run.
            settings: Of the analysis.
            cache: Where results are kept.
            rolling: Those whose spectra exist.
            reading: Held while the run is read.
        """
        self._settings = settings
        self._cache = cache
        self._rolling = rolling
        self._reading = reading
        self._keys = Keys(run, settings)
        self._blocks = blocks_of(run.manifest)
        self._size = run.manifest.P
        self._weight_steps = run.weight_steps()

    def look_up(self, t: int, task: str, variants: Sequence[Variant]) -> CheckpointResult:
        """What the cache holds of one checkpoint, one task and these sources."""
        settings, load = self._settings, self._cache.load
        next_t = next_step(self._weight_steps, t) if settings.measures_all else None
        found = CheckpointResult(t, task, {variant: self._span(variant, t, next_t) for variant in variants}, next_t)
        shifted = next_t is not None
        found.baseline = as_baseline(
            load("baseline", self._keys.baseline(t, task, next_t)), settings.random, shifted=shifted
        )
        found.centroids = as_centroids(load("centroids", self._keys.centroids(t, task)))
        if settings.measures_all:
            kept = load("random-blocks", self._keys.random_blocks(t, task))
            found.random_blocks = as_blocks(kept, self._n_block_random, len(self._blocks))
        for variant, span in found.spans.items():
            if isinstance(span, Span):
                arrays = load(self._kind, self._span_key(found, span))
                gram = settings.through_gram
                response = as_span(arrays, span, len(self._blocks), shifted=shifted, gram=gram)
                found.responses |= {} if response is None else {variant: response}
        return found

    def n_products(self, found: CheckpointResult) -> int:
        """JVPs that are still to be made, each block of a direction counted as one."""
        settings = self._settings
        baseline = settings.random if found.baseline is None else 0
        blockwise = self._n_block_random * len(self._blocks) if self._lacks_blocks(found) else 0
        return baseline + blockwise + sum(span.n_products for span in self._open_spans(found))

    def is_complete(self, found: CheckpointResult) -> bool:
        """Whether nothing is left to compute."""
        return found.centroids is not None and self.n_products(found) == 0

    def open_variants(self, found: CheckpointResult) -> list[Variant]:
        """Sources whose rows are needed to go on."""
        return [span.variant for span in self._open_spans(found)]

    def compute(
        self, found: CheckpointResult, model: ProbedModel, after: ProbedModel | None, chunk: int | None, tick: Tick
    ) -> None:
        """Computes and keeps what is missing.

        Args:
            found: From `look_up`; filled in place.
            model: The checkpoint with the task's probes.
            after: The same at the end of the interval that follows; None where there is none.
            chunk: Probes differentiated at once.
            tick: Told after every JVP.
        """
        from sedscope.analysis.coupling.centroid_shift import CentroidShift
        from sedscope.analysis.features.centroid_spectrum import centroid_spectrum
        from sedscope.analysis.features.centroids import centroids

        if found.centroids is None:
            found.centroids = centroid_spectrum(centroids(model, chunk=chunk))
            self._cache.keep("centroids", self._keys.centroids(found.t, found.task), centroid_arrays(found.centroids))
        shift = None if after is None else CentroidShift(model, after)
        spans = list(self._open_spans(found))
        if self._settings.through_gram:
            for span in spans:
                self._compute_gram(found, span, model, shift, chunk, tick)
            spans = []
        self._compute_responses(found, spans, model, shift, chunk, tick)
        if self._lacks_blocks(found):
            from sedscope.analysis.coupling.blockwise_jvp import random_blocks

            random = RandomDirections(self._n_block_random, self._size)
            found.random_blocks = random_blocks(model, random, self._blocks, self._settings, chunk, tick)
            key = self._keys.random_blocks(found.t, found.task)
            self._cache.keep("random-blocks", key, blocks_arrays(found.random_blocks))

    def _span(self, variant: Variant, t: int, next_t: int | None) -> Span | Undefined:
        rolling = self._rolling[variant]
        row = None if next_t is None else rolling.row_at(t)
        return span_at(variant, rolling, t, self._settings, row)

    def _lacks_blocks(self, found: CheckpointResult) -> bool:
        return self._settings.measures_all and found.random_blocks is None

    def _open_spans(self, found: CheckpointResult) -> Iterator[Span]:
        spans = (span for span in found.spans.values() if isinstance(span, Span))
        return (span for span in spans if span.variant not in found.responses)

    def _compute_gram(
        self,
        found: CheckpointResult,
        span: Span,
        model: ProbedModel,
        shift: CentroidShift | None,
        chunk: int | None,
        tick: Tick,
    ) -> None:
        from sedscope.analysis.coupling.coupling_sums import response_gram
        from sedscope.analysis.features.centroid_jvp import jvps

        directions = self._directions(span)
        made = jvps(model, directions, self._settings, chunk, tick)
        response = response_gram(made, len(directions), model.n_probes, shift=shift)
        self._keep_span(found, span, SpanResponse(response, block_gram(directions[: span.size], self._blocks)))

    def _compute_responses(
        self,
        found: CheckpointResult,
        spans: Sequence[Span],
        model: ProbedModel,
        shift: CentroidShift | None,
        chunk: int | None,
        tick: Tick,
    ) -> None:
        """The baseline and every span's directions in one pass over one graph."""
        from sedscope.analysis.coupling.coupling_sums import responses
        from sedscope.analysis.features.centroid_jvp import jvps

        random = RandomDirections(self._settings.random, self._size) if found.baseline is None else ()
        sizes = [len(random), *(span.n_products for span in spans)]
        if sum(sizes) == 0:
            return
        grams: dict[Variant, Floats] = {}
        directions = Directions(random, [partial(self._directions, span, grams) for span in spans])
        made = jvps(model, directions, self._settings, chunk, tick)
        whole = responses(made, sum(sizes), model.n_probes, shift=shift)
        first, *others = whole.split(sizes)
        if found.baseline is None:
            found.baseline = Baseline(first, None if shift is None else shift.squares(chunk))
            key = self._keys.baseline(found.t, found.task, found.next_t)
            self._cache.keep("baseline", key, baseline_arrays(found.baseline))
        for span, response in zip(spans, others, strict=True):
            self._keep_span(found, span, SpanResponse(response, grams[span.variant]))

    def _keep_span(self, found: CheckpointResult, span: Span, response: SpanResponse) -> None:
        found.responses[span.variant] = response
        self._cache.keep(self._kind, self._span_key(found, span), span_arrays(response))

    @property
    def _n_block_random(self) -> int:
        return min(BLOCK_RANDOM, self._settings.random)

    @property
    def _kind(self) -> str:
        """Of a span's entry: a window of one direction looks the same on both routes, its numbers do not."""
        return "response-gram" if self._settings.through_gram else "response"

    def _span_key(self, found: CheckpointResult, span: Span) -> dict[str, object]:
        return dict(self._keys.span(found.t, found.task, found.next_t, span, self._rolling[span.variant].rows))

    def _directions(self, span: Span, grams: dict[Variant, Floats] | None = None) -> Floats:
        """The span's directions and the row's `[m + 1 or m, P]`; their inner products within blocks go into `grams`."""
        with self._reading:
            directions = span_directions(span, self._rolling[span.variant])
        if grams is not None and span.variant not in grams:
            grams[span.variant] = block_gram(directions[: span.size], self._blocks)
        return directions


def span_at(
    variant: Variant, rolling: RollingSpectra, t: int, settings: Settings, row: int | None = None
) -> Span | Undefined:
    """K directions of the one window, or every direction of the span that holds all windows asked for.

    Args:
        variant: Of which source.
        rolling: Its windows.
        t: The checkpoint.
        settings: W and K.
        row: Position of the row that is put against the checkpoint as well.
    """
    size = span_of(settings.window) if settings.through_gram else settings.window[0]
    (window,) = rolling.windows([t], size)
    found = rolling.spectrum(window)
    if isinstance(found, Undefined):
        return found
    return Span(variant, window, found, combinations(found, None if settings.through_gram else settings.rank[0]), row)


def span_directions(span: Span, rolling: RollingSpectra) -> Floats:
    """Directions of a span and, last, that of its row where it has one: unit vectors `[m + 1 or m, P]`."""
    rows = rolling.rows
    directions = apply_combinations(rows.read, span.window, span.coefficients, rows.n_columns)
    if span.row is None:
        return directions
    row = np.asarray(rows.read(span.row, span.row + 1, slice(None))[0], dtype=np.float64)
    unit = orientation(rows.name) * row / np.linalg.norm(row)
    return np.concatenate([directions, unit[None]])


def next_step(steps: Ints, t: int) -> int | None:
    """The first of the ascending steps that is > t."""
    place = int(np.searchsorted(steps, t, side="right"))
    return int(steps[place]) if place < len(steps) else None


class Directions:
    """Random directions, then those of each source, made when they are gone through and not held together."""

    def __init__(self, random: Sequence[Floats], spans: Sequence[Callable[[], Floats]]) -> None:
        self._random = random
        self._spans = spans

    def __iter__(self) -> Iterator[Floats]:
        """In order, anew each time."""
        yield from self._random
        for directions in self._spans:
            yield from directions()
