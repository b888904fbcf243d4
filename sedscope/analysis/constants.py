"""The constants that numbers of an analysis depend on, beside its settings: every one of them enters every cache key.

Decides their values in one place, so that an answer computed with another value is never served. A constant that moves
a number belongs here; a bound on memory, which moves none, stays with the code that it bounds.
"""

from __future__ import annotations

from typing import Any

NUMERICS_VERSION = 5
"""Raised when the same key would give other numbers for a reason that no constant here shows."""

LEAST_SPAN = 20
"""Rows that a cached Gram matrix serves at least: the canonical window."""

NUMERICAL_RANK = 1e-7
"""σ_k at or below this share of σ_1 counts as zero. The Gram matrix holds σ², so that σ is known to the square root of
float64's rounding, 1.5e-8, and this leaves a little room."""

UNIT_LENGTH_TOLERANCE = 1e-6
"""How far from 1 the length of a direction may be that was written in the basis of a span. Rounding leaves 2e-11 of
rows whose lengths differ by up to 24 orders of magnitude; more means that the direction is not in the span."""

FLAT_GAP = 1.1
"""σ_K/σ_(K+1) below which the choice of the top K directions is arbitrary."""

PROBE_GROUPS = 32
"""Enough groups for a bootstrap over them, few enough that what is cached stays small: 32 numbers per direction
whatever N is, and 32 matrices where inner products of directions are kept."""

BLOCK_RANDOM = 8
"""Random directions that are taken block by block: the first ones of the baseline. They enter R^matched by a quotient
of two medians over the same directions, which 8 give to 3 %; a block costs as much as a direction."""

RESAMPLES = 1000
"""Bootstrap draws: some 25 of them lie beyond each end of a 95 % interval, which settles the ends to a few percent of
its width."""

LEVEL = 0.95
"""Share of the resampled values that an interval holds, cut evenly at both ends."""

BOOTSTRAP_SEED = 0
"""Seed of the draws. Equal seeds and sizes give equal draws, so that differences between sources stay paired."""

RANK_SHARE = 0.9
"""Share of the centroids' variance that rank-90 holds."""

LEADING_SHARES = 10
"""Principal variances of the centroids that are reported beside rank-90."""

FEW_EXAMPLES = 10
"""Effective examples of a fixed batch below which its gradient is marked: single examples carry it."""

GROK_ACCURACIES = (0.5, 0.98)
"""Test accuracies that a grok step is given for: the published definition's, and one that asks for nearly all."""

MEMORISED_ACCURACY = 0.99
"""Train accuracy that counts as memorised."""

SAME_STAGE = 1e-2
"""Rows whose difference is below this share of their norm are one stage of the optimizer."""

COMPARED_ROWS = 3
"""Rows, spread over the run, by which two sources are compared."""

GRAPH_BYTES = 128 << 20
"""Bound on what one forward pass of a chunk of probes takes, in bytes; its derivatives take a small multiple of that,
so that a chunk fits beside the weights on a machine with a few gigabytes. The chunk settles the rounding of sums."""

BLOCK_BYTES = 4 << 20
"""The largest value of a block of probes whose tangents are computed together, in bytes: small enough to be still near
the core when the next operation reads it. The block settles how matrix products are rounded."""

MOST_WITHOUT_RULE = 0.1
"""The largest share of operations without a rule of which tangents are taken: with 11 % they took 1.2 times as long as
double backward. The way settles the rounding."""


def numerical_constants() -> dict[str, Any]:
    """Return every constant of this module by name: what an answer depends on whatever was asked."""
    return {name: value for name, value in globals().items() if name.isupper()}
