"""A(v) = (1/N) Σ_x ‖(J v)_x‖² of directions, and the inner products that give it for a whole span.

Sums over probes are accumulated in float64 per group of probes: a float32 sum of a thousand squares would lose the
digits by which the groups differ. Leaves to others: J v (`centroid_jvp`), which directions, and what is made of the
sums (`coupling_gram`, `coupling_ratio`, `interval`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeAlias

import numpy as np
import torch

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.coupling.coupling_gram import CouplingGram
from sedscope.analysis.coupling.response import Response, ResponseGram
from sedscope.analysis.features.centroid_jvp import CentroidJVP
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds, split_by_group, sum_by_group

Shift: TypeAlias = Callable[[slice], torch.Tensor]
"""Δμ of a chunk of probes `[n, 2, D]` in float64, kinds as in `alignment.SHIFT_KINDS`."""


def coupling(jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int) -> GroupedCoupling:
    """Sum ‖J v‖² of each direction over the groups of probes.

    Args:
        jvps: From `exact_jvps` or `central_difference_jvps`, in any order.
        n_directions: Number of directions that they are of.
        n_probes: N.
    """
    bounds = group_bounds(n_probes)
    sums = np.zeros((n_directions, bounds.size - 1))
    for jvp in jvps:
        _add_squares(jvp.values, jvp.probes.start, bounds, sums[jvp.direction])
    return GroupedCoupling(sums, np.diff(bounds))


def responses(jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: Shift | None = None) -> Response:
    """Sum up what moves along each direction: centroids, output, and how far the centroids follow the training.

    Args:
        jvps: Products of a model that gives its output, chunk after chunk.
        n_directions: Number of directions that they are of.
        n_probes: N.
        shift: Δμ of a chunk of probes `[n, 2, D]`; None where alignment is not measured.
    """
    bounds = group_bounds(n_probes)
    counts = np.diff(bounds)
    centroids, output = (np.zeros((n_directions, counts.size)) for _ in range(2))
    along = None if shift is None else np.zeros((n_directions, 2, counts.size))
    for jvp in jvps:
        _add_squares(jvp.values, jvp.probes.start, bounds, centroids[jvp.direction])
        _add_squares(_output(jvp), jvp.probes.start, bounds, output[jvp.direction])
        if shift is not None and along is not None:
            sum_by_group(_along(jvp, shift), jvp.probes.start, bounds, along[jvp.direction])
    return Response(GroupedCoupling(centroids, counts), GroupedCoupling(output, counts), along)


def response_gram(
    jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: Shift | None = None
) -> ResponseGram:
    """Sum up what moves along every direction in the span of n directions.

    Holds the products of all directions for one chunk of probes at a time: n_directions · n · D numbers.

    Args:
        jvps: As `exact_jvps` gives them: chunk after chunk, all directions of a chunk together.
        n_directions: Number of directions that they are of.
        n_probes: N.
        shift: Δμ of a chunk of probes `[n, 2, D]`; None where alignment is not measured.
    """
    bounds = group_bounds(n_probes)
    counts = np.diff(bounds)
    centroids, output = (np.zeros((counts.size, n_directions, n_directions)) for _ in range(2))
    along = None if shift is None else np.zeros((n_directions, 2, counts.size))
    for _, chunk in groupby(jvps, key=lambda jvp: (jvp.probes.start, jvp.probes.stop)):
        of_chunk = sorted(chunk, key=lambda jvp: jvp.direction)
        add_inner_products([jvp.values for jvp in of_chunk], of_chunk[0].probes.start, bounds, centroids)
        add_inner_products([_output(jvp) for jvp in of_chunk], of_chunk[0].probes.start, bounds, output)
        if shift is not None and along is not None:
            for jvp in of_chunk:
                sum_by_group(_along(jvp, shift), jvp.probes.start, bounds, along[jvp.direction])
    return ResponseGram(CouplingGram(centroids, counts), CouplingGram(output, counts), along)


def _output(jvp: CentroidJVP) -> torch.Tensor:
    if jvp.output is None:
        raise UsageError("response: needs a model that gives its output; found one without")
    return jvp.output


def _along(jvp: CentroidJVP, shift: Shift) -> Floats:
    """Return ⟨(J v)_x, Δμ_x⟩ of each probe `[2, n]`."""
    inner = torch.bmm(shift(jvp.probes), jvp.values.double().unsqueeze(2))
    return np.asarray(inner.squeeze(2).T.cpu().numpy())


def _add_squares(values: torch.Tensor, first_probe: int, bounds: Ints, sums: Floats) -> None:
    """Add ‖·‖² of each row `[n, …]` to the groups of its probes."""
    # Short types are widened first: their squares would overflow.
    wide = values if values.dtype in (torch.float32, torch.float64) else values.float()
    squares = torch.sum(wide.square(), dim=1, dtype=torch.float64)
    sum_by_group(squares.cpu().numpy(), first_probe, bounds, sums)


def add_inner_products(moved: list[torch.Tensor], first_probe: int, bounds: Ints, sums: Floats) -> None:
    """Add ⟨moved_i, moved_j⟩ of one chunk, each `[n, …]`, to the groups of its probes `[G, m, m]`."""
    stacked = torch.stack(moved)
    for group, probes in split_by_group(first_probe, stacked.shape[1], bounds):
        flat = stacked[:, probes].reshape(len(moved), -1).double()
        sums[group] += (flat @ flat.T).cpu().numpy()
