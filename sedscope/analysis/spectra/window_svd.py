"""Singular values of a window, the spectral edge, its SED directions, and whether its top-K subspace means anything.

Works on the window's Gram matrix [n, n] in float64. Rows are neither centred nor normalised. A direction
v_k = X^T u_k / σ_k stays a combination of rows until somebody needs the vector. Leaves to others: reading rows
(`gram`), and what a direction is used for.

The basis of a span, in which the directions of every smaller window within it can be written, is another matter: there
rows are brought to unit length first. Among rows as they are, one that is 10⁸ times as long as the others leaves
nothing of them in float64, though a window beside it holds only those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats
from sedscope.analysis.constants import FLAT_GAP, NUMERICAL_RANK, UNIT_LENGTH_TOLERANCE
from sedscope.analysis.spectra.gram import RowReader
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class WindowSVD:
    """Singular value decomposition of a window [n, P], as far as its Gram matrix shows it."""

    sigma: Floats
    """σ_1 ≥ … ≥ σ_n `[n]`, in the rows' unit."""
    left: Floats
    """u_1 … u_n as columns `[n, n]`: orthonormal, the largest entry of each positive so that signs are settled."""
    rank: int
    """The number of σ_k above 1e-7·σ_1: only these have a direction v_k."""
    k_star: int | Undefined
    """k* = argmax σ_k/σ_(k+1) over k = 1..n−1 with σ_(k+1) > 1e-7·σ_1, counted from 1."""
    gap: float | Undefined
    """σ_k*/σ_(k*+1)."""
    participation: float
    """(Σσ²)²/Σσ⁴, between 1 and n."""


def decompose_window(gram: Floats) -> WindowSVD | Undefined:
    """Decompose a window by its Gram matrix ⟨row_i, row_j⟩ `[n, n]`, float64.

    Undefined for an empty window, for rows with NaN or Inf, and when every row is zero.
    """
    if gram.size == 0:
        return Undefined("the window holds no rows")
    if not np.all(np.isfinite(gram)):
        bad = np.flatnonzero(~np.isfinite(np.diagonal(gram)))
        return Undefined(f"{max(1, bad.size)} of {len(gram)} rows hold NaN or Inf")
    scale = float(np.max(np.diagonal(gram)))
    if scale <= 0.0:
        return Undefined(f"all {len(gram)} rows are zero")
    # Scaled, so that neither tiny nor huge rows lose digits in squares of squares.
    values, vectors = np.linalg.eigh(gram / scale)
    relative = np.sqrt(np.maximum(values[::-1], 0.0))
    sigma = relative * np.sqrt(scale)
    rank = int(np.count_nonzero(relative > NUMERICAL_RANK * relative[0]))
    k_star, gap = _spectral_edge(relative, rank)
    squares = relative**2
    participation = float(squares.sum() ** 2 / (squares**2).sum())
    return WindowSVD(sigma, _settle_signs(vectors[:, ::-1]), rank, k_star, gap, participation)


def flatness(svd: WindowSVD, rank: int) -> str | None:
    """Return the reason why the top-K subspace is arbitrary, or None where it is not.

    A short window is judged by as many directions as it has.

    Raises:
        UsageError: K < 1.
    """
    if rank < 1:
        raise UsageError(f"rank: must be at least 1 direction; found {rank}")
    k = min(rank, svd.rank)
    # K equal directions have a participation ratio of K, but for its rounding.
    if k > svd.participation * (1.0 + 1e-9):
        return f"K = {k} exceeds the participation ratio {svd.participation:.3g}"
    if k < svd.rank and (gap := float(svd.sigma[k - 1] / svd.sigma[k])) < FLAT_GAP:
        return f"σ_{k}/σ_{k + 1} = {gap:.3g} is below {FLAT_GAP:g}"
    return None


def _spectral_edge(sigma: Floats, rank: int) -> tuple[int | Undefined, float | Undefined]:
    """Return k* and the gap there, among singular values above zero to rounding."""
    if sigma.size == 1:
        return (reason := Undefined("a window of one row has no edge")), reason
    if rank < 2:
        return (reason := Undefined(f"all {sigma.size} rows are parallel: σ_2 is zero to rounding")), reason
    ratios = sigma[: rank - 1] / sigma[1:rank]
    position = int(np.argmax(ratios))
    return position + 1, float(ratios[position])


def _settle_signs(vectors: Floats) -> Floats:
    """Make the largest entry of each eigenvector positive: its sign is free, and a run should give the same bytes."""
    largest = np.argmax(np.abs(vectors), axis=0)
    return vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def combinations(svd: WindowSVD, rank: int | None = None) -> Floats:
    """Return the coefficients c_k = u_k/σ_k `[n_rows, K']` that turn rows into directions: v_k = Σ_i c_k[i]·row_i.

    K' = min(K, rank of the window): a direction whose σ_k is zero to rounding does not exist. K = None takes them all.

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
    """Combine the rows of a window into directions by coefficients `[n_rows, m]`: float64 `[m, P]`.

    Block by block over the P columns, so that the rows held at once as float64 stay below `buffer_bytes`.
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

    From ⟨v_i, w_j⟩ `[K, K']` of orthonormal bases; in terms of rows `c_v^T (X X'^T) c_w`.
    """
    return np.clip(np.linalg.svd(cross, compute_uv=False), 0.0, 1.0)


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
        """Write unit directions of a smaller window, `combinations` of its rows `[n_rows, q]`, in the basis `[m, q]`.

        row_i = ‖row_i‖ Σ_k u_k[i] σ_k w_k, so a combination c of rows is Σ U^T (‖row‖·c) in the basis. Undefined where
        rounding has left a direction that is not of unit length.

        Raises:
            UsageError: The window reaches outside that of the basis.
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
    """Return a basis of the span of a window's rows from ⟨row_i, row_j⟩ `[n, n]`, float64.

    Undefined where none of them has a direction.
    """
    squares = np.diagonal(gram)
    usable = np.isfinite(squares) & (squares > 0.0)
    lengths = np.sqrt(np.where(usable, squares, 0.0))
    pairs = np.outer(usable, usable)
    unit_gram = np.divide(gram, np.outer(lengths, lengths), out=np.zeros_like(gram), where=pairs)
    svd = decompose_window(unit_gram if usable.any() else gram)
    return svd if isinstance(svd, Undefined) else SpanBasis(window, lengths, svd)
