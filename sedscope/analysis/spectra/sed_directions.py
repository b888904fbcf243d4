"""SED directions of a window: v_k = X^T u_k / σ_k, kept as combinations of rows until somebody needs the vectors.

Leaves to others: σ and u (`window_svd`); what a direction is used for.
"""

from __future__ import annotations

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats
from sedscope.analysis.spectra.gram import RowReader
from sedscope.analysis.spectra.window_svd import WindowSVD
from sedscope.analysis.spectra.windows import Window


def combinations(svd: WindowSVD, rank: int | None = None) -> Floats:
    """Return the coefficients c_k = u_k/σ_k that turn rows into unit directions: v_k = Σ_i c_k[i]·row_i.

    Args:
        svd: Decomposition of the window.
        rank: K; None takes every direction that the window has.

    Returns:
        `[n_rows, min(K, rank of the window)]`: a direction whose σ_k is zero to rounding does not exist.

    Raises:
        UsageError: K < 1.
    """
    if rank is not None and rank < 1:
        raise UsageError(f"rank: must be at least 1 direction; found {rank}")
    count = svd.rank if rank is None else min(rank, svd.rank)
    return svd.left[:, :count] / svd.sigma[:count]


def apply_combinations(
    rows: RowReader, window: Window, coefficients: Floats, n_columns: int, *, buffer_bytes: int = 64 << 20
) -> Floats:
    """Combine the rows of a window into directions, block by block over the columns, so that memory stays bounded.

    Args:
        rows: Reader of the source's rows.
        window: Window whose rows the coefficients combine.
        coefficients: `[n_rows, m]`, from `combinations` or of any other kind.
        n_columns: P.
        buffer_bytes: Bound on the rows held at once as float64, in bytes.

    Returns:
        float64 `[m, P]`.
    """
    directions = np.empty((coefficients.shape[1], n_columns))
    width = max(1, buffer_bytes // (8 * max(1, window.n_rows)))
    for first in range(0, n_columns, width):
        columns = slice(first, min(first + width, n_columns))
        block = np.asarray(rows(window.start, window.stop, columns), dtype=np.float64)
        directions[:, columns] = combine_rows(coefficients, block)
    return directions


def combine_rows(coefficients: Floats, rows: Floats) -> Floats:
    """Return combinations `[m, P]` of rows `[n, P]` by coefficients `[n, m]`."""
    # A row that no combination uses may hold NaN, and 0·NaN would spread it.
    used = coefficients.any(axis=1)
    return np.asarray(coefficients.T @ rows if used.all() else coefficients[used].T @ rows[used])


def subspace_cosines(cross: Floats) -> Floats:
    """Return the cosines of the principal angles between two subspaces, descending (Björck & Golub 1973).

    Args:
        cross: ⟨v_i, w_j⟩ `[K, K']` of orthonormal bases; in terms of rows `c_v^T (X X'^T) c_w`.
    """
    return np.clip(np.linalg.svd(cross, compute_uv=False), 0.0, 1.0)
