"""Keeping and removing a subspace: pure functions on vectors [P] and orthonormal rows [K, P], all float64."""

from __future__ import annotations

import torch
from torch import Tensor


def orthonormal(rows: Tensor) -> Tensor:
    """Orthonormal rows [K, P] that span what these span.

    Args:
        rows: [K, P], linearly independent and of like length.

    Raises:
        RuntimeError: they are not independent.
    """
    # By the Cholesky factor of K × K numbers: a QR of [P, K] takes several times as long where P is large.
    factor = torch.linalg.cholesky(rows @ rows.T)
    inverse = torch.linalg.solve_triangular(factor, torch.eye(len(rows), dtype=rows.dtype).to(rows.device), upper=False)
    basis: Tensor = inverse @ rows
    return basis


def keep(basis: Tensor, vector: Tensor) -> Tensor:
    """The part of a vector [P] that lies in the span of orthonormal rows [K, P]."""
    return basis.T @ (basis @ vector)


def remove(basis: Tensor, vector: Tensor) -> Tensor:
    """The part of a vector [P] that is orthogonal to orthonormal rows [K, P]."""
    return vector - keep(basis, vector)


def with_norm(vector: Tensor, norm: float) -> Tensor:
    """The vector stretched to this 2-norm; a zero vector stays zero."""
    own = float(torch.linalg.vector_norm(vector))
    return vector * (norm / own) if own else vector
