"""The last W rows of a training and the span of their SED basis, at the cost of two passes over the rows for each step.

The basis is that of an SVD of the window matrix [W, P], rows neither centred nor normalised. It comes from the Gram
matrix [W, W]: a new row changes one row and one column of it (W products), an eigenproblem of W × W gives u_k and σ_k,
and v_k = Xᵀ u_k / σ_k. Everything is float64: a Gram matrix squares the condition number, and in float32 would lose
every σ_k below 1e-3·σ_1. It is also the faster choice: mixed precision would convert the rows at each pass.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from recorders.intervention.projection import Subspace, subspace_of

_RANK_TOLERANCE: Final = 1e-7
"""Directions with σ_k at or under this fraction of σ_1 are not counted as directions, as for the edge k*."""


class RollingWindow:
    """A ring of W rows with its Gram matrix.

    `rows` is W, `size` P, and `rank` K, at most W; 8·(W + K)·P bytes of the device are held.
    """

    def __init__(self, rows: int, size: int, rank: int, device: torch.device) -> None:
        self._ring = torch.zeros(rows, size, dtype=torch.float64, device=device)
        # Held, because fresh memory at each step costs more than the product that fills it.
        self._basis = torch.zeros(rank, size, dtype=torch.float64, device=device)
        self._gram = torch.zeros(rows, rows, dtype=torch.float64)
        self._pushed = 0

    @property
    def is_full(self) -> bool:
        """Return whether there have been W rows."""
        return self._pushed >= len(self._ring)

    def push(self, row: Tensor) -> bool:
        """Add a row [P], float64, in the place of the oldest; False, and nothing added, where it is not finite."""
        index = self._pushed % len(self._ring)
        squared = float(row @ row)
        if squared - squared != 0:  # NaN or infinite: one such row would stay in every basis for W rows
            return False
        self._ring[index] = row
        products = (self._ring @ row).cpu()
        self._gram[index, :] = products
        self._gram[:, index] = products
        self._pushed += 1
        return True

    def top(self) -> Subspace:
        """Return the span of the window's top K right singular vectors, or of fewer where its rows span less.

        It is overwritten by the next call.
        """
        rank = len(self._basis)
        squares, vectors = torch.linalg.eigh(self._gram)  # ascending
        squares, vectors = squares[-rank:], vectors[:, -rank:]
        significant = squares > _RANK_TOLERANCE**2 * squares[-1].clamp(min=0)
        coefficients = (vectors[:, significant] / squares[significant].sqrt()).T.contiguous()
        rows = self._basis[: len(coefficients)]
        return subspace_of(torch.mm(coefficients.to(rows.device), self._ring, out=rows))
