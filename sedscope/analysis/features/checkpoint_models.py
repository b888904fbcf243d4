"""The models of one run: its feature programs, probes and weights at any checkpoint, on a device.

Decides the device, the precision, how many probes are differentiated at once, and how a task's output, its targets and
its score are read off a program. The score s_x is the one number per probe whose derivative by the feature is the
probe's centroid. Imports torch; the pipeline imports it only when something is not in the cache. Leaves to others:
which checkpoints and directions, and what is made of the models.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from recorders.errors import RefusedError, UsageError
from recorders.losses import TaskLoss, targets_at
from recorders.program import Footprint, Program, load, refusing
from recorders.program.execution.memory_cap import memory_cap
from sedscope.analysis.arrays import Ints
from sedscope.analysis.constants import BLOCK_BYTES, GRAPH_BYTES
from sedscope.analysis.features.drawings import probe_positions
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.features.tangent.scored_program import ReadOutput, ScoredProgram, even_chunk
from sedscope.analysis.parallel import worker_count
from sedscope.analysis.settings import Settings
from sedscope.runs import Probe, Run

CentroidKind: TypeAlias = Literal["target_logit", "sum_of_logits", "output"]


def score(output: Tensor, targets: Tensor, kind: CentroidKind) -> Tensor:
    """Read s_x `[N]` off the output of a batch.

    Args:
        output: `[N, C]` logits, `[N, T, C]` logits at T positions, or `[N, …]` for a regression.
        targets: Class indices `[N]` or `[N, T]`, or probabilities of the classes, shaped as the output, which weigh the
            logits; not looked at by the other kinds.
        kind: "target_logit": ℓ_y, as in arXiv 2604.25143. "sum_of_logits": J^T·1, the convention of the Linear
            Centroid Hypothesis (arXiv 2604.11962). "output": a regression's own output. Several positions or outputs of
            one probe add up.

    Raises:
        UsageError: An unknown kind, or targets that do not fit.
    """
    if kind == "target_logit":
        if targets.is_floating_point() and targets.shape == output.shape:
            return (output * targets).reshape(len(output), -1).sum(1)
        if targets.shape != output.shape[:-1] or targets.is_floating_point():
            raise UsageError(
                f"centroid target_logit: needs integer targets of shape {list(output.shape[:-1])};"
                f" found {targets.dtype} {list(targets.shape)}"
            )
        # Ignored targets are negative: they read class 0, and count for nothing.
        logits = output.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1)
        return (logits * (targets >= 0)).reshape(len(output), -1).sum(1)
    if kind in ("sum_of_logits", "output"):
        return output.reshape(len(output), -1).sum(1)
    raise UsageError(f"centroid: must be target_logit, sum_of_logits or output; found {kind}")


def centred_output(output: Tensor, kind: CentroidKind) -> Tensor:
    """Return the output of R^logit `[N, L]`: logits minus their mean over classes; a regression's output as it is.

    Adding a constant to all logits of an example changes no prediction, so directions that do only that count for
    nothing.
    """
    centred = output if kind == "output" else output - output.mean(dim=-1, keepdim=True)
    return centred.reshape(len(output), -1)


Outputs: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor]], Tensor]
"""outputs(state, inputs) → the task's output `[n, …]`, differentiable in `state`."""


@dataclass(frozen=True, slots=True)
class TaskExamples:
    """Some examples of a task's pool with what their loss is computed from."""

    outputs: Outputs
    """The model's output for the task, its feature point undisplaced."""
    inputs: list[Tensor]
    """`[M, …]` each."""
    targets: Tensor
    """`[M, …]`, those that belong to the output."""
    loss: TaskLoss
    """The loss, as the probe states it."""
    least: int
    """The smallest batch that the program runs."""

    def split(self, size: int | None) -> list[TaskExamples]:
        """Return the examples in pieces of at least `size`, and fewer than twice as many; None keeps them together."""
        n_pieces = 1 if size is None else max(1, len(self.targets) // max(self.least, size))
        tensors = (tensor.tensor_split(n_pieces) for tensor in (self.targets, *self.inputs))
        return [replace(self, targets=targets, inputs=inputs) for targets, *inputs in zip(*tensors, strict=True)]


class CheckpointModels:
    """Weights, programs and probes of one run, brought to a device when they are asked for."""

    def __init__(self, run: Run, settings: Settings, read_lock: Lock) -> None:
        """Choose the device and the precision; the lock is held while the run is read.

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
        self._footprints: dict[str, Footprint] = {}
        self._affordable: set[tuple[object, ...]] = set()
        self._scored: dict[str, ScoredProgram] = {}
        self._read_lock = read_lock
        self.workers = worker_count(self._device)
        """The number of checkpoints to work on at a time."""
        self.selected = tuple(parameter.name for parameter in run.manifest.selected)
        """Names of the selected parameters in flattening order."""

    def probed_model(self, t: int, task: str) -> ProbedModel:
        """Return the checkpoint at t with the probes of a task.

        Raises:
            RefusedError: The program or the probes are not what they must be; the node or part is named.
            DamagedError: The weights or probes on disk are damaged.
        """
        probe = self.probe(task)
        program = self._program(probe)
        inputs, targets = self._tensors(probe, probe_positions(probe, self._settings))
        kind = _centroid_kind(probe, self._settings)

        def read(output: Tensor, all_targets: Tensor) -> tuple[Tensor, Tensor]:
            with refusing("the score of its output"):
                return score(output, targets_at(all_targets, probe.position), kind), centred_output(output, kind)

        def scores_and_output(
            state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor
        ) -> tuple[Tensor, Tensor]:
            *model_inputs, all_targets = examples
            return read(_output(program, probe, state, model_inputs, delta), all_targets)

        def scores(state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor) -> Tensor:
            return scores_and_output(state, examples, delta)[0]

        examples = (*inputs, targets)
        scored = self._scored_program(task, read, inputs)
        return ProbedModel(
            scores, self.weights(t), self.selected, examples, program.feature_shape, scores_and_output, scored
        )

    def _scored_program(self, task: str, read: ReadOutput, inputs: Sequence[Tensor]) -> ScoredProgram:
        """Return the program with its tangents' plans, which every checkpoint shares."""
        probe = self.probe(task)
        program = self._program(probe)
        footprint = self._footprint(task, inputs)
        with self._read_lock:
            if task not in self._scored:
                block = max(1, BLOCK_BYTES * len(inputs[0]) // max(1, footprint.largest))
                self._scored[task] = ScoredProgram(program, probe.output, probe.position, read, block)
            return self._scored[task]

    def _footprint(self, task: str, inputs: Sequence[Tensor]) -> Footprint:
        """Return what a forward of all probes takes, the same at every checkpoint.

        Raises:
            RefusedError: Already the probes that are differentiated at once take more than this machine has for it.
        """
        program = self._program(self.probe(task))
        with self._read_lock:
            if task not in self._footprints:
                footprint = program.check(inputs, floating=self._dtype, most_total=sys.maxsize)
                chunk = _probes_at_once(len(inputs[0]), footprint, program)
                self._require_affordable(program, [tensor[:chunk] for tensor in inputs])
                self._footprints[task] = footprint
            return self._footprints[task]

    def chunk_size(self, model: ProbedModel, task: str) -> int | None:
        """Return how many probes to differentiate at once, so that memory stays bounded; None takes all."""
        program = self._program(self.probe(task))
        footprint = self._footprint(task, model.examples[:-1])
        return _probes_at_once(model.n_probes, footprint, program)

    def examples(self, task: str, positions: Ints) -> TaskExamples:
        """Return the examples at some positions of a task's pool `[M]`, with the task's output and loss."""
        probe = self.probe(task)
        program = self._program(probe)
        inputs, targets = self._tensors(probe, positions)
        no_delta = torch.zeros((), dtype=self._dtype, device=self._device)

        def outputs(state: Mapping[str, Tensor], model_inputs: Sequence[Tensor]) -> Tensor:
            self._require_affordable(program, model_inputs)
            return _output(program, probe, state, model_inputs, no_delta)

        loss = TaskLoss(probe.loss, {name: torch.from_numpy(value) for name, value in probe.loss_options.items()})
        return TaskExamples(outputs, inputs, targets_at(targets, probe.position), loss, program.batch_range[0])

    def weights(self, t: int) -> dict[str, Tensor]:
        """Return every weight and buffer at θ_t by name, on the device; the last few checkpoints stay loaded."""
        with self._read_lock:
            if t not in self._states:
                # Each worker has a checkpoint and, for the shift of its centroids, the next one.
                if len(self._states) >= 2 * self.workers:
                    del self._states[next(iter(self._states))]
                self._states[t] = {name: self._tensor(array) for name, array in self._run.weights(t).items()}
            return self._states[t]

    def probe(self, task: str) -> Probe:
        """Return the pool of a task, read once.

        Raises:
            RefusedError: The task has no probe, or its probe no feature program.
        """
        with self._read_lock:
            if task not in self._probes:
                probe = self._run.probe(task)
                if probe is None or probe.program is None:
                    raise RefusedError(f"task {task}: a probe with a feature program is required, found none")
                self._probes[task] = probe
            return self._probes[task]

    def _program(self, probe: Probe) -> Program:
        name = str(probe.program)
        with self._read_lock:
            if name not in self._programs:
                text, constants = self._run.program(name)
                self._programs[name] = load(text, {key: torch.from_numpy(array) for key, array in constants.items()})
            return self._programs[name]

    def _require_affordable(self, program: Program, inputs: Sequence[Tensor]) -> None:
        """Raise `RefusedError` where a forward pass of these inputs would take more than this machine has for it."""
        key = (program, *(tuple(tensor.shape) for tensor in inputs))
        if key not in self._affordable:
            program.check(inputs, floating=self._dtype, most_total=memory_cap(self._device))
            self._affordable.add(key)

    def _tensor(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self._device)
        return tensor.to(self._dtype) if tensor.is_floating_point() else tensor

    def _tensors(self, probe: Probe, positions: Ints) -> tuple[list[Tensor], Tensor]:
        """Return inputs and targets at some positions of the pool, in the order of the positions."""
        return [self._tensor(array[positions]) for array in probe.inputs], self._tensor(probe.targets[positions])


def resolve_device(setting: str) -> torch.device:
    """Return the device that a setting names: cpu, cuda, cuda:<index>, or auto.

    Raises:
        UsageError: It is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if setting == "auto":
        return torch.device("cuda" if count else "cpu")
    device = torch.device(setting)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise UsageError(f"device: one of cpu{', cuda' if count else ''} is required here, found {setting!r}")
    return device


def _probes_at_once(n_probes: int, footprint: Footprint, program: Program) -> int | None:
    return even_chunk(n_probes, -(-footprint.total // GRAPH_BYTES), program.batch_range[0])


def _output(
    program: Program, probe: Probe, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor
) -> Tensor:
    """Return the task's output, at its position where it has one: `[N, C]`, `[N, T, C]` or a regression's `[N, …]`."""
    outputs = program.run(state, inputs, delta)
    with refusing("its output"):
        output = outputs[probe.output]
        return output if probe.position is None else output[:, probe.position]


def _centroid_kind(probe: Probe, settings: Settings) -> CentroidKind:
    """Return the kind of score: classes have logits to choose from; the output of any other loss is its own score."""
    if probe.loss != "cross_entropy":
        return "output"
    return "target_logit" if settings.centroid == "target" else "sum_of_logits"
