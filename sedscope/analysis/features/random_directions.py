"""The random baseline's directions: Gaussian in selected-parameter space, normalised, the same at every checkpoint.

Direction j depends on (seed, j, P) alone, so more directions extend the earlier ones. Short ones are drawn once and
kept for all checkpoints; of long ones, one at a time is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import overload

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats

KEPT_DIRECTIONS = 64
LONGEST_KEPT = 1 << 19
"""Directions that a process keeps, and the most numbers of each: 256 MiB together."""


class RandomDirections(Sequence[Floats]):
    """`count` unit vectors `[P]` in float64, drawn when they are read first, and again if they are long."""

    def __init__(self, count: int, size: int, seed: int = 0) -> None:
        """Choose number, size and seed; nothing is drawn yet.

        Args:
            count: Number of directions (canonical: 20).
            size: P.
            seed: Non-negative.

        Raises:
            UsageError: Nothing to draw, or a negative seed.
        """
        if count < 1 or size < 1 or seed < 0:
            raise UsageError(
                f"random: needs at least 1 direction of at least 1 number and a seed ≥ 0; found {count}, {size}, {seed}"
            )
        self._count, self._size, self._seed = count, size, seed

    def __len__(self) -> int:
        """Return how many directions there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> Floats: ...
    @overload
    def __getitem__(self, index: slice) -> list[Floats]: ...
    def __getitem__(self, index: int | slice) -> Floats | list[Floats]:
        """Return direction `index` `[P]`, or a list of directions."""
        if isinstance(index, slice):
            return [self[j] for j in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        draw = _kept_direction if self._size <= LONGEST_KEPT else _direction
        return draw(self._seed, index % self._count, self._size)

    def __iter__(self) -> Iterator[Floats]:
        """Yield every direction in order."""
        return (self[j] for j in range(self._count))


def _direction(seed: int, index: int, size: int) -> Floats:
    draw = np.random.default_rng([seed, index]).standard_normal(size)
    direction = np.asarray(draw / np.linalg.norm(draw))
    direction.flags.writeable = False
    return direction


_kept_direction = lru_cache(maxsize=KEPT_DIRECTIONS)(_direction)
