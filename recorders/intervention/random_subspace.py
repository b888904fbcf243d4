"""Random subspaces, uniformly distributed, from a generator of their own: the script's random numbers stay its own.

A draw depends on seed, step and device alone: a resumed training goes on with the subspaces that it would have had.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from recorders.intervention.projection import orthonormal


class RandomSubspaces:
    """Subspaces of K dimensions of [P], one for each step or one for all.

    Args:
        rank: K.
        size: P.
        seed: of the private generator.
        once: whether all steps share one.
        device: where they are drawn.
    """

    def __init__(self, rank: int, size: int, *, seed: int, once: bool, device: torch.device) -> None:
        self._shape = (rank, size)
        self._seed = seed
        self._once = once
        self._generator = torch.Generator(device)
        self._held: Tensor | None = None

    def basis(self, t: int) -> Tensor:
        """Orthonormal rows [K, P], float64, for the step that leaves θ_t."""
        if self._held is not None:
            return self._held
        found = self._draw(0 if self._once else t)
        if self._once:
            self._held = found
        return found

    def _draw(self, number: int) -> Tensor:
        digest = hashlib.blake2b(f"{self._seed}/{number}".encode(), digest_size=4).digest()
        self._generator.manual_seed(int.from_bytes(digest))
        # float32 numbers take half the time to draw, and a direction needs no more digits.
        rows = torch.randn(self._shape, generator=self._generator, device=self._generator.device)
        return orthonormal(rows.double())
