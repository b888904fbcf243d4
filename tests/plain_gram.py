"""The inner products of Jacobian-vector products by their definition: all of them in memory at once, then summed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from sedscope.analysis.coupling.response import CouplingGram
from sedscope.analysis.features.centroid_jvp import CentroidJVP
from sedscope.analysis.statistics.probe_groups import group_bounds


def gram_of(jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int) -> CouplingGram:
    """⟨J v_i, J v_j⟩ of every two directions, per group of probes."""
    moved: list[dict[int, np.ndarray]] = [{} for _ in range(n_directions)]
    for jvp in jvps:
        moved[jvp.direction][jvp.probes.start] = jvp.values.numpy()
    all_moved = np.stack([np.concatenate([chunks[start] for start in sorted(chunks)]) for chunks in moved])
    bounds = group_bounds(n_probes)
    groups = [all_moved[:, start:stop] for start, stop in pairwise(bounds)]
    return CouplingGram(np.stack([np.einsum("ixd,jxd->ij", group, group) for group in groups]), np.diff(bounds))
