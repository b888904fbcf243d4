"""Rolling spectra of one source over a whole run, from a Gram matrix that the cache holds.

Decides which band is computed for which windows, so that neighbouring settings share it. Leaves to others: the
arithmetic (`gram`, `window_svd`) and rows (`sources`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.cache import Cache
from sedscope.analysis.settings import Align, Settings
from sedscope.analysis.spectra.gram import BandedGram, banded_gram
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.spectra.spectrum_series import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.spectra.window_svd import WindowSVD, decompose_window, flatness
from sedscope.analysis.spectra.windows import Window, place_windows, span_of
from sedscope.analysis.undefined import Undefined


class RollingSpectra:
    """The windows of one source and their spectra, each decomposed once."""

    def __init__(self, rows: SourceRows, gram: BandedGram, align: Align) -> None:
        """Hold rows and their Gram matrix; nothing is decomposed yet."""
        self.rows = rows
        self.gram = gram
        self._align = align
        self._decomposed: dict[tuple[int, int], WindowSVD | Undefined] = {}

    def windows(self, steps: Sequence[int], size: int) -> tuple[Window, ...]:
        """Return the window of W = `size` rows seen from each step."""
        return place_windows(self.rows.steps, steps, size, self._align, rows_end_at_t=self.rows.end_at_t)

    def spectrum(self, window: Window) -> WindowSVD | Undefined:
        """Return singular values and left vectors of a window."""
        if window.n_rows == 0:
            return Undefined("there is no row on this side of the checkpoint")
        bounds = (window.start, window.stop)
        if bounds not in self._decomposed:
            self._decomposed[bounds] = decompose_window(self.gram.window(*bounds))
        return self._decomposed[bounds]

    def row_at(self, t: int) -> int | None:
        """Return the position of the row at step t; None where there is none or it is zero, NaN or Inf."""
        index = int(np.searchsorted(self.rows.steps, t))
        if index == len(self.rows.steps) or self.rows.steps[index] != t:
            return None
        square = float(self.gram.window(index, index + 1)[0, 0])
        return index if 0.0 < square < np.inf else None

    def series(self, size: int, ranks: Sequence[int], steps: Sequence[int] | None = None) -> SpectrumSeries:
        """Return the spectra at some steps, or at every recorded step of the source, with flatness for each rank."""
        seen_from = self.rows.steps.tolist() if steps is None else steps
        points = [self._spectrum_at(window, ranks) for window in self.windows(seen_from, size)]
        return SpectrumSeries(self.rows.name, size, tuple(points))

    def _spectrum_at(self, window: Window, ranks: Sequence[int]) -> SpectrumAtStep:
        svd = self.spectrum(window)
        if isinstance(svd, Undefined):
            return SpectrumAtStep(window.t, window.n_rows, window.full, svd)
        flat = tuple(flatness(svd, rank) for rank in ranks)
        spectrum = WindowSpectrum(svd.sigma, svd.k_star, svd.gap, svd.participation, flat)
        return SpectrumAtStep(window.t, window.n_rows, window.full, spectrum)


def cached_gram(cache: Cache, rows: SourceRows, settings: Settings) -> BandedGram | None:
    """Load the Gram matrix of a source's rows from the cache; None where it is not there or does not fit the rows."""
    span = span_of(settings.window)
    arrays = cache.load("gram", _key(rows, span))
    size = min(span, len(rows.steps))
    if arrays is None or arrays.keys() != {"band"}:
        return None
    band = arrays["band"]
    fits = band.dtype == np.float64 and band.shape == (len(rows.steps), 2 * size - 1)
    return BandedGram(band, size) if fits else None


def compute_gram(cache: Cache, rows: SourceRows, settings: Settings) -> BandedGram:
    """Compute the Gram matrix from the rows, and put it into the cache."""
    span = span_of(settings.window)
    gram = banded_gram(rows.read, len(rows.steps), rows.n_columns, span)
    cache.keep("gram", _key(rows, span), {"band": gram.band})
    return gram


def _key(rows: SourceRows, span: int) -> dict[str, object]:
    return {"rows": rows.identity(0, len(rows.steps)), "span": span}
