"""A of every direction in a span from the JVPs of a basis of that span: other W and K without a new product.

With Y = J V, V the rows of a basis [m, P], the matrix B = Y Y^T/N gives A(Σ_i c_i v_i) = c^T B c. It is held per group
of probes. The basis is best the window's own v_1 … v_r: then B is as well conditioned as the coupling itself, and the
float32 products of a small σ_k are not drowned by those of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.spectra.window_svd import WindowSVD
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CouplingGram:
    """The inner products ⟨J v_i, J v_j⟩ of m directions, summed over each group of probes."""

    sums: Floats
    """`[G, m, m]`, symmetric."""
    counts: Ints
    """Probes in each group `[G]`."""

    @property
    def B(self) -> Floats:
        """(1/N) Σ_x ⟨J_x v_i, J_x v_j⟩ `[m, m]`."""
        return np.asarray(self.sums.sum(axis=0) / self.counts.sum())

    def coupling(self, coefficients: Floats) -> GroupedCoupling:
        """Compute A of combinations of the basis.

        Args:
            coefficients: `[m, q]`, one combination per column, such that the combined direction has unit length.

        Returns:
            The coupling of the q directions.

        Raises:
            UsageError: The coefficients are of another number of directions.
        """
        if coefficients.shape[0] != self.sums.shape[-1]:
            raise UsageError(
                f"coefficients: must be of {self.sums.shape[-1]} directions; found {coefficients.shape[0]}"
            )
        # A product and a sum: looking for the best order of an einsum costs more than the work itself.
        sums = ((self.sums @ coefficients) * coefficients).sum(axis=1).T
        return GroupedCoupling(np.maximum(sums, 0.0), self.counts)


def in_basis(svd: WindowSVD, window: Window, inner: Window, coefficients: Floats) -> Floats:
    """Write combinations of an inner window's rows in the directions v_1 … v_r of the window around it.

    row_i = Σ_k u_k[i] σ_k v_k, so a combination c of rows is (Σ U^T c) in the directions.

    Args:
        svd: Decomposition of the outer window, whose directions are the basis.
        window: The outer window.
        inner: The inner window; its rows must lie within the outer one.
        coefficients: `[inner.n_rows, q]`, for example `combinations` of the inner window's decomposition.

    Returns:
        `[r, q]`, r = rank of the outer window.

    Raises:
        UsageError: The inner window reaches outside.
    """
    if inner.start < window.start or inner.stop > window.stop:
        raise UsageError(
            f"window: rows {inner.start}:{inner.stop} must lie within the computed {window.start}:{window.stop}"
        )
    left = svd.left[inner.start - window.start : inner.stop - window.start, : svd.rank]
    return np.asarray((left * svd.sigma[: svd.rank]).T @ coefficients)


def ceiling(coupling: Floats) -> float | Undefined:
    """Compute the largest A that a unit direction of a span has: no v_k of the span exceeds it.

    Args:
        coupling: B `[m, m]` of an orthonormal basis of the span, so that the answer is its largest eigenvalue.

    Returns:
        A, in the unit of B; undefined where B holds NaN or Inf.
    """
    if not np.all(np.isfinite(coupling)):
        return Undefined("the coupling of the window's directions holds NaN or Inf")
    return max(0.0, float(np.linalg.eigvalsh(coupling)[-1]))
