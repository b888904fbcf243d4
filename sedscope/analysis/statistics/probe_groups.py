"""Coupling per group of probes, so that intervals can resample groups without any new Jacobian-vector product (JVP).

Decides which probe lies in which group: N probes are cut into 32 contiguous groups in their drawn (random) order,
whose sizes differ by at most one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import PROBE_GROUPS


def group_bounds(n_probes: int, groups: int = PROBE_GROUPS) -> Ints:
    """Return the boundaries `[G + 1]`: group g holds probes `bounds[g]:bounds[g + 1]`; with few probes, G = N."""
    count = max(1, min(groups, n_probes))
    return np.arange(count + 1, dtype=np.int64) * n_probes // count


@dataclass(frozen=True, slots=True)
class GroupedCoupling:
    """A(v) of several directions, not yet averaged over groups of probes."""

    sums: Floats
    """Σ_x ‖d μ_x/dε‖² over the probes of each group `[n_directions, G]`, in (score per unit of δ and of θ)²."""
    counts: Ints
    """Probes in each group `[G]`."""

    @property
    def A(self) -> Floats:
        """(1/N) Σ_x ‖d μ_x/dε‖² `[n_directions]`."""
        return np.asarray(self.sums.sum(axis=1) / self.counts.sum())


def sum_by_group(values: Floats, first_probe: int, bounds: Ints, into: Floats) -> None:
    """Add per-probe values to their groups.

    Args:
        values: `[..., n]` of the probes `first_probe, first_probe + 1, …`.
        first_probe: Position of the first probe among all N.
        bounds: Boundaries of the groups, from `group_bounds`.
        into: `[..., G]`, changed in place.
    """
    slices = split_by_group(first_probe, values.shape[-1], bounds)
    groups = slice(slices[0][0], slices[-1][0] + 1)
    into[..., groups] += np.add.reduceat(values, [probes.start for _, probes in slices], axis=-1)


def split_by_group(first_probe: int, n_probes: int, bounds: Ints) -> list[tuple[int, slice]]:
    """Split a run of probes by group: (group, slice within the run), ascending, none empty."""
    last = first_probe + n_probes
    slices = []
    for group in range(len(bounds) - 1):
        start, stop = max(first_probe, int(bounds[group])), min(last, int(bounds[group + 1]))
        if start < stop:
            slices.append((group, slice(start - first_probe, stop - first_probe)))
    return slices
