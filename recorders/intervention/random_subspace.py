"""Random subspaces, uniformly distributed, from a generator of their own: the script's random numbers stay its own.

A draw depends on seed, step and device alone: a resumed training goes on with the subspaces that it would have had.
"""

from __future__ import annotations

import hashlib

import torch

from recorders.intervention.projection import Subspace, subspace_of


class RandomSubspaces:
    """Subspaces of K dimensions of [P], one for each step or one for all.

    Args:
        rank: K.
        size: P.
        seed: of the private generator.
        once: whether all steps share one.
        device: where they are drawn; 12·K·P bytes of it.
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
