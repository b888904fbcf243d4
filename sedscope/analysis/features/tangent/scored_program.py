"""A feature program with the score that a task reads off it, and J v of some probes by its tangents.

Decides when tangents are used and in which blocks of probes: `tangent_jvp` returns None wherever double backward has to
do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program import Program, refusing
from sedscope.analysis.constants import MOST_WITHOUT_RULE
from sedscope.analysis.features.tangent.plan import TangentPlan
from sedscope.analysis.features.tangent.program import TangentProgram

JVP = Callable[[Sequence[Tensor]], tuple[Tensor, Tensor]]
"""v, one tensor per selected parameter → J v `[n, D]` and d z/dε of the output `[n, L]`."""

ReadOutput = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(output at its position, targets) → scores `[n]` and the output of R^logit `[n, L]`."""


@dataclass(frozen=True)
class ScoredProgram:
    """The program of a task, what is read off its output, and the plans of its tangents."""

    program: Program
    output: int
    """Position of the task's output among the program's."""
    position: int | None
    """The position of the output, its second axis, that the task is about; None: all of them."""
    read: ReadOutput
    """Both of its results are linear in the output."""
    block: int
    """Probes whose tangents are computed together, about."""
    _plans: dict[tuple[object, ...], TangentPlan] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def tangent_jvp(
        self, state: Mapping[str, Tensor], selected: Sequence[str], examples: Sequence[Tensor], delta: Tensor
    ) -> JVP | None:
        """Return the map v → J v of some probes, or None where it takes double backward.

        Args:
            state: Every weight by name.
            selected: Names of the selected parameters.
            examples: The probes' inputs and, last, their targets, `[n, …]` each.
            delta: δ = 0 `[n, *feature_shape]`.
        """
        if delta.device.type != "cpu":
            return None
        try:
            blocks = [*self._blocks(state, selected, examples, delta)]
        except RefusedError:
            return None  # double backward does it, or says what is wrong with the program

        def jvp(v: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            by_name = dict(zip(selected, v, strict=True))
            centroids, outputs = [], []
            with refusing():
                for block, targets in blocks:
                    moved, output = block.product(by_name)
                    centroids.append(moved.clone())
                    outputs.append(self.read(output, targets)[1])
            return torch.cat(centroids), torch.cat(outputs)

        return jvp

    def _blocks(
        self, state: Mapping[str, Tensor], selected: Sequence[str], examples: Sequence[Tensor], delta: Tensor
    ) -> Iterator[tuple[TangentProgram, Tensor]]:
        """Yield the tangents of one block of probes after the other, with the block's targets."""
        size = even_chunk(len(delta), -(-len(delta) // self.block), self.program.batch_range[0]) or len(delta)
        for chunks in zip(*(torch.split(tensor, size) for tensor in (*examples, delta)), strict=True):
            *inputs, targets, no_delta = chunks

            def total(output: Tensor, targets: Tensor = targets) -> Tensor:
                return self.read(self._at_position(output), targets)[0].sum()

            with refusing():
                plan = self._plan(state, selected, inputs, no_delta)
                if plan.share_without_rule > MOST_WITHOUT_RULE:
                    raise RefusedError("program: double backward of the whole is faster than of most operations")
                yield TangentProgram(plan, self.program, state, inputs, no_delta, total), targets

    def _plan(
        self, state: Mapping[str, Tensor], selected: Sequence[str], inputs: Sequence[Tensor], delta: Tensor
    ) -> TangentPlan:
        key = (len(delta), delta.dtype, tuple(selected))
        with self._lock:
            if key not in self._plans:
                self._plans[key] = TangentPlan(self.program, self.output, self.position, selected, state, inputs, delta)
            return self._plans[key]

    def _at_position(self, output: Tensor) -> Tensor:
        return output if self.position is None else output[:, self.position]


def even_chunk(n_probes: int, pieces: int, least: int) -> int | None:
    """Return probes per chunk for about so many pieces, none of them below the least batch; None for one piece."""
    if pieces <= 1:
        return None
    chunk = max(least, -(-n_probes // pieces))
    while 0 < n_probes % chunk < least:
        chunk += 1
    return None if chunk >= n_probes else chunk
