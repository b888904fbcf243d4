"""A task's probes as they were handed to `sedscope.probe`: the pool, the two drawings, and the feature program.

Decides what a stored pool must hold, and that a program is what the journal says; what a program may hold is decided in
`recorders.program`, which loads it. How many probes are used, and what for, is left to the analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from recorders.errors import DamagedError
from recorders.format import IGNORED, LOSS_OPTION, MAX_PROGRAM_JSON
from sedscope.runs.files.folder import RunFolder
from sedscope.runs.files.journal_lines import ProbeLine, ProgramLine
from sedscope.runs.files.members import Members
from sedscope.runs.files.tensors import OpenTensors, TensorStore

_CLASSES = "cross_entropy"
"""The loss whose targets are classes."""
_INPUTS = "inputs."
_ORDERS = {"probe_order": "order.probes", "batch_order": "order.batch"}


@dataclass(frozen=True, slots=True)
class Probe:
    """The pool of one task, `M` examples; drawings are positions into it."""

    task: str
    inputs: tuple[NDArray[Any], ...]
    """Each `[M, …]`."""
    targets: NDArray[Any]
    """`[M, …]`."""
    probe_order: NDArray[np.int64]
    """N probes are the first N of these positions."""
    batch_order: NDArray[np.int64]
    """The fixed batch is the first 512 of these; further batches follow."""
    example: NDArray[np.int64] | None
    """`[M]`: position of each example in the pool as the script gave it."""
    train: NDArray[np.bool_] | None
    """`[M]`: whether training sees the example; None where the script did not say."""
    program: str | None
    """Name of the feature program, for `Run.program`."""
    output: int
    """Index of the output of the program."""
    position: int | None
    """Sequence position of the output; None where it has none to pick."""
    loss: str
    """The loss of the fixed gradient, such as cross_entropy."""
    loss_options: Mapping[str, NDArray[Any]]
    """Settings of the loss by their names in torch: numbers, and weights of classes or outputs."""
    at: str | None
    """The feature point's module name."""
    pool: int
    """How many examples the script gave; M where all are stored."""
    why_no_program: str | None
    """Why no feature program could be captured."""

    @property
    def size(self) -> int:
        """M, the number of stored examples."""
        return len(self.targets)


def read_probe(tensors: TensorStore, line: ProbeLine) -> Probe:
    """Read the probe behind a journal line.

    Raises:
        DamagedError: a tensor is missing or contradicts the others.
        RefusedError: a member of its line is not what it must be.
    """
    meta = line.meta
    with tensors.open(line.file) as file:
        n_inputs = sum(name.startswith(_INPUTS) for name in file.tensors)
        names = ("targets", *(f"{_INPUTS}{index}" for index in range(n_inputs)))
        targets, *inputs = arrays = [file.read(name) for name in names]
        for name, array in zip(names, arrays, strict=True):
            if array.ndim == 0 or len(array) != len(targets):
                file.damaged(f"{name} must have {targets.shape[0] if targets.ndim else 'some'} examples")
        orders = {field: _order(file, name, len(targets)) for field, name in _ORDERS.items()}
        return Probe(
            task=line.task,
            inputs=tuple(inputs),
            targets=targets,
            **orders,
            example=file.read("example") if "example" in file.tensors else None,
            train=file.read("train") if "train" in file.tensors else None,
            program=_text(meta, "program"),
            output=meta.integer("output") if meta.has("output") else 0,
            position=meta.integer("position", -(2**31)) if meta.has("position") else None,
            loss=_text(meta, "loss") or _CLASSES,
            loss_options={
                name.removeprefix(LOSS_OPTION): file.read(name) for name in file.tensors if name.startswith(LOSS_OPTION)
            },
            at=_text(meta, "at"),
            pool=meta.integer("pool") if meta.has("pool") else len(targets),
            why_no_program=_text(meta, "why_no_program"),
        )


def read_chance(tensors: TensorStore, line: ProbeLine) -> float | None:
    """Return the accuracy of guessing: as the script stated it, else 1 / number of classes; None where unknown.

    Classes are what the stored targets of cross-entropy differ in, ignored ones left out; of targets that are
    probabilities, `[…, classes]`, the last axis. The targets of other losses are no classes.

    Raises:
        DamagedError: the targets are not what was written.
        RefusedError: a member of the line is not what it must be.
    """
    meta = line.meta
    if meta.has("chance"):
        return meta.share("chance")
    if (_text(meta, "loss") or _CLASSES) != _CLASSES:
        return None
    with tensors.open(line.file) as file:
        targets = file.read("targets")
    if np.issubdtype(targets.dtype, np.integer):
        classes = len(np.unique(targets[targets != IGNORED]))
    else:
        classes = targets.shape[-1] if targets.ndim > 1 else 0
    return 1.0 / classes if classes > 1 else None


def read_program(folder: RunFolder, line: ProgramLine) -> bytes:
    """Read a feature program's JSON; raises `DamagedError` where it is not what was written."""
    text = folder.read(line.file, MAX_PROGRAM_JSON)
    if len(text) != line.size or crc32(text) != line.file_crc:
        raise DamagedError(f"{folder.where(line.file)}: CRC mismatch")
    return text


def read_constants(tensors: TensorStore, line: ProgramLine) -> dict[str, NDArray[Any]]:
    """Read the tensors that a feature program names, by name."""
    if line.constants is None:
        return {}
    with tensors.open(line.constants) as file:
        return {name: file.read(name) for name in file.tensors}


def _order(file: OpenTensors, name: str, size: int) -> NDArray[np.int64]:
    file.expect(name, "I64", file[name].shape[:1])
    order = file.read(name)
    if len(order) and (order.min() < 0 or order.max() >= size):
        file.damaged(f"{name} must hold positions below {size}")
    return order


def _text(meta: Members, name: str) -> str | None:
    return meta.message(name) if meta.has(name) else None
