"""A basis of the span of a window's rows, in which the directions of every smaller window within it can be written.

Decides that the rows are brought to unit length first: among rows as they are, one that is 10⁸ times as long as the
others leaves nothing of them in float64, though a window beside it holds only those. Leaves to others: the directions
of a window themselves (`window_svd`), whose rows are never normalised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats
from sedscope.analysis.constants import UNIT_LENGTH_TOLERANCE
from sedscope.analysis.spectra.window_svd import WindowSVD, combinations, decompose_window
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class SpanBasis:
    """Orthonormal directions w_1 … w_m that span the rows of a window."""

    window: Window
    lengths: Floats
    """‖row_i‖ `[n]`; 0 for rows without a direction: zero, NaN or Inf."""
    svd: WindowSVD
    """Of the rows at unit length; a row without a direction counts as zero."""

    @property
    def coefficients(self) -> Floats:
        """The basis as combinations of the window's rows `[n, m]`."""
        lengths = self.lengths[:, None]
        unit_rows = combinations(self.svd)
        return np.divide(unit_rows, lengths, out=np.zeros_like(unit_rows), where=lengths > 0.0)

    def express(self, window: Window, coefficients: Floats) -> Floats | Undefined:
        """Write unit directions of a smaller window in the basis.

        row_i = ‖row_i‖ Σ_k u_k[i] σ_k w_k, so a combination c of rows is Σ U^T (‖row‖·c) in the basis.

        Args:
            window: Its rows must lie within the basis' window.
            coefficients: `combinations` of its rows `[window.n_rows, q]`.

        Returns:
            `[m, q]`; undefined where rounding has left a direction that is not of unit length.

        Raises:
            UsageError: The window reaches outside.
        """
        outer = self.window
        if window.start < outer.start or window.stop > outer.stop:
            raise UsageError(
                f"window: rows {window.start}:{window.stop} must lie within the computed {outer.start}:{outer.stop}"
            )
        rows = slice(window.start - outer.start, window.stop - outer.start)
        rank = self.svd.rank
        left = self.svd.left[rows, :rank] * self.svd.sigma[:rank]
        directions = np.asarray(left.T @ (coefficients * self.lengths[rows, None]))
        error = np.abs(np.linalg.norm(directions, axis=0) - 1.0).max(initial=0.0)
        if error > UNIT_LENGTH_TOLERANCE:
            return Undefined(
                f"W {window.size} is lost to rounding among the {outer.n_rows} rows around it; ask for it alone"
            )
        return directions


def span_basis(gram: Floats, window: Window) -> SpanBasis | Undefined:
    """Return a basis of the span of a window's rows; undefined where none of them has a direction.

    Args:
        gram: ⟨row_i, row_j⟩ `[n, n]`, float64.
        window: Which rows these are.
    """
    squares = np.diagonal(gram)
    usable = np.isfinite(squares) & (squares > 0.0)
    lengths = np.sqrt(np.where(usable, squares, 0.0))
    pairs = np.outer(usable, usable)
    unit_gram = np.divide(gram, np.outer(lengths, lengths), out=np.zeros_like(gram), where=pairs)
    svd = decompose_window(unit_gram if usable.any() else gram)
    return svd if isinstance(svd, Undefined) else SpanBasis(window, lengths, svd)
