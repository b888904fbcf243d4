"""The response of one checkpoint to directions: how centroids and output move along them, and along the training.

Sums per group of probes, so that any mean and interval can be taken later without a new product. Leaves to others: the
products (`coupling_sums`), and which directions.
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
    """The response to n directions."""

    centroids: GroupedCoupling
    """‖J v‖²."""
    output: GroupedCoupling
    """‖d z/dε‖² of the centred output."""
    along: Floats | None
    """⟨J v, Δμ⟩ per kind of shift and group `[n, 2, G]`; None where alignment was not measured."""

    def select(self, start: int, stop: int) -> Response:
        """Return the response to directions `start:stop`."""
        directions = slice(start, stop)
        return Response(
            GroupedCoupling(self.centroids.sums[directions], self.centroids.counts),
            GroupedCoupling(self.output.sums[directions], self.output.counts),
            None if self.along is None else self.along[directions],
        )

    def split(self, sizes: Sequence[int]) -> list[Response]:
        """Return the responses to consecutive sets of so many directions."""
        ends = np.cumsum(sizes).tolist()
        return [self.select(end - size, end) for size, end in zip(sizes, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class ResponseGram:
    """The response to every direction in the span of m directions."""

    centroids: CouplingGram
    output: CouplingGram
    along: Floats | None
    """⟨J v, Δμ⟩ of the m directions `[m, 2, G]`; None where alignment was not measured."""

    def response(self, coefficients: Floats) -> Response:
        """Return the response to q combinations of the directions.

        Args:
            coefficients: `[m, q]`, such that the combined directions have unit length.
        """
        along = None if self.along is None else np.einsum("mq,msg->qsg", coefficients, self.along)
        return Response(self.centroids.coupling(coefficients), self.output.coupling(coefficients), along)


def join_responses(responses: Sequence[Response]) -> Response:
    """Join the directions of several responses; `along` only where all have it."""
    along = [response.along for response in responses if response.along is not None]
    counts = responses[0].centroids.counts
    return Response(
        GroupedCoupling(np.concatenate([response.centroids.sums for response in responses]), counts),
        GroupedCoupling(np.concatenate([response.output.sums for response in responses]), counts),
        np.concatenate(along) if len(along) == len(responses) else None,
    )
