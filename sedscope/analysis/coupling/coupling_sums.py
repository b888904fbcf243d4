"""A(v) = (1/N) Σ_x ‖(J v)_x‖² of directions, and the inner products that give it for a whole span.

Sums over probes are accumulated in float64 per group of probes. Leaves to others: J v (`centroid_jvp`), which
directions, and what is made of the sums (`coupling_gram`, `coupling_ratio`, `interval`).
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
from sedscope.analysis.statistics.probe_groups import (
    PROBE_GROUPS,
    GroupedCoupling,
    group_bounds,
    split_by_group,
    sum_by_group,
)

Shift: TypeAlias = Callable[[slice], torch.Tensor]
"""Δμ of a chunk of probes `[n, 2, D]` in float64."""


def coupling(
    products: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, groups: int = PROBE_GROUPS
) -> GroupedCoupling:
    """A of each direction, per group of probes.

    Args:
        products: From `exact_products` or `central_products`, in any order.
        n_directions: How many directions they are of.
        n_probes: N.
        groups: Groups of probes (32).
    """
    bounds = group_bounds(n_probes, groups)
    sums = np.zeros((n_directions, bounds.size - 1))
    for product in products:
        squares = _squares(product.values)
        sum_by_group(squares.cpu().numpy(), product.probes.start, bounds, sums[product.direction])
    return GroupedCoupling(sums, np.diff(bounds))


def responses(
    products: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: Shift | None = None
) -> Response:
    """What moves along each direction: centroids, output, and the part of it that the training went next.

    Args:
        products: Of a model that gives its output, chunk after chunk.
        n_directions: How many directions they are of.
        n_probes: N.
        shift: Δμ of a chunk of probes `[n, 2, D]`; None where it is not wanted.
    """
    bounds = group_bounds(n_probes)
    counts = np.diff(bounds)
    centroids, output = (np.zeros((n_directions, counts.size)) for _ in range(2))
    along = None if shift is None else np.zeros((n_directions, 2, counts.size))
    for product in products:
        start, row = product.probes.start, product.direction
        sum_by_group(_squares(product.values).cpu().numpy(), start, bounds, centroids[row])
        sum_by_group(_squares(_output(product)).cpu().numpy(), start, bounds, output[row])
        if shift is not None and along is not None:
            sum_by_group(_along(product, shift), start, bounds, along[row])
    return Response(GroupedCoupling(centroids, counts), GroupedCoupling(output, counts), along)


def response_gram(
    products: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: Shift | None = None
) -> ResponseGram:
    """The same for every direction in their span; arguments as for `responses`.

    Holds the products of all directions for one chunk at a time.
    """
    bounds = group_bounds(n_probes)
    counts = np.diff(bounds)
    centroids, output = (np.zeros((counts.size, n_directions, n_directions)) for _ in range(2))
    along = None if shift is None else np.zeros((n_directions, 2, counts.size))
    for _, chunk in groupby(products, key=lambda product: (product.probes.start, product.probes.stop)):
        held = sorted(chunk, key=lambda product: product.direction)
        add_inner_products([product.values for product in held], held[0].probes.start, bounds, centroids)
        add_inner_products([_output(product) for product in held], held[0].probes.start, bounds, output)
        if shift is not None and along is not None:
            for product in held:
                sum_by_group(_along(product, shift), product.probes.start, bounds, along[product.direction])
    return ResponseGram(CouplingGram(centroids, counts), CouplingGram(output, counts), along)


def _output(product: CentroidJVP) -> torch.Tensor:
    if product.output is None:
        raise UsageError("response: needs a model that gives its output; found one without")
    return product.output


def _along(product: CentroidJVP, shift: Shift) -> Floats:
    """⟨(J v)_x, Δμ_x⟩ of each probe `[2, n]`."""
    found = torch.bmm(shift(product.probes), product.values.double().unsqueeze(2))
    return np.asarray(found.squeeze(2).T.cpu().numpy())


def coupling_gram(
    products: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, groups: int = PROBE_GROUPS
) -> CouplingGram:
    """⟨J v_i, J v_j⟩ per group of probes.

    Holds the products of all directions for one chunk at a time: n_directions · n · D numbers.

    Args:
        products: As `exact_products` gives them: chunk after chunk, all directions of a chunk together.
        n_directions: How many directions they are of.
        n_probes: N.
        groups: Groups of probes (32).
    """
    bounds = group_bounds(n_probes, groups)
    sums = np.zeros((bounds.size - 1, n_directions, n_directions))
    for _, chunk in groupby(products, key=lambda product: (product.probes.start, product.probes.stop)):
        held = sorted(chunk, key=lambda product: product.direction)
        add_inner_products([product.values for product in held], held[0].probes.start, bounds, sums)
    return CouplingGram(sums, np.diff(bounds))


def _squares(values: torch.Tensor) -> torch.Tensor:
    """‖·‖² of each row in float64; short types are widened first, where their squares would overflow."""
    wide = values if values.dtype in (torch.float32, torch.float64) else values.float()
    return torch.sum(wide.square(), dim=1, dtype=torch.float64)


def add_inner_products(moved: list[torch.Tensor], first_probe: int, bounds: Ints, sums: np.ndarray) -> None:
    """Add ⟨moved_i, moved_j⟩ of one chunk, each `[n, …]`, to the groups of its probes."""
    whole = torch.stack(moved)
    for group, part in split_by_group(first_probe, whole.shape[1], bounds):
        flat = whole[:, part].reshape(len(moved), -1).double()
        sums[group] += (flat @ flat.T).cpu().numpy()
