"""Subspaces of the vectors [P], all in float64: keeping and removing one, and random ones, uniformly distributed.

A subspace is given by any independent rows that span it. They need not be orthonormal: making them so would write K·P
numbers more at each step, and solving K × K equations does the same. Random ones come from a generator of their own, as
the script's random numbers stay its own; a draw depends on seed, step and device alone, so that a resumed training goes
on with the subspaces that it would have had.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_UPRIGHT: Final = 10.0
"""Rows whose Cholesky factor has diagonal entries further apart than this are far from orthogonal."""


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
