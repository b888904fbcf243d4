"""Rolling spectra of one source over a whole run: its windows and their decompositions, without the rows themselves.

Decides that a window is placed once and decomposed once. Another process can be sent it. Leaves to others: the
arithmetic (`window_svd`), and where the Gram matrix of the rows comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.settings import Align
from sedscope.analysis.spectra.gram import BandedGram
from sedscope.analysis.spectra.window_svd import (
    SpanBasis,
    WindowSVD,
    combinations,
    decompose_window,
    flatness,
    span_basis,
)
from sedscope.analysis.spectra.windows import Window, place_windows
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class WindowSpectrum:
    """The spectrum of one window, without its singular vectors."""

    sigma: Floats
    """σ_1 ≥ … ≥ σ_n `[n]`."""
    k_star: int | Undefined
    """k*, counted from 1."""
    gap: float | Undefined
    """σ_k*/σ_(k*+1)."""
    participation: float
    """(Σσ²)²/Σσ⁴."""
    flat: tuple[str | None, ...]
    """The reason, for each K of the settings, why the top-K subspace is arbitrary, or None where it is not."""


@dataclass(frozen=True, slots=True)
class SpectrumAtStep:
    """The window at one recorded step and its spectrum."""

    t: int
    n_rows: int
    full: bool
    spectrum: WindowSpectrum | Undefined


@dataclass(frozen=True, slots=True)
class SpectrumSeries:
    """The spectra of one source over all of its recorded steps."""

    source: str
    window: int
    points: tuple[SpectrumAtStep, ...]
    undefined: Undefined | None = None
    """The reason why there is no point at all."""


_NO_ROW = Undefined("there is no row on this side of the checkpoint")


@dataclass(eq=False)
class RollingSpectra:
    """The windows of one source and their spectra."""

    source: str
    steps: Ints
    """Recorded t of each row `[n]`, ascending."""
    end_at_t: bool
    """A row describes the interval that ends at its step."""
    gram: BandedGram
    """Inner products of the rows."""
    align: Align
    _windows: dict[int, dict[int, Window]] = field(default_factory=dict, repr=False)
    """Windows by W and t."""
    _spectra: dict[tuple[int, int], WindowSVD | Undefined] = field(default_factory=dict, repr=False)
    """Decompositions by first and last row."""

    def window(self, t: int, size: int) -> Window:
        """Return the window of W = `size` rows seen from t."""
        # Placing all recorded steps at once costs little more than placing one; checkpoints are among them as a rule.
        if size not in self._windows:
            self._windows[size] = {window.t: window for window in self._place_windows(self.steps.tolist(), size)}
        windows = self._windows[size]
        if t not in windows:
            (windows[t],) = self._place_windows([t], size)
        return windows[t]

    def spectrum(self, window: Window) -> WindowSVD | Undefined:
        """Return the singular values and left vectors of a window."""
        if window.n_rows == 0:
            return _NO_ROW
        rows = (window.start, window.stop)
        if rows not in self._spectra:
            self._spectra[rows] = decompose_window(self.gram.window(*rows))
        return self._spectra[rows]

    def span_basis(self, window: Window) -> SpanBasis | Undefined:
        """Return a basis of the span of a window's rows, which serves every window within it."""
        if window.n_rows == 0:
            return _NO_ROW
        return span_basis(self.gram.window(window.start, window.stop), window)

    def window_in(
        self, basis: SpanBasis | None, t: int, size: int, rank: int | None = None
    ) -> tuple[WindowSVD, Floats | None] | Undefined:
        """Return the spectrum of the window seen from t, and its v_k in the basis of a span around it `[m, K']`.

        Without a basis, where the span is that of the window's own leading directions, there are no coefficients. A
        rank of None takes every direction that the window has.
        """
        window = self.window(t, size)
        spectrum = self.spectrum(window)
        if isinstance(spectrum, Undefined):
            return spectrum
        coefficients = None if basis is None else basis.express(window, combinations(spectrum, rank))
        return coefficients if isinstance(coefficients, Undefined) else (spectrum, coefficients)

    def row_at(self, t: int) -> int | None:
        """Return the position of the row at step t; None where it does not exist, is zero, or holds NaN or Inf."""
        position = int(np.searchsorted(self.steps, t))
        if position == len(self.steps) or self.steps[position] != t:
            return None
        square = float(self.gram.window(position, position + 1)[0, 0])
        return position if 0.0 < square < np.inf else None

    def series(self, size: int, ranks: Sequence[int], steps: Sequence[int] | None = None) -> SpectrumSeries:
        """Return the spectra at some steps, or at every recorded step of the source."""
        seen_from = self.steps.tolist() if steps is None else steps
        points = [self._spectrum_at(self.window(t, size), ranks) for t in seen_from]
        return SpectrumSeries(self.source, size, tuple(points))

    def _place_windows(self, steps: Sequence[int], size: int) -> tuple[Window, ...]:
        return place_windows(self.steps, steps, size, self.align, rows_end_at_t=self.end_at_t)

    def _spectrum_at(self, window: Window, ranks: Sequence[int]) -> SpectrumAtStep:
        svd = self.spectrum(window)
        if isinstance(svd, Undefined):
            return SpectrumAtStep(window.t, window.n_rows, window.full, svd)
        flat = tuple(flatness(svd, rank) for rank in ranks)
        spectrum = WindowSpectrum(svd.sigma, svd.k_star, svd.gap, svd.participation, flat)
        return SpectrumAtStep(window.t, window.n_rows, window.full, spectrum)
