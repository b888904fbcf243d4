"""Directions seen matrix by matrix: how much of each lies in every block, and what random ones of that shape couple.

A direction v with block norms c_b is put against random directions Σ_b c_b·r_b/‖r_b‖: the same share of the norm in
every matrix, no other structure. Their coupling follows from block-wise products, J Σ_b c_b·r̂_b = Σ_b c_b·J r̂_b, which
all directions of all sources share. Leaves to others: the products (`blockwise`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds
from sedscope.runs.manifest import Manifest

BLOCK_RANDOM = 8
"""Random directions that are taken block by block: the first ones of the baseline. They enter R^matched by a quotient
of two medians over the same directions, which 8 give to 3 %; a block costs as much as a direction."""


@dataclass(frozen=True, slots=True)
class Block:
    """One matrix of the selection."""

    name: str
    columns: slice
    """Its part of a row."""
    layer: int | None
    role: str | None
    """q, k, v, o … where it is known."""


def blocks_of(manifest: Manifest) -> tuple[Block, ...]:
    """The blocks of a run in the order of its rows; one for each selected parameter where the run names none."""
    named = sorted(manifest.blocks, key=lambda block: block.offset)
    found = [Block(b.name, slice(b.offset, b.offset + b.size), b.layer, b.role) for b in named]
    if [block.columns.start for block in found] + [manifest.P] == [0] + [block.columns.stop for block in found]:
        return tuple(found)
    ends = np.cumsum([parameter.size for parameter in manifest.selected]).tolist()
    return tuple(
        Block(parameter.name, slice(end - parameter.size, end), None, None)
        for parameter, end in zip(manifest.selected, ends, strict=True)
    )


def block_gram(directions: Floats, blocks: Sequence[Block]) -> Floats:
    """⟨v_i, v_j⟩ within each block `[B, m, m]` of directions `[m, P]`."""
    return np.stack([directions[:, block.columns] @ directions[:, block.columns].T for block in blocks])


def block_energies(gram: Floats, coefficients: Floats | None = None) -> Floats:
    """‖v‖² within each block `[q, B]`; over the blocks they add up to ‖v‖² = 1.

    Args:
        gram: From `block_gram` `[B, m, m]`.
        coefficients: `[m, q]`: combinations of the directions; None for the directions themselves.
    """
    if coefficients is None:
        return np.ascontiguousarray(np.diagonal(gram, axis1=1, axis2=2).T)
    squares = np.einsum("iq,bij,jq->qb", coefficients, gram, coefficients, optimize=True)
    return np.asarray(np.maximum(squares, 0.0))


def restrict_to_blocks(directions: Floats, blocks: Sequence[Block]) -> Iterator[Floats]:
    """Each direction restricted to each block in turn `[P]`, zero elsewhere: direction by direction, block by block."""
    for direction in directions:
        for block in blocks:
            part = np.zeros_like(direction)
            part[block.columns] = direction[block.columns]
            yield part


def spread_probes(n_probes: int, wanted: int) -> tuple[Ints, Ints]:
    """Some of N probes, as evenly over their groups as may be.

    Args:
        n_probes: N.
        wanted: At least as many as there are groups.

    Returns:
        Their positions, ascending within each group, and how many of each group there are `[G]`.
    """
    bounds = group_bounds(n_probes)
    shares = np.diff(group_bounds(min(wanted, n_probes), len(bounds) - 1))
    counts = np.minimum(shares, np.diff(bounds))
    chosen = [np.arange(start, start + count) for start, count in zip(bounds[:-1], counts, strict=True)]
    return np.concatenate(chosen), counts


@dataclass(frozen=True, slots=True)
class RandomBlockGram:
    """Block-wise products of the random directions, on some of the probes."""

    sums: Floats
    """⟨J r̂_b, J r̂_b'⟩ summed over the probes of each group `[n_random, G, B, B]`, r̂_b = r_b/‖r_b‖."""
    norms: Floats
    """‖r_b‖ of the unit random directions `[n_random, B]`."""
    counts: Ints
    """Probes in each group `[G]`."""

    def matched(self, energy: Floats) -> GroupedCoupling:
        """A of the random directions with the block norms √energy `[B]`."""
        return self._coupling(np.broadcast_to(np.sqrt(energy), self.norms.shape))

    def plain(self) -> GroupedCoupling:
        """A of the random directions as they are."""
        return self._coupling(self.norms)

    def _coupling(self, norms: Floats) -> GroupedCoupling:
        moved = self.sums @ norms[:, None, :, None]
        return GroupedCoupling(np.maximum(np.sum(moved[..., 0] * norms[:, None, :], axis=2), 0.0), self.counts)
