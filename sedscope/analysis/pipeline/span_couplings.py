"""R_k of any window and rank that lies in computed spans: without a product, without a file, in milliseconds.

Decides what of an analysis must be held for that (`SpanCouplings`, which a process can send to another) and that a
series from it holds R, R̄_k, peak, final and their intervals; the second measures are left to a whole analysis. Equal to
one with the same settings up to rounding. Leaves to others: measuring (`analyse`) and the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.coupling.coupling_gram import CouplingGram, ceiling, in_basis
from sedscope.analysis.coupling.response import ResponseGram
from sedscope.analysis.pipeline.checkpoint_result import CheckpointResult, Span
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.settings import Align, Settings
from sedscope.analysis.sources.variants import Variant, variants_of
from sedscope.analysis.spectra.gram import BandedGram
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.sed_directions import combinations
from sedscope.analysis.spectra.window_svd import WindowSVD, decompose_window, flatness
from sedscope.analysis.spectra.windows import Window, place_windows
from sedscope.analysis.statistics.coupling_ratio import (
    CouplingRatio,
    RatioAtCheckpoint,
    baseline,
    coupling_ratio,
    final,
    peak,
)
from sedscope.analysis.statistics.interval import Interval, RatioIntervals, ratio_intervals
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined

Rolling = Mapping[Variant, "RollingSpectra | Undefined"]


@dataclass(frozen=True)
class RowProducts:
    """Inner products of one variant's rows, and where they stand."""

    steps: Ints
    end_at_t: bool
    gram: BandedGram
    found: dict[tuple[int, int], WindowSVD | Undefined] = field(default_factory=dict, compare=False)
    """Windows that were decomposed already."""
    placed: dict[tuple[int, Align], dict[int, Window]] = field(default_factory=dict, compare=False)
    """Windows that were placed already, by W and alignment."""

    def window(self, t: int, size: int, align: Align, seen_from: Sequence[int] = ()) -> Window:
        """The window of W = `size` rows seen from t; those of all steps of `seen_from` are placed with it, and kept."""
        placed = self.placed.setdefault((size, align), {})
        if t not in placed:
            steps = seen_from if t in seen_from else (t,)
            found = place_windows(self.steps, steps, size, align, rows_end_at_t=self.end_at_t)
            placed |= {window.t: window for window in found}
        return placed[t]

    def spectrum(self, window: Window) -> WindowSVD | Undefined:
        """Of a window, decomposed once."""
        if window.n_rows == 0:
            return Undefined("there is no row on this side of the checkpoint")
        place = (window.start, window.stop)
        if place not in self.found:
            self.found[place] = decompose_window(self.gram.window(*place))
        return self.found[place]


@dataclass(frozen=True)
class SpanGram:
    """The coupling of every direction in one window's span."""

    window: Window
    spectrum: WindowSVD
    gram: CouplingGram
    """Of its directions v_1 … v_m."""
    whole: Floats
    """B of `gram` `[m, m]`."""


@dataclass(frozen=True)
class SpanCouplings:
    """What windows up to W = `span` of some sources do to the centroids of one task."""

    task: str
    span: int
    settings: Settings
    sources: tuple[str, ...]
    steps: tuple[int, ...]
    """Checkpoints."""
    random: Mapping[int, GroupedCoupling | Undefined]
    """By checkpoint: A of the random directions."""
    rows: Mapping[Variant, RowProducts | Undefined]
    spans: Mapping[tuple[Variant, int], SpanGram | Undefined]
    """By variant and checkpoint."""

    def series(self, source: str, window: int, rank: int, *, intervals: bool = True) -> CouplingSeries:
        """R_k over the checkpoints for W = `window` ≤ span and K = `rank`.

        Args:
            source: One of `sources`.
            window: W.
            rank: K.
            intervals: False leaves them out, which takes most of the time.
        """
        points = tuple(self._point(source, t, window, rank, intervals) for t in self.steps)
        checkpoints = [RatioAtCheckpoint(point.t, point.n_rows, point.full, point.ratio) for point in points]
        ends = peak(checkpoints), final(checkpoints)
        return CouplingSeries(source, self.task, window, rank, "coupling Gram", points, *ends)

    def ceiling(self, source: str, window: int) -> list[tuple[int, float | Undefined]]:
        """For every checkpoint, R of the direction in the window's span that couples most: no v_k exceeds it."""
        return [(t, self._ceiling(Variant(source), t, window)) for t in self.steps]

    def _point(self, source: str, t: int, size: int, rank: int, intervals: bool) -> CheckpointCoupling:
        variants = variants_of(source, self.settings)
        window = self._window(variants[0], t, size)
        random = self.random[t]
        inner = [self._inner(variant, t, size) for variant in variants]
        absent = next((one for one in (random, *inner) if isinstance(one, Undefined)), None)
        if absent is not None or isinstance(random, Undefined):
            assert absent is not None
            return _nothing(window, absent)
        known = [one for one in inner if not isinstance(one, Undefined)]
        base = baseline(random.A)
        n_directions = min(min(rank, spectrum.rank) for _, spectrum, _ in known)
        parts = [(spanned, in_span(spanned, place, found, n_directions)) for spanned, found, place in known]
        values = np.concatenate([_coupling(spanned.whole, c) for spanned, c in parts])
        whole = coupling_ratio(values, base)
        if isinstance(whole, CouplingRatio) and len(known) > 1:
            whole = CouplingRatio(whole.R.reshape(len(known), -1).mean(axis=0), whole.rbar)
        return CheckpointCoupling(
            t,
            window.n_rows,
            window.full,
            values.reshape(len(known), -1).mean(axis=0),
            base,
            whole,
            _interval(parts, random) if intervals else Undefined("it is being computed"),
            next((flat for _, found, _ in known if (flat := flatness(found, rank)) is not None), None),
        )

    def _ceiling(self, variant: Variant, t: int, size: int) -> float | Undefined:
        random, inner = self.random[t], self._inner(variant, t, size)
        if isinstance(inner, Undefined):
            return inner
        if isinstance(random, Undefined):
            return random
        spanned, found, place = inner
        basis = in_span(spanned, place, found, found.rank)
        most = ceiling(basis.T @ spanned.whole @ basis)
        if isinstance(most, Undefined):
            return most
        whole = coupling_ratio(np.array([most]), baseline(random.A))
        return whole if isinstance(whole, Undefined) else whole.rbar

    def _window(self, variant: Variant, t: int, size: int) -> Window:
        rows = self.rows[variant]
        return (
            Window(t, 0, 0, size)
            if isinstance(rows, Undefined)
            else rows.window(t, size, self.settings.align, self.steps)
        )

    def _inner(self, variant: Variant, t: int, size: int) -> tuple[SpanGram, WindowSVD, Window] | Undefined:
        """The span around a window, and the window's own spectrum and place."""
        rows, spanned = self.rows[variant], self.spans[variant, t]
        if isinstance(rows, Undefined):
            return rows
        if isinstance(spanned, Undefined):
            return spanned
        window = rows.window(t, size, self.settings.align, self.steps)
        found = rows.spectrum(window)
        return found if isinstance(found, Undefined) else (spanned, found, window)


def in_span(spanned: SpanGram, window: Window, found: WindowSVD, rank: int) -> Floats:
    """v_1 … v_K of a window as combinations of the directions of the span around it `[m, K]`."""
    return in_basis(spanned.spectrum, spanned.window, window, combinations(found, rank))


def span_couplings(
    measured: Sequence[CheckpointResult],
    rolling: Rolling,
    settings: Settings,
    sources: Sequence[str],
    task: str,
    span: int,
) -> SpanCouplings:
    """What was measured by way of coupling Gram matrices, without the run behind it.

    Args:
        measured: Of every checkpoint.
        rolling: Windows of every variant.
        settings: With several W or K, so that spans were measured.
        sources: Which of them.
        task: Whose centroids.
        span: The largest window that the spans hold.
    """
    variants = [variant for source in sources for variant in variants_of(source, settings)]
    return SpanCouplings(
        task,
        span,
        settings,
        tuple(sources),
        tuple(one.t for one in measured),
        {one.t: _random(one) for one in measured},
        {variant: rows_of(rolling[variant]) for variant in variants},
        {(variant, one.t): _spanned(variant, one) for variant in variants for one in measured},
    )


def _random(found: CheckpointResult) -> GroupedCoupling | Undefined:
    return _why_not(found) if found.baseline is None else found.baseline.response.centroids


def rows_of(rolling: RollingSpectra | Undefined) -> RowProducts | Undefined:
    """What is left of a source's windows without the run behind them."""
    if isinstance(rolling, Undefined):
        return rolling
    return RowProducts(rolling.rows.steps, rolling.rows.end_at_t, rolling.gram)


def _spanned(variant: Variant, found: CheckpointResult) -> SpanGram | Undefined:
    span, answer = found.spans.get(variant), found.responses.get(variant)
    if isinstance(span, Undefined):
        return span
    if not isinstance(span, Span) or answer is None or not isinstance(answer.response, ResponseGram):
        return _why_not(found)
    sums = np.ascontiguousarray(answer.response.centroids.sums[:, : answer.size, : answer.size])
    gram = CouplingGram(sums, answer.response.centroids.counts)
    return SpanGram(span.window, span.spectrum, gram, gram.B)


def _coupling(whole: Floats, coefficients: Floats) -> Floats:
    """c^T B c of each column."""
    return np.asarray(np.maximum((coefficients * (whole @ coefficients)).sum(axis=0), 0.0))


def _interval(parts: Sequence[tuple[SpanGram, Floats]], random: GroupedCoupling) -> Interval | Undefined:
    sums = np.concatenate([spanned.gram.coupling(c).sums for spanned, c in parts])
    found = ratio_intervals(GroupedCoupling(sums, random.counts), random)
    return found.rbar if isinstance(found, RatioIntervals) else found


def _nothing(window: Window, reason: Undefined) -> CheckpointCoupling:
    return CheckpointCoupling(window.t, window.n_rows, window.full, reason, reason, reason, reason, None)


def _why_not(found: CheckpointResult) -> Undefined:
    return Undefined("it was not measured") if found.failure is None else found.failure
