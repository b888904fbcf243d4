"""Probes: the pool that a script names for a task, its two drawings, and the program that maps it to the task's output.

Decides what of a pool is stored and how probes and fixed batches are drawn. A model that cannot be captured, or a
request that makes no sense, is refused by name; everything else goes on being recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from recorders.active import ActiveRecording
from recorders.errors import RefusedError, SedscopeError, UsageError
from recorders.format import LOSS_OPTION, PROBE_DRAW, PROBE_POOL_BYTES, PROBE_POOL_EXAMPLES
from recorders.losses import TaskLoss, check_targets, marked, task_loss

_LEAST_DRAWN: Final = 1_024
"""Examples of each drawing that are kept however large they are: the canonical number of probes."""


@dataclass(frozen=True)
class ProbeRequest:
    """A script's request for probes, without its tensors."""

    task: str
    at: str | None
    output: Any
    position: int | None
    loss: Any
    run: Callable[..., Any] | None
    chance: float | None


def add_probe(
    recording: ActiveRecording,
    request: ProbeRequest,
    model: nn.Module,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor,
    train: Tensor | None,
) -> None:
    """Store a task's pool and program; what is refused is said once and noted in the run."""
    try:
        listed = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        loss = _check(request, model, listed, targets, train)
        loss, targets = marked(loss, targets)
    except UsageError as error:
        recording.output.tell("refused", f"probe {request.task}: {error}")
        return
    if not recording.add_task(request.task):
        return
    capture, output, why_not = None, 0, None
    try:
        capture = _capture(recording, request, model, listed)
        output = 0 if callable(request.output) else _index(request.output, capture.outputs)
    except SedscopeError as refusal:
        why_not = str(refusal)
    except Exception as error:  # noqa: BLE001  whatever a foreign model does in export must not end the recording
        why_not = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if capture is not None and why_not is None:
        try:
            check_targets(loss, (len(targets), *capture.output_shapes[output]), request.position, targets)
        except UsageError as error:
            recording.output.tell("refused", f"probe {request.task}: {error}")
            return
    if why_not is not None:
        capture = None
        recording.output.tell("refused", f"probe {request.task}: no feature program: {why_not}")
    meta = {
        "task": request.task,
        "output": output,
        "position": request.position,
        "loss": loss.name,
        "at": None if capture is None else capture.at,
        "pool": len(targets),
        "chance": request.chance,
        "why_no_program": why_not,
    }
    tensors = draw(listed, targets, train, recording.options.probe_seed)
    tensors |= {f"{LOSS_OPTION}{name}": value.double().cpu().contiguous() for name, value in loss.options.items()}
    recording.output.probe(request.task, tensors, meta, capture)


def draw(inputs: Sequence[Tensor], targets: Tensor, train: Tensor | None, seed: int) -> dict[str, Tensor]:
    """Return the stored tensors of a pool: inputs and targets [M, …], two independent drawings, positions in the pool.

    A pool within the format's caps is stored whole. Of a larger one the examples are kept that the drawings begin with.

    Args:
        inputs: each [pool, …].
        targets: [pool, …].
        train: [pool] or None.
        seed: of a generator of our own: the training's random numbers are left alone.
    """
    pool = len(targets)
    generator = torch.Generator("cpu").manual_seed(seed)
    probes, batch = (torch.randperm(pool, generator=generator, device="cpu") for _ in range(2))
    count = _drawn_count(pool, sum(tensor.nbytes for tensor in [*inputs, targets]))
    if count < pool:
        probes, batch = probes[:count], batch[:count]
    example = torch.unique(torch.cat((probes, batch)))  # sorted
    tensors = {f"inputs.{index}": _rows(tensor, example) for index, tensor in enumerate(inputs)}
    tensors |= {
        "targets": _rows(targets, example),
        "order.probes": torch.searchsorted(example, probes),
        "order.batch": torch.searchsorted(example, batch),
        "example": example,
    }
    return tensors if train is None else tensors | {"train": _rows(train.bool(), example)}


def _drawn_count(pool: int, size: int) -> int:
    """Return how many examples of each drawing are kept; all of a small pool."""
    if pool <= PROBE_POOL_EXAMPLES and size <= PROBE_POOL_BYTES:
        return pool
    affordable = PROBE_POOL_BYTES * pool // (2 * max(size, 1))
    return min(pool, PROBE_DRAW, max(affordable, _LEAST_DRAWN))


def _rows(tensor: Tensor, example: Tensor) -> Tensor:
    return tensor.detach()[example.to(tensor.device)].cpu().contiguous()


def _check(
    request: ProbeRequest, model: nn.Module, inputs: list[Tensor], targets: Tensor, train: Tensor | None
) -> TaskLoss:
    if not isinstance(request.task, str) or not request.task:
        raise UsageError(f"task must be a text, found {request.task!r:.80}")
    if not isinstance(model, nn.Module):
        raise UsageError(f"model must be a torch.nn.Module, found {type(model).__name__}")
    tensors = {f"inputs[{index}]": tensor for index, tensor in enumerate(inputs)} | {"targets": targets}
    for name, tensor in tensors.items() if train is None else (tensors | {"train": train}).items():
        if not isinstance(tensor, Tensor) or tensor.ndim == 0:
            raise UsageError(f"{name} must be a tensor with an axis of examples, found {type(tensor).__name__}")
        if tensor.layout != torch.strided or tensor.is_complex():
            raise UsageError(f"{name} must be a dense tensor of real numbers, found {tensor.layout}, {tensor.dtype}")
        if len(tensor) != len(targets) or not len(tensor):
            raise UsageError(f"{name} must hold as many examples as targets, found {len(tensor)} and {len(targets)}")
    if not inputs:
        raise UsageError("inputs must be one tensor or several, found none")
    loss = task_loss(request.loss)
    chance = request.chance
    if chance is not None and not (isinstance(chance, int | float) and 0.0 <= chance < 1.0):
        raise UsageError(f"chance must be at least 0 and below 1, or None; found {chance!r:.80}")
    if isinstance(request.position, bool) or not isinstance(request.position, int | None):
        raise UsageError(f"position must be a whole number or None, found {request.position!r:.80}")
    return loss


def _capture(recording: ActiveRecording, request: ProbeRequest, model: nn.Module, inputs: list[Tensor]) -> Any:
    """Return the task's program, shared with other tasks of the same model that are called in the same way."""
    if not recording.adopt(model):
        raise RefusedError("the model is not the one that is recorded; probe the outermost model that is trained")
    function = request.output if callable(request.output) else None
    shapes = tuple((tensor.dtype, tensor.shape[1:]) for tensor in inputs)
    key = (id(model), request.at, request.run, function, shapes)
    if key not in recording.captures:
        recording.captures[key] = _capture_all(request, model, inputs, function)
    return recording.captures[key]


def _capture_all(
    request: ProbeRequest, model: nn.Module, inputs: list[Tensor], function: Callable[[Any], Any] | None
) -> Any:
    """Capture every output of the model at once, or, where some cannot be stored, the requested one alone."""
    from recorders.program import ProgramRefused, capture_program

    if function is not None:
        run = request.run or (lambda model, *arguments: model(*arguments))
        return capture_program(model, inputs, at=request.at, run=lambda *arguments: function(run(*arguments)))
    try:
        return capture_program(model, inputs, at=request.at, run=request.run)
    except ProgramRefused as refusal:
        if request.output is None or not str(refusal).startswith("output"):
            raise
        return capture_program(model, inputs, at=request.at, select=request.output, run=request.run)


def _index(output: Any, names: Sequence[str]) -> int:
    if output is None and len(names) == 1:
        return 0
    if isinstance(output, int) and -len(names) <= output < 0:
        return len(names) + output
    if str(output) in names:
        return list(names).index(str(output))
    choices = ", ".join(repr(name) for name in names)
    raise UsageError(f"output must name one of what the model returns ({choices}); found {output!r:.80}")
