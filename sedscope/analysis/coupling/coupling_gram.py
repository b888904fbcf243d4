"""A of every direction in a span from the JVPs of a basis of that span: other W and K without a new product.

With Y = J V, V the rows of a basis [m, P], the matrix B = Y Y^T/N gives A(Σ_i c_i v_i) = c^T B c. It is held per group
of probes. The basis is orthonormal (`spectra.span_basis`), so that B is as well conditioned as the coupling itself, and
the float32 products of a small σ_k are not drowned by those of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
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
