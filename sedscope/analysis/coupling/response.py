"""The response of one checkpoint to directions: how centroids and output move along them, and along the training.

Sums per group of probes, so that any mean and interval can be taken later without a new product. The response to a
basis V [m, P] of a span serves every direction in it: with Y = J V, B = Y Y^T/N gives A(Σ_i c_i v_i) = c^T B c, so that
other W and K need no product of their own. The basis is orthonormal (`window_svd.span_basis`), so that B is as well
conditioned as the coupling itself, and the float32 products of a small σ_k are not drowned by those of a large one.

Alignment is signed: a(v) = cos(J v, μ(θ_t') − μ(θ_t)), where t' is the next t with weights, and each source's
directions point the way in which the weights would go along them. J v and the shift are taken over all probes and
coordinates together. Leaves to others: the products (`coupling_sums`), and which directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from recorders.row_sources import row_source
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CouplingGram:
    """The inner products ⟨J v_i, J v_j⟩ of m directions, summed over each group of probes."""

    sums: Floats
    """`[G, m, m]`, symmetric."""
    counts: Ints
    """Probes in each group `[G]`."""

    @property
    def B(self) -> Floats:
        """(1/N) Σ_x ⟨J_x v_i, J_x v_j⟩ `[m, m]`."""
        return np.asarray(self.sums.sum(axis=0) / self.counts.sum())

    def coupling(self, coefficients: Floats) -> GroupedCoupling:
        """Compute A of combinations of the basis `[m, q]`, one per column, such that its direction has unit length.

        Raises:
            UsageError: The coefficients are of another number of directions.
        """
        if coefficients.shape[0] != self.sums.shape[-1]:
            raise UsageError(
                f"coefficients: must be of {self.sums.shape[-1]} directions; found {coefficients.shape[0]}"
            )
        # A product and a sum: looking for the best order of an einsum costs more than the work itself.
        sums = ((self.sums @ coefficients) * coefficients).sum(axis=1).T
        return GroupedCoupling(np.maximum(sums, 0.0), self.counts)


def ceiling(coupling: Floats) -> float | Undefined:
    """Compute the largest A that a unit direction of a span has: no v_k of the span exceeds it.

    It is the largest eigenvalue of B `[m, m]` of an orthonormal basis, in B's unit; undefined where B holds NaN or Inf.
    """
    if not np.all(np.isfinite(coupling)):
        return Undefined("the coupling of the window's directions holds NaN or Inf")
    return max(0.0, float(np.linalg.eigvalsh(coupling)[-1]))


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
        """Return the response to q combinations of the directions `[m, q]`, such that each has unit length."""
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
