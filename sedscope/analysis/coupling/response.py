"""What moving along several directions does at one checkpoint: to centroids, to the output, and along what came next.

Sums per group of probes, so that any mean and interval can be taken later without a new product. Leaves to others: the
products (`coupling`), and which directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.coupling_gram import CouplingGram
from sedscope.analysis.statistics.probe_groups import GroupedCoupling


@dataclass(frozen=True, slots=True)
class Response:
    """Of n directions."""

    centroids: GroupedCoupling
    """‖J v‖²."""
    output: GroupedCoupling
    """‖d z/dε‖² of the centred output."""
    along: Floats | None
    """⟨J v, Δμ⟩ per kind of shift and group `[n, 2, G]`; None where no shift was asked for."""

    def part(self, start: int, stop: int) -> Response:
        """Directions `start:stop`."""
        chosen = slice(start, stop)
        return Response(
            GroupedCoupling(self.centroids.sums[chosen], self.centroids.counts),
            GroupedCoupling(self.output.sums[chosen], self.output.counts),
            None if self.along is None else self.along[chosen],
        )

    def split(self, sizes: Sequence[int]) -> list[Response]:
        """Consecutive parts."""
        ends = np.cumsum(sizes).tolist()
        return [self.part(end - size, end) for size, end in zip(sizes, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class ResponseGram:
    """Of every direction in the span of m directions."""

    centroids: CouplingGram
    output: CouplingGram
    along: Floats | None
    """Of the m directions `[m, 2, G]`."""

    def response(self, coefficients: Floats) -> Response:
        """Of q combinations of the directions.

        Args:
            coefficients: `[m, q]`, such that the combined directions have unit length.
        """
        along = None if self.along is None else np.einsum("mq,msg->qsg", coefficients, self.along)
        return Response(self.centroids.coupling(coefficients), self.output.coupling(coefficients), along)


def join_responses(parts: Sequence[Response]) -> Response:
    """The directions of several responses, one after the other; `along` only where all have it."""
    along = [part.along for part in parts if part.along is not None]
    return Response(
        GroupedCoupling(np.concatenate([part.centroids.sums for part in parts]), parts[0].centroids.counts),
        GroupedCoupling(np.concatenate([part.output.sums for part in parts]), parts[0].output.counts),
        np.concatenate(along) if len(along) == len(parts) else None,
    )
