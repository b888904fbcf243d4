"""R_k of any window and rank that lies in computed spans: without a JVP, without a file, in milliseconds.

Decides what of an analysis must be held for that (`SpanCouplings`, which a process can send to another) and that a
series from it holds R, R̄_k, peak, final and their intervals; the second measures are left to a whole analysis. Equal to
one with the same settings up to rounding. Leaves to others: measuring (`analyse`) and the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.response import CouplingGram, ResponseGram, ceiling
from sedscope.analysis.pipeline.checkpoint_results import CheckpointResult
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.pipeline.span import Rolling
from sedscope.analysis.pipeline.window_coupling import WindowCoupling, checkpoint_coupling, series_from_points
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.window_svd import SpanBasis, WindowSVD
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.coupling_ratio import baseline, coupling_ratio
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True)
class SpanGram:
    """The coupling of every direction in one window's span."""

    basis: SpanBasis
    gram: CouplingGram
    """Inner products of the basis per group of probes."""
    B: Floats
    """Their mean over all probes `[m, m]`."""


@dataclass(frozen=True)
class SpanCouplings:
    """The coupling of windows up to W = `span` of some sources to the centroids of one task."""

    task: str
    span: int
    settings: Settings
    variants: Mapping[str, tuple[Variant, ...]]
    """By source."""
    steps: tuple[int, ...]
    """Checkpoints."""
    random: Mapping[int, GroupedCoupling | Undefined]
    """A of the random directions, by checkpoint."""
    rolling: Rolling
    """Windows of every variant."""
    spans: Mapping[tuple[Variant, int], SpanGram | Undefined]
    """By variant and checkpoint."""

    def series(self, source: str, window: int, rank: int, *, intervals: bool = True) -> CouplingSeries:
        """Return R_k over the checkpoints for W = `window` ≤ span and K = `rank`, of one of `variants`.

        `intervals=False` leaves them out, which takes most of the time.
        """
        points = tuple(self._point(source, t, window, rank, intervals) for t in self.steps)
        return series_from_points(source, self.task, window, rank, "coupling Gram", points)

    def ceiling(self, source: str, window: int) -> list[tuple[int, float | Undefined]]:
        """Return R of the direction in the window's span that couples most, by checkpoint: no v_k exceeds it."""
        return [(t, self._ceiling(Variant(source), t, window)) for t in self.steps]

    def _point(self, source: str, t: int, size: int, rank: int, intervals: bool) -> CheckpointCoupling:
        first = self.rolling[Variant(source)]
        window = Window(t, 0, 0, size) if isinstance(first, Undefined) else first.window(t, size)
        couplings = [self._coupling(variant, t, size, rank, intervals) for variant in self.variants[source]]
        return checkpoint_coupling(window, rank, couplings, self.random[t])

    def _coupling(self, variant: Variant, t: int, size: int, rank: int, intervals: bool) -> WindowCoupling | Undefined:
        directions = self._directions(variant, t, size, rank)
        if isinstance(directions, Undefined):
            return directions
        span, spectrum, c = directions
        # c^T B c of all probes together: a product per group is taken only where an interval resamples the groups.
        A = np.maximum((c * (span.B @ c)).sum(axis=0), 0.0)
        return WindowCoupling(spectrum, A, span.gram.coupling(c) if intervals else None)

    def _ceiling(self, variant: Variant, t: int, size: int) -> float | Undefined:
        random, directions = self.random[t], self._directions(variant, t, size, None)
        if isinstance(directions, Undefined):
            return directions
        if isinstance(random, Undefined):
            return random
        span, _, basis = directions
        strongest = ceiling(basis.T @ span.B @ basis)
        if isinstance(strongest, Undefined):
            return strongest
        ratio = coupling_ratio(np.array([strongest]), baseline(random.A))
        return ratio if isinstance(ratio, Undefined) else ratio.rbar

    def _directions(
        self, variant: Variant, t: int, size: int, rank: int | None
    ) -> tuple[SpanGram, WindowSVD, Floats] | Undefined:
        """Return the span around a window, the window's own spectrum, and its directions in the basis of the span."""
        rolling, span = self.rolling[variant], self.spans[variant, t]
        if isinstance(rolling, Undefined):
            return rolling
        if isinstance(span, Undefined):
            return span
        directions = rolling.window_in(span.basis, t, size, rank)
        if isinstance(directions, Undefined):
            return directions
        spectrum, coefficients = directions
        assert coefficients is not None, "a span has a basis"
        return span, spectrum, coefficients


def span_couplings(
    results: Sequence[CheckpointResult],
    rolling: Rolling,
    settings: Settings,
    variants: Mapping[str, tuple[Variant, ...]],
    task: str,
    span: int,
) -> SpanCouplings:
    """Return what was measured by way of coupling Gram matrices, without the run behind it.

    The settings ask for several W or K, so that spans were measured; `span` is the largest window that they hold.
    """
    measured = [variant for of_source in variants.values() for variant in of_source]
    return SpanCouplings(
        task,
        span,
        settings,
        variants,
        tuple(result.t for result in results),
        {result.t: result.random_coupling for result in results},
        {variant: rolling[variant] for variant in measured},
        {(variant, result.t): _span_gram(variant, result) for variant in measured for result in results},
    )


def _span_gram(variant: Variant, result: CheckpointResult) -> SpanGram | Undefined:
    answer = result.response(variant)
    if isinstance(answer, Undefined):
        return answer
    basis = result.basis(variant)
    assert isinstance(answer.response, ResponseGram) and basis is not None, "the settings ask for spans"
    sums = np.ascontiguousarray(answer.response.centroids.sums[:, : answer.size, : answer.size])
    gram = CouplingGram(sums, answer.response.centroids.counts)
    return SpanGram(basis, gram, gram.B)
