"""One run's feature programs, probes and weights on a device: what JVPs and fixed gradients are computed on.

Imports torch; imported by `analyse` only when something is not in the cache. Decides the device, the precision and how
many probes are differentiated at once. Leaves to others: which checkpoints and directions, and what is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from recorders.errors import RefusedError, UsageError
from recorders.program import Program, load, refusing
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.features.scores import CentroidKind, centred_output, score
from sedscope.analysis.parallel import worker_count
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batches import fixed_batch
from sedscope.analysis.sources.control_gradients import gradients
from sedscope.analysis.sources.fixed_gradients import Outputs, example_losses, gradients_of_sums
from sedscope.analysis.sources.variants import GradientKind
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe, Run

_SCORE = "the score of its output"
_EXAMPLES_AT_ONCE = 32
"""Of which each has a backward pass of its own through the graph of all."""
GRAPH_BYTES = 128 << 20
"""Bound on what one forward of a chunk of probes takes; its derivatives take a small multiple of that."""


class Workbench:
    """Weights, programs and probes of one run, brought to a device when they are asked for."""

    def __init__(self, run: Run, settings: Settings, reading: Lock) -> None:
        """Settle the device and the precision.

        Args:
            run: Where weights, programs and probes come from.
            settings: Of the analysis.
            reading: Held while the run is read: one reader serves several workers.

        Raises:
            UsageError: The device is not there.
        """
        self._run = run
        self._settings = settings
        self._device = resolve_device(settings.device)
        self._dtype = torch.float32 if settings.precision == "float32" else torch.float64
        self._states: dict[int, dict[str, Tensor]] = {}
        self._programs: dict[str, Program] = {}
        self._probes: dict[str, Probe] = {}
        self._footprints: dict[str, int] = {}
        self._reading = reading
        self.workers = worker_count(self._device)
        """How many checkpoints to work on at a time."""

    def model(self, t: int, task: str) -> ProbedModel:
        """The checkpoint at t with the probes of a task.

        Raises:
            RefusedError: The program or the probes are not what they must be; the node or part is named.
            DamagedError: The weights or probes on disk are damaged.
        """
        probe = self._probe(task)
        program = self._program(probe)
        chosen = probe.probe_order[: self._settings.probes]
        inputs, targets = self._examples(probe, chosen)
        kind = _centroid_kind(probe, self._settings)

        def both(state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor) -> tuple[Tensor, Tensor]:
            *fed, wanted = examples
            output = _output(program, probe, state, fed, delta)
            with refusing(_SCORE):
                return score(output, _targets(probe, wanted), kind), centred_output(output, kind)

        def scores(state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor) -> Tensor:
            *fed, wanted = examples
            output = _output(program, probe, state, fed, delta)
            with refusing(_SCORE):
                return score(output, _targets(probe, wanted), kind)

        examples = (*inputs, targets)
        return ProbedModel(scores, self._weights(t), self._selected, examples, program.feature_shape, both)

    def chunk(self, model: ProbedModel, task: str) -> int | None:
        """How many probes to differentiate at once, so that memory stays bounded."""
        program = self._program(self._probe(task))
        with self._reading:
            if task not in self._footprints:  # the same at every checkpoint
                self._footprints[task] = program.check(model.examples[:-1], floating=self._dtype).total
        return _even_chunk(model.n_probes, -(-self._footprints[task] // GRAPH_BYTES), program.batch_range[0])

    def gradients(self, t: int, task: str, kinds: Sequence[GradientKind]) -> dict[GradientKind, Floats]:
        """Gradients of a task's loss on its fixed batches and of their controls, in eval mode, unclipped, at θ_t `[P]`.

        One forward pass for each batch.
        """
        found: dict[GradientKind, Floats] = {}
        for batch in dict.fromkeys(kind.batch for kind in kinds):
            same = [kind for kind in kinds if kind.batch == batch]
            found |= dict(zip(same, self._gradients(t, task, batch, same), strict=True))
        return found

    def example_gradients(self, t: int, task: str) -> Floats:
        """Gradient of the loss of each example of a task's fixed batch, in eval mode, at θ_t `[M, P]`."""
        outputs, inputs, targets, loss = self._loss_on(task, 0)
        least = self._program(self._probe(task)).batch_range[0]
        rows: list[Floats] = []
        pieces = max(1, len(targets) // max(least, _EXAMPLES_AT_ONCE))
        for wanted, *fed in zip(*(tensor.tensor_split(pieces) for tensor in (targets, *inputs)), strict=True):

            def sums(
                weights: Mapping[str, Tensor], _: slice, fed: list[Tensor] = fed, wanted: Tensor = wanted
            ) -> list[Tensor]:
                return list(example_losses(loss, outputs(weights, fed), wanted))

            rows += gradients_of_sums(sums, self._weights(t), self._selected, len(wanted))
        return np.stack(rows)

    def _gradients(self, t: int, task: str, batch: int, kinds: Sequence[GradientKind]) -> list[Floats]:
        outputs, inputs, targets, loss = self._loss_on(task, batch)
        return gradients(outputs, self._weights(t), self._selected, inputs, targets, kinds=kinds, loss=loss, task=task)

    def _loss_on(self, task: str, batch: int) -> tuple[Outputs, list[Tensor], Tensor, str]:
        """The task's output, and inputs, targets and loss of its fixed batch."""
        probe = self._probe(task)
        program = self._program(probe)
        chosen = fixed_batch(probe, self._settings.batch, batch, self._settings.part)
        if isinstance(chosen, Undefined):
            raise RefusedError(chosen.reason)
        inputs, targets = self._examples(probe, chosen)
        no_delta = torch.zeros((), dtype=self._dtype, device=self._device)

        def outputs(state: Mapping[str, Tensor], examples: Sequence[Tensor]) -> Tensor:
            return _output(program, probe, state, examples, no_delta)

        return outputs, inputs, _targets(probe, targets), probe.loss

    @property
    def _selected(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self._run.manifest.selected)

    def _weights(self, t: int) -> dict[str, Tensor]:
        """The whole state at θ_t on the device; those last asked for are kept."""
        with self._reading:
            if t not in self._states:
                # Each worker has a checkpoint and, for the shift of its centroids, the next one.
                if len(self._states) >= 2 * self.workers:
                    del self._states[next(iter(self._states))]
                self._states[t] = {name: self._tensor(array) for name, array in self._run.weights(t).items()}
            return self._states[t]

    def _tensor(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self._device)
        return tensor.to(self._dtype) if tensor.is_floating_point() else tensor

    def _probe(self, task: str) -> Probe:
        with self._reading:
            if task not in self._probes:
                probe = self._run.probe(task)
                if probe is None or probe.program is None:
                    raise RefusedError(f"task {task}: a probe with a feature program is required, found none")
                self._probes[task] = probe
            return self._probes[task]

    def _program(self, probe: Probe) -> Program:
        name = str(probe.program)
        with self._reading:
            if name not in self._programs:
                text, constants = self._run.program(name)
                self._programs[name] = load(text, {key: torch.from_numpy(array) for key, array in constants.items()})
            return self._programs[name]

    def _examples(self, probe: Probe, chosen: Ints) -> tuple[list[Tensor], Tensor]:
        """Inputs and targets of some examples of the pool, in the order of the drawing."""
        return [self._tensor(array[chosen]) for array in probe.inputs], self._tensor(probe.targets[chosen])


def resolve_device(asked: str) -> torch.device:
    """The device behind a setting.

    Raises:
        UsageError: It is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return torch.device("cuda" if count else "cpu")
    device = torch.device(asked)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise UsageError(f"device: one of cpu{', cuda' if count else ''} is required here, found {asked!r}")
    return device


def _output(
    program: Program, probe: Probe, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor
) -> Tensor:
    """The task's output, at its position where it has one: `[N, C]`, `[N, T, C]` or a regression's `[N, …]`."""
    outputs = program.run(state, inputs, delta)
    with refusing("its output"):
        output = outputs[probe.output]
        return output if probe.position is None else output[:, probe.position]


def _targets(probe: Probe, targets: Tensor) -> Tensor:
    """The targets that belong to the output: at its position, where the pool holds one target per position."""
    return targets if probe.position is None or targets.ndim < 2 else targets[:, probe.position]


def _centroid_kind(probe: Probe, settings: Settings) -> CentroidKind:
    """Classes have a target's logit and a sum of logits; the output of any other loss is its own score."""
    if probe.loss != "cross_entropy":
        return "output"
    return "target_logit" if settings.centroid == "target" else "sum_of_logits"


def _even_chunk(n_probes: int, pieces: int, least: int) -> int | None:
    """Probes per chunk for about so many pieces, none of them below the least batch of the program."""
    if pieces <= 1:
        return None
    chunk = max(least, -(-n_probes // pieces))
    while 0 < n_probes % chunk < least:
        chunk += 1
    return None if chunk >= n_probes else chunk
