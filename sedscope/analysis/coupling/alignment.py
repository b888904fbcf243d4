"""The alignment of a direction with the training's next move of the centroids: a(v) = cos(J v, μ(θ_t') − μ(θ_t)).

Signed: t' is the next t with weights, and each source's directions point the way in which the weights would go along
them. J v and the shift are taken over all probes and coordinates together. Leaves to others: the products.
"""

from __future__ import annotations

import numpy as np

from recorders.row_sources import row_source
from sedscope.analysis.arrays import Floats
from sedscope.analysis.undefined import Undefined

SHIFT_KINDS = ("selected", "all")
"""Kinds of shift: the selected parameters alone are at their value at t', or all parameters are."""


def orientation(source: str) -> int:
    """Return +1 for sources whose rows are added to the weights, −1 for gradients and averages, whose opposite is."""
    row = row_source(source)
    return -1 if row is None else row.sign


def towards_mean(left: Floats) -> Floats:
    """Return the signs `[K]` that turn each v_k towards the mean row of its window, from u_k as columns `[n_rows, K]`.

    They are those of ⟨v_k, Σ_i row_i⟩ = σ_k Σ_i u_k[i].
    """
    return np.where(left.sum(axis=0) < 0.0, -1.0, 1.0)


def cosines(along: Floats, squares: Floats, shift_squares: Floats) -> Floats | Undefined:
    """Compute a(v) of n directions.

    Args:
        along: ⟨J v, Δμ⟩ per direction, kind of shift and group of probes `[n, 2, G]`.
        squares: ‖J v‖² `[n, G]`.
        shift_squares: ‖Δμ‖² `[2, G]`.

    Returns:
        `[n, 2]`, kinds as in `SHIFT_KINDS`; undefined where a direction or the training did not move the centroids.
    """
    moved, shift = squares.sum(axis=-1), shift_squares.sum(axis=-1)
    if not (np.all(np.isfinite(along)) and np.all(np.isfinite(moved)) and np.all(np.isfinite(shift))):
        return Undefined("products or centroids hold NaN or Inf")
    if np.any(shift <= 0.0):
        return Undefined("the centroids did not move over the interval")
    if np.any(moved <= 0.0):
        return Undefined("a direction does not move the centroids")
    return np.asarray(np.clip(along.sum(axis=-1) / np.sqrt(moved[:, None] * shift), -1.0, 1.0))
