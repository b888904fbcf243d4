"""A(v) = (1/N) Σ_x ‖(J v)_x‖² of directions, and the inner products that give it for a whole span.

Sums over probes are accumulated in float64 per group of probes: a float32 sum of a thousand squares would lose the
digits by which the groups differ. Products of directions taken block by block look at some of the probes only, for
there are B times as many of them: as many probes of each group as there is room for, so that intervals can resample the
groups as for all other products. Imports torch. Leaves to others: J v (`centroid_jvp`), which directions, which
interval Δμ is over, and what is made of the sums (`response`, `coupling_ratio`, `interval`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram, restrict_to_blocks, spread_probes
from sedscope.analysis.coupling.response import CouplingGram, Response, ResponseGram
from sedscope.analysis.features.centroid_jvp import CentroidJVP, centroid_chunk, jvps
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.parallel import Tick
from sedscope.analysis.settings import Settings
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds, split_by_group, sum_by_group
from sedscope.runs import RecordedBlock


@dataclass(slots=True)
class CentroidShift:
    """Δμ: how the centroids moved over the interval that follows a checkpoint, chunk by chunk of the probes.

    The two kinds, in the order of `response.SHIFT_KINDS`: the selected parameters at their next value and all others
    where they were, and every parameter at its next value. The last chunk stays in memory, for every direction of a
    chunk meets it.
    """

    before: ProbedModel
    """The model at θ_t."""
    after: ProbedModel
    """The model at the next θ with weights, with the same probes."""
    _last: tuple[slice, Tensor] | None = field(default=None, init=False)

    def __call__(self, probes: slice) -> Tensor:
        """Return Δμ of some probes `[n, 2, D]`, on the model's device, in float64."""
        if self._last is None or self._last[0] != probes:
            next_selected = {name: self.after.state[name] for name in self.before.selected}
            selected_alone = replace(self.before, state={**self.before.state, **next_selected})
            start = centroid_chunk(self.before, probes)
            ends = [centroid_chunk(model, probes) for model in (selected_alone, self.after)]
            self._last = probes, torch.stack([end - start for end in ends], dim=1).double()
        return self._last[1]

    def squares(self, chunk: int | None) -> Floats:
        """Return ‖Δμ‖² per kind and group of probes `[2, G]`."""
        bounds = group_bounds(self.before.n_probes)
        sums = np.zeros((2, len(bounds) - 1))
        for probes in self.before.chunks(chunk):
            squares = self(probes).square().sum(dim=2)
            sum_by_group(squares.T.cpu().numpy(), probes.start, bounds, sums)
        return sums


def coupling(jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int) -> GroupedCoupling:
    """Sum ‖J v‖² of each direction over the groups of the N probes; products in any order."""
    bounds = group_bounds(n_probes)
    sums = np.zeros((n_directions, bounds.size - 1))
    for jvp in jvps:
        _add_squares(jvp.values, jvp.probes.start, bounds, sums[jvp.direction])
    return GroupedCoupling(sums, np.diff(bounds))


def responses(
    jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: CentroidShift | None = None
) -> Response:
    """Sum up what moves along each direction: centroids, output, and how far the centroids follow the training.

    Products come chunk after chunk, of a model that gives its output. Without a shift Δμ alignment is not measured.
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
    jvps: Iterable[CentroidJVP], n_directions: int, n_probes: int, *, shift: CentroidShift | None = None
) -> ResponseGram:
    """Sum up what moves along every direction in the span of n directions; otherwise as `responses`.

    Products come as `exact_jvps` gives them: chunk after chunk, all directions of a chunk together. Those of one chunk
    are held at a time: n_directions · n · D numbers.
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


def _output(jvp: CentroidJVP) -> Tensor:
    if jvp.output is None:
        raise UsageError("response: needs a model that gives its output; found one without")
    return jvp.output


def _along(jvp: CentroidJVP, shift: CentroidShift) -> Floats:
    """Return ⟨(J v)_x, Δμ_x⟩ of each probe `[2, n]`."""
    inner = torch.bmm(shift(jvp.probes), jvp.values.double().unsqueeze(2))
    return np.asarray(inner.squeeze(2).T.cpu().numpy())


def _add_squares(values: Tensor, first_probe: int, bounds: Ints, sums: Floats) -> None:
    """Add ‖·‖² of each row `[n, …]` to the groups of its probes."""
    # Short types are widened first: their squares would overflow.
    wide = values if values.dtype in (torch.float32, torch.float64) else values.float()
    squares = torch.sum(wide.square(), dim=1, dtype=torch.float64)
    sum_by_group(squares.cpu().numpy(), first_probe, bounds, sums)


def add_inner_products(moved: list[Tensor], first_probe: int, bounds: Ints, sums: Floats) -> None:
    """Add ⟨moved_i, moved_j⟩ of one chunk, each `[n, …]`, to the groups of its probes `[G, m, m]`."""
    stacked = torch.stack(moved)
    for group, probes in split_by_group(first_probe, stacked.shape[1], bounds):
        flat = stacked[:, probes].reshape(len(moved), -1).double()
        sums[group] += (flat @ flat.T).cpu().numpy()


def random_blocks(
    model: ProbedModel,
    random: Sequence[Floats],
    blocks: Sequence[RecordedBlock],
    settings: Settings,
    chunk: int | None,
    tick: Tick,
) -> RandomBlockGram:
    """Compute the products of every random direction `[n_random, P]` restricted to every block, at unit length.

    The model holds all N probes, of which the settings say how many are looked at. Ticks after every direction and
    block.
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
    """Compute A `[K, B]` of every direction `[K, P]` restricted to every block, and the number of probes it is over."""
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
