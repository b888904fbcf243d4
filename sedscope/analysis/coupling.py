"""A(v) = (1/N) Σ_x ‖(J v)_x‖² of directions, and the inner products that give it for a whole span.

Sums over probes are accumulated in float64 per group of probes. Leaves to others: J v (`jproduct`), which directions,
and everything made of the sums (`groups`, `coupling_gram`, `ratio`, `interval`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import torch

from sedscope.analysis.arrays import Ints
from sedscope.analysis.coupling_gram import CouplingGram
from sedscope.analysis.groups import PROBE_GROUPS, Coupling, group_bounds, group_parts, sum_by_group
from sedscope.analysis.jproduct import Product


def coupling(products: Iterable[Product], n_directions: int, n_probes: int, *, groups: int = PROBE_GROUPS) -> Coupling:
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
    return Coupling(sums, np.diff(bounds))


def coupling_gram(
    products: Iterable[Product], n_directions: int, n_probes: int, *, groups: int = PROBE_GROUPS
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
        _add_inner_products(chunk, bounds, sums)
    return CouplingGram(sums, np.diff(bounds))


def _squares(values: torch.Tensor) -> torch.Tensor:
    """‖·‖² of each row in float64; short types are widened first, where their squares would overflow."""
    wide = values if values.dtype in (torch.float32, torch.float64) else values.float()
    return torch.sum(wide.square(), dim=1, dtype=torch.float64)


def _add_inner_products(chunk: Iterator[Product], bounds: Ints, sums: np.ndarray) -> None:
    ordered = sorted(chunk, key=lambda product: product.direction)
    moved = torch.stack([product.values for product in ordered])
    for group, part in group_parts(ordered[0].probes.start, moved.shape[1], bounds):
        flat = moved[:, part].reshape(len(ordered), -1).double()
        sums[group] += (flat @ flat.T).cpu().numpy()
