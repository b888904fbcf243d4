"""Subspaces of the vectors [P], in float64: keeping and removing one; random ones; the SED basis of the last W rows.

A subspace is given by any independent rows that span it. They need not be orthonormal: making them so would write K·P
numbers more at each step, and solving K × K equations does the same. Random ones are uniformly distributed, from a
generator of their own, as the script's random numbers stay its own; a draw depends on seed, step and device alone, so
that a resumed training goes on with the subspaces that it would have had.

The SED basis is that of an SVD of the window matrix [W, P], rows neither centred nor normalised, at the cost of two
passes over the rows for each step. It comes from the Gram matrix [W, W]: a new row changes one row and one column of it
(W products), an eigenproblem of W × W gives u_k and σ_k, and v_k = Xᵀ u_k / σ_k. Everything is float64: a Gram matrix
squares the condition number, and in float32 would lose every σ_k below 1e-3·σ_1. It is also the faster choice: mixed
precision would convert the rows at each pass.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_UPRIGHT: Final = 10.0
"""Rows whose Cholesky factor has diagonal entries further apart than this are far from orthogonal."""
_RANK_TOLERANCE: Final = 1e-7
"""Directions with σ_k at or under this fraction of σ_1 are not counted as directions, as for the edge k*."""


@dataclass(frozen=True)
class Subspace:
    """The span of independent rows."""

    rows: Tensor
    """[K, P]; K may be 0."""
    factor: Tensor
    """Lower Cholesky factor [K, K] of the rows' Gram matrix."""
    is_slanted: bool
    """True where the rows are far from orthogonal, as random ones are where K comes near P.

    One projection then leaves an error of the rounding times the squared condition number; a second one takes it away.
    """


def subspace_of(rows: Tensor) -> Subspace:
    """Return the span of rows [K, P], of like length.

    Raises:
        RuntimeError: they are not independent.
    """
    factor = torch.linalg.cholesky(rows @ rows.T)
    lengths = factor.diagonal().tolist()
    return Subspace(rows, factor, is_slanted=bool(lengths) and max(lengths) > _UPRIGHT * min(lengths))


def keep(subspace: Subspace, vector: Tensor) -> Tensor:
    """Return the component of a vector [P] that lies in the subspace."""
    component = _component(subspace, vector)
    return component.add_(_component(subspace, vector - component)) if subspace.is_slanted else component


def remove(subspace: Subspace, vector: Tensor) -> Tensor:
    """Return the component of a vector [P] that is orthogonal to the subspace."""
    rest = vector - _component(subspace, vector)
    return rest.sub_(_component(subspace, rest)) if subspace.is_slanted else rest


def with_norm(vector: Tensor, norm: float) -> Tensor:
    """Return the vector stretched to this 2-norm; a zero vector stays zero."""
    own = float(torch.linalg.vector_norm(vector))
    return vector * (norm / own) if own else vector


def _component(subspace: Subspace, vector: Tensor) -> Tensor:
    """Return Vᵀ (V Vᵀ)⁻¹ V x."""
    products = (subspace.rows @ vector).unsqueeze(1)
    component: Tensor = subspace.rows.T @ torch.cholesky_solve(products, subspace.factor).squeeze(1)
    return component


class RandomSubspaces:
    """Subspaces of K dimensions of [P], one for each step or one for all.

    `rank` is K, `size` P; `seed` is that of the private generator; 12·K·P bytes of the device are held.
    """

    def __init__(self, rank: int, size: int, *, seed: int, once: bool, device: torch.device) -> None:
        self._seed = seed
        self._once = once
        self._generator = torch.Generator(device)
        # float32 numbers take a quarter of the time to draw, and a direction needs no more digits.
        self._normals = torch.empty(rank, size, dtype=torch.float32, device=device)
        self._rows = torch.empty(rank, size, dtype=torch.float64, device=device)
        self._current: Subspace | None = None

    def subspace(self, t: int) -> Subspace:
        """Return the subspace of the step that leaves θ_t. It is overwritten by the next draw."""
        if self._current is None or not self._once:
            self._current = self._draw(0 if self._once else t)
        return self._current

    def _draw(self, number: int) -> Subspace:
        digest = hashlib.blake2b(f"{self._seed}/{number}".encode(), digest_size=4).digest()
        self._generator.manual_seed(int.from_bytes(digest))
        self._rows.copy_(self._normals.normal_(generator=self._generator))
        return subspace_of(self._rows)


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
