"""The spectra of one source's windows over a run, without singular vectors: all that a viewer's worker has to send."""

from __future__ import annotations

from dataclasses import dataclass

from sedscope.analysis.arrays import Floats
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
