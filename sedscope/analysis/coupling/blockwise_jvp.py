"""JVPs of one checkpoint by the method that is asked for, and those of directions taken block by block.

Block-wise products look at some of the probes only: as many of each group as there is room for, so that intervals can
resample the groups as for all other products. Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby

import numpy as np
import torch

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.coupling_sums import add_inner_products, coupling
from sedscope.analysis.coupling.parameter_blocks import Block, RandomBlockGram, restrict_to_blocks, spread_probes
from sedscope.analysis.features import centroid_jvp
from sedscope.analysis.features.centroid_jvp import CentroidJVP
from sedscope.analysis.features.probed_model import ProbedModel, Vector
from sedscope.analysis.settings import Settings

Tick = Callable[[int], None]
"""Called after so many JVPs."""


def jvps(
    model: ProbedModel, directions: Iterable[Vector], settings: Settings, chunk: int | None, tick: Tick
) -> Iterator[CentroidJVP]:
    """JVPs by the method of the settings; each is told once it has been through all probes."""
    if settings.method == "exact":
        made = centroid_jvp.exact_jvps(model, directions, chunk=chunk)
    else:
        made = centroid_jvp.central_difference_jvps(model, directions, epsilon=settings.epsilon, chunk=chunk)
    for product in made:
        yield product
        if product.probes.stop == model.n_probes:
            tick(1)


def random_blocks(
    model: ProbedModel,
    random: Sequence[Floats],
    blocks: Sequence[Block],
    settings: Settings,
    chunk: int | None,
    tick: Tick,
) -> RandomBlockGram:
    """Products of every random direction's part in every block, each part of unit length.

    Args:
        model: The checkpoint with all N probes.
        random: Unit directions `[n_random, P]`.
        blocks: Of the selection.
        settings: Method, and how many of the probes.
        chunk: Probes differentiated at once.
        tick: Told after every product.
    """
    small, counts = _with_fewer_probes(model, settings)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    sums = np.zeros((len(random), len(counts), len(blocks), len(blocks)))
    made = jvps(small, _UnitParts(random, blocks), settings, chunk, tick)
    for (j, first), same in groupby(made, key=lambda product: (product.direction // len(blocks), product.probes.start)):
        add_inner_products([product.values for product in same], first, bounds, sums[j])
    norms = np.array([[np.linalg.norm(r[block.columns]) for block in blocks] for r in random])
    return RandomBlockGram(sums, norms, counts)


def block_couplings(
    model: ProbedModel,
    directions: Floats,
    blocks: Sequence[Block],
    settings: Settings,
    chunk: int | None,
    tick: Tick,
) -> tuple[Floats, int]:
    """A of every direction `[K, P]` restricted to every block `[K, B]`, and over how many probes.

    Arguments as for `random_blocks`.
    """
    small, counts = _with_fewer_probes(model, settings)
    parts = _BlockParts(directions, blocks)
    made = jvps(small, parts, settings, chunk, tick)
    found = coupling(made, len(directions) * len(blocks), int(counts.sum()))
    return found.A.reshape(len(directions), len(blocks)), int(counts.sum())


def _with_fewer_probes(model: ProbedModel, settings: Settings) -> tuple[ProbedModel, np.ndarray]:
    """The model with some of its probes, and how many are of each group."""
    chosen, counts = spread_probes(model.n_probes, settings.block_probes)
    places = torch.from_numpy(chosen).to(model.device)
    return replace(model, examples=tuple(tensor[places] for tensor in model.examples), scores_and_output=None), counts


class _BlockParts:
    """Directions restricted to each block, one at a time, anew whenever they are gone through."""

    def __init__(self, directions: Floats, blocks: Sequence[Block]) -> None:
        self._directions = directions
        self._blocks = blocks

    def __iter__(self) -> Iterator[Floats]:
        return restrict_to_blocks(self._directions, self._blocks)


class _UnitParts:
    """The same of lazily made directions, every part of unit length."""

    def __init__(self, directions: Sequence[Floats], blocks: Sequence[Block]) -> None:
        self._directions = directions
        self._blocks = blocks

    def __iter__(self) -> Iterator[Floats]:
        parts = chain.from_iterable(restrict_to_blocks(direction[None], self._blocks) for direction in self._directions)
        return (part / np.linalg.norm(part) for part in parts)
