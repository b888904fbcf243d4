"""Directions seen matrix by matrix: how much of each lies in every block, and what random ones of that shape couple.

A direction v with block norms c_b is put against random directions Σ_b c_b·r_b/‖r_b‖: the same share of the norm in
every matrix, no other structure. Their coupling follows from block-wise products, J Σ_b c_b·r̂_b = Σ_b c_b·J r̂_b, which
all directions of all sources share. Leaves to others: the products (`coupling_sums`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds
from sedscope.runs import Manifest, RecordedBlock


def blocks_of(manifest: Manifest) -> tuple[RecordedBlock, ...]:
    """Return the blocks of a run in the order of its rows; one for each selected parameter where the run names none."""
    blocks = tuple(sorted(manifest.blocks, key=lambda block: block.offset))
    ends = np.cumsum([block.size for block in blocks]).tolist()
    # A run is foreign: blocks that leave gaps or overlap would give shares that do not add up.
    if [block.offset for block in blocks] + [manifest.P] == [0, *ends]:
        return blocks
    ends = np.cumsum([parameter.size for parameter in manifest.selected]).tolist()
    return tuple(
        RecordedBlock(parameter.name, parameter.name, end - parameter.size, parameter.size, parameter.shape, None, None)
        for parameter, end in zip(manifest.selected, ends, strict=True)
    )


def block_gram(directions: Floats, blocks: Sequence[RecordedBlock]) -> Floats:
    """Return ⟨v_i, v_j⟩ within each block `[B, m, m]` of directions `[m, P]`."""
    return np.stack([directions[:, block.columns] @ directions[:, block.columns].T for block in blocks])


def block_energies(gram: Floats, coefficients: Floats | None = None) -> Floats:
    """Return ‖v‖² within each block `[q, B]` from `block_gram` `[B, m, m]`; over the blocks they add up to ‖v‖² = 1.

    Coefficients `[m, q]` combine the directions; None takes the directions themselves.
    """
    if coefficients is None:
        return np.ascontiguousarray(np.diagonal(gram, axis1=1, axis2=2).T)
    squares = np.einsum("iq,bij,jq->qb", coefficients, gram, coefficients, optimize=True)
    return np.asarray(np.maximum(squares, 0.0))


def restrict_to_blocks(directions: Iterable[Floats], blocks: Sequence[RecordedBlock]) -> Iterator[Floats]:
    """Yield each direction `[P]` restricted to each block in turn, zero elsewhere: direction after direction."""
    for direction in directions:
        for block in blocks:
            restricted = np.zeros_like(direction)
            restricted[block.columns] = direction[block.columns]
            yield restricted


def spread_probes(n_probes: int, count: int) -> tuple[Ints, Ints]:
    """Choose some of N probes, as evenly over their groups as may be, so that intervals can resample the groups.

    Their count is at least that of the groups. Returned are their positions, ascending within each group, and their
    number in each group `[G]`.
    """
    bounds = group_bounds(n_probes)
    shares = np.diff(group_bounds(min(count, n_probes), len(bounds) - 1))
    counts = np.minimum(shares, np.diff(bounds))
    positions = [np.arange(start, start + size) for start, size in zip(bounds[:-1], counts, strict=True)]
    return np.concatenate(positions), counts


@dataclass(frozen=True, slots=True)
class RandomBlockGram:
    """Inner products of the random directions' block-wise JVPs, on some of the probes."""

    sums: Floats
    """⟨J r̂_b, J r̂_b'⟩ summed over the probes of each group `[n_random, G, B, B]`, r̂_b = r_b/‖r_b‖."""
    norms: Floats
    """‖r_b‖ of the unit random directions `[n_random, B]`."""
    counts: Ints
    """Probes in each group `[G]`."""

    def matched(self, energy: Floats) -> GroupedCoupling:
        """Return A of the random directions with the block norms √energy `[B]`."""
        return self._coupling(np.broadcast_to(np.sqrt(energy), self.norms.shape))

    def plain(self) -> GroupedCoupling:
        """Return A of the random directions as they are."""
        return self._coupling(self.norms)

    def _coupling(self, norms: Floats) -> GroupedCoupling:
        moved = self.sums @ norms[:, None, :, None]
        return GroupedCoupling(np.maximum(np.sum(moved[..., 0] * norms[:, None, :], axis=2), 0.0), self.counts)
