"""A of every direction in a span from the JVPs of a basis of that span: other W and K without a new product.

With Y = J V, V the rows of a basis [m, P], the matrix B = Y Y^T/N gives A(Σ_i c_i v_i) = c^T B c. Kept per group of
probes. The basis is best the window's own v_1 … v_r: then B is as well conditioned as the coupling itself, and the
float32 products of a small σ_k are not drowned by those of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.spectra.window_svd import NUMERICAL_RANK, WindowSVD
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CouplingGram:
    """⟨J v_i, J v_j⟩ summed over each group of probes."""

    sums: Floats
    """`[G, m, m]`, symmetric."""
    counts: Ints
    """Probes in each group `[G]`."""

    @property
    def B(self) -> Floats:
        """(1/N) Σ_x ⟨J_x v_i, J_x v_j⟩ `[m, m]`."""
        return np.asarray(self.sums.sum(axis=0) / self.counts.sum())

    def coupling(self, coefficients: Floats) -> GroupedCoupling:
        """A of combinations of the basis.

        Args:
            coefficients: `[m, q]`, one combination per column, such that the combined direction has unit length.

        Returns:
            Of the q directions.
        """
        if coefficients.shape[0] != self.sums.shape[-1]:
            raise UsageError(
                f"coefficients: must be of {self.sums.shape[-1]} directions; found {coefficients.shape[0]}"
            )
        # A product and a sum: looking for the best order of an einsum costs more than the work itself.
        sums = ((self.sums @ coefficients) * coefficients).sum(axis=1).T
        return GroupedCoupling(np.maximum(sums, 0.0), self.counts)


def in_basis(spectrum: WindowSVD, window: Window, inner: Window, coefficients: Floats) -> Floats:
    """Combinations of an inner window's rows, written in the directions v_1 … v_r of the window around it.

    row_i = Σ_k u_k[i] σ_k v_k, so a combination c of rows is (Σ U^T c) in the directions.

    Args:
        spectrum: Of the outer window, whose directions are the basis.
        window: The outer window.
        inner: Its rows must lie within the outer window.
        coefficients: `[inner.n_rows, q]`, for example `combinations` of the inner window's spectrum.

    Returns:
        `[r, q]`, r = rank of the outer window.

    Raises:
        UsageError: the inner window reaches outside.
    """
    if inner.start < window.start or inner.stop > window.stop:
        raise UsageError(
            f"window: rows {inner.start}:{inner.stop} must lie within the computed {window.start}:{window.stop}"
        )
    left = spectrum.left[inner.start - window.start : inner.stop - window.start, : spectrum.rank]
    return np.asarray((left * spectrum.sigma[: spectrum.rank]).T @ coefficients)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The unit direction of a span that couples most strongly."""

    A: float
    """Its coupling: no direction of the span, so no v_k, exceeds it."""
    coefficients: Floats
    """Of the basis `[m]`; the combined direction has unit length."""


def ceiling(
    coupling: Floats, gram: Floats | None = None, *, numerical_rank: float = NUMERICAL_RANK
) -> Ceiling | Undefined:
    """Largest c^T B c / c^T G c: the generalised eigenproblem of the coupling against the Gram matrix.

    Args:
        coupling: B `[m, m]`.
        gram: ⟨v_i, v_j⟩ `[m, m]` of the same basis; None means orthonormal. Directions of the basis that are linear
            combinations of others (singular values at or below `numerical_rank`·σ_1) are left out of the problem.
        numerical_rank: Share of the largest singular value that counts as zero.

    Returns:
        Undefined when either matrix holds NaN or Inf, or the basis is zero.
    """
    whitening = _whitening(np.eye(len(coupling)) if gram is None else gram, numerical_rank)
    if isinstance(whitening, Undefined):
        return whitening
    if not np.all(np.isfinite(coupling)):
        return Undefined("the coupling of the window's directions holds NaN or Inf")
    values, vectors = np.linalg.eigh(whitening.T @ coupling @ whitening)
    return Ceiling(max(0.0, float(values[-1])), np.asarray(whitening @ vectors[:, -1]))


def _whitening(gram: Floats, numerical_rank: float) -> Floats | Undefined:
    """Columns that turn the basis into an orthonormal one of its span `[m, r]`."""
    if gram.size == 0 or not np.all(np.isfinite(gram)):
        return Undefined("the window holds no rows" if gram.size == 0 else "rows of the window hold NaN or Inf")
    values, vectors = np.linalg.eigh(gram)
    kept = values > numerical_rank**2 * max(values[-1], 0.0)
    if values[-1] <= 0.0:
        return Undefined("all rows of the window are zero")
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]))
