"""JVPs of directions taken block by block at one checkpoint.

Block-wise products look at some of the probes only, for there are B times as many of them: as many probes of each group
as there is room for, so that intervals can resample the groups as for all other products. Imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.coupling_sums import add_inner_products, coupling
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram, restrict_to_blocks, spread_probes
from sedscope.analysis.features.centroid_jvp import jvps
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.parallel import Tick
from sedscope.analysis.settings import Settings
from sedscope.runs import RecordedBlock


def random_blocks(
    model: ProbedModel,
    random: Sequence[Floats],
    blocks: Sequence[RecordedBlock],
    settings: Settings,
    chunk: int | None,
    tick: Tick,
) -> RandomBlockGram:
    """Compute the products of every random direction restricted to every block, each restriction of unit length.

    Args:
        model: The checkpoint with all N probes.
        random: Unit directions `[n_random, P]`.
        blocks: Blocks of the selection.
        settings: Method, and the number of probes of block-wise products.
        chunk: Probes differentiated at once.
        tick: Called with 1 after every direction and block.
    """
    small, counts = _with_fewer_probes(model, settings)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    sums = np.zeros((len(random), len(counts), len(blocks), len(blocks)))
    products = jvps(small, _BlockRestrictions(random, blocks, unit=True), settings, chunk, tick)
    for (j, first), of_direction in groupby(products, key=lambda jvp: (jvp.direction // len(blocks), jvp.probes.start)):
        add_inner_products([jvp.values for jvp in of_direction], first, bounds, sums[j])
    norms = np.array([[np.linalg.norm(r[block.columns]) for block in blocks] for r in random])
    return RandomBlockGram(sums, norms, counts)


def block_couplings(
    model: ProbedModel,
    directions: Floats,
    blocks: Sequence[RecordedBlock],
    settings: Settings,
    chunk: int | None,
    tick: Tick,
) -> tuple[Floats, int]:
    """Compute A of every direction `[K, P]` restricted to every block, and count the probes it is over.

    Arguments as for `random_blocks`.

    Returns:
        A `[K, B]`, and the number of probes.
    """
    small, counts = _with_fewer_probes(model, settings)
    n_probes = int(counts.sum())
    products = jvps(small, _BlockRestrictions(directions, blocks), settings, chunk, tick)
    A = coupling(products, len(directions) * len(blocks), n_probes).A
    return A.reshape(len(directions), len(blocks)), n_probes


def _with_fewer_probes(model: ProbedModel, settings: Settings) -> tuple[ProbedModel, np.ndarray]:
    """Return the model with some of its probes, and their number in each group."""
    chosen, counts = spread_probes(model.n_probes, settings.block_probes)
    positions = torch.from_numpy(chosen).to(model.device)
    examples = tuple(tensor[positions] for tensor in model.examples)
    return replace(model, examples=examples, scores_and_output=None), counts


@dataclass(frozen=True, slots=True)
class _BlockRestrictions:
    """Directions restricted to each block; made anew for every chunk of probes, so that one at a time is in memory."""

    directions: Iterable[Floats]
    blocks: Sequence[RecordedBlock]
    unit: bool = False

    def __iter__(self) -> Iterator[Floats]:
        for restricted in restrict_to_blocks(self.directions, self.blocks):
            yield restricted / np.linalg.norm(restricted) if self.unit else restricted
