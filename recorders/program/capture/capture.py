"""A model becomes a program: feature point, graph, self-check, and nothing of it remains in the model.

Decides the order of the steps, which examples are used and which rung of the ladder is taken. Everything else is
decided in the modules that the steps are named after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from recorders.errors import ProgramRefused, RefusedError
from recorders.program.capture import exporting, self_check
from recorders.program.capture.convert import Converted, convert
from recorders.program.capture.exporting import OutsideTable
from recorders.program.capture.forward import Calls, Forward, Run, Selector, call, find_feature_point
from recorders.program.capture.leave_no_trace import untouched
from recorders.program.execution.interpreter import load
from recorders.program.storage.graph import encode
from recorders.selection.parameter_selection import unwrap

EXAMPLES: Final = 7
"""Batch of the export and of the self-check. One would be specialised, many cost time inside a training, and a size
that a model has among its own axes can be taken for one of them."""


@dataclass(frozen=True)
class Capture:
    """A feature program, ready to be stored."""

    program_json: bytes
    constants: dict[str, Tensor]
    """On the CPU, by the names that the JSON uses."""
    outputs: tuple[str, ...]
    """Names of the outputs in order; `""` for a model that returns one tensor."""
    output_shapes: tuple[tuple[int, ...], ...]
    """Shape of each output for one example, in the same order."""
    at: str
    """The feature point that was taken; `""` is the first floating input."""
    state_names: tuple[str, ...]
    """Names, in the model's state dict, of the weights and buffers that the program asks for."""


def capture_program(
    model: nn.Module,
    inputs: Sequence[Tensor],
    *,
    at: str | None = None,
    select: Selector | None = None,
    run: Run | None = None,
) -> Capture:
    """Return the model's forward in eval mode, from inputs and δ to its outputs, as data.

    The model, its buffers and flags, and all random states are afterwards what they were before.

    Args:
        model: compiled models and data-parallel wrappers are unwrapped first.
        inputs: tensors [M, …] on any device, of which a few examples are used.
        at: module to whose output δ is added; None: the token embedding, or the first floating input.
        select: key, index or attribute of the output; None: every tensor of what the model returns.
        run: `run(model, *inputs)` in the place of `model(*inputs)`.

    Raises:
        ProgramRefused: the forward cannot be stored, or the stored one would not be the model's; the message names
            the operation, the module or the argument.
    """
    plain = unwrap(model)
    examples = _examples(plain, inputs)
    with untouched(plain):
        _unwrap_children(plain)
        plain.eval()
        try:
            forward = Forward(plain, find_feature_point(plain, at, examples, run or call), run or call, select)
            shapes, feature = forward.rehearse(examples)
            names = tuple(shapes)
            graph, program_json = _first_good_rung(forward, examples, names, feature)
            state_names = tuple(spec.name for spec in graph.graph.state)
            output_shapes = tuple(shapes.values())
            return Capture(program_json, graph.constants, names, output_shapes, forward.point, state_names)
        except ProgramRefused:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ProgramRefused(f"model: it could not be captured: {type(error).__name__}: {reason}") from error


def _unwrap_children(model: nn.Module) -> None:
    """Put every wrapped submodule itself in its wrapper's place; `untouched` undoes it."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            module._modules[name] = unwrap(child)
        module.__dict__.pop("_compiled_call_impl", None)


def _examples(model: nn.Module, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return a few examples from all over the pool on the model's device, repeated if the pool is smaller."""
    sizes = {tensor.shape[0] if tensor.ndim else 0 for tensor in inputs}
    if len(sizes) != 1 or not min(sizes):
        raise ProgramRefused(
            f"inputs: tensors with one batch axis of the same size are required, found {sorted(sizes)}"
        )
    size = min(sizes)
    indices = torch.arange(EXAMPLES) * size // EXAMPLES if size >= EXAMPLES else torch.arange(EXAMPLES) % size
    home = next((parameter.device for parameter in model.parameters()), inputs[0].device)
    return tuple(tensor.detach()[indices.to(tensor.device)].to(home) for tensor in inputs)


def _first_good_rung(
    forward: Forward, inputs: tuple[Tensor, ...], names: tuple[str, ...], feature: Calls
) -> tuple[Converted, bytes]:
    """Return the first rung that can be stored and passes the self-check."""
    refusals: list[ProgramRefused] = []
    delta = torch.zeros((), dtype=feature.dtype, device=inputs[0].device)
    for exported in exporting.rungs(forward, inputs, delta):
        try:
            converted = convert(exported, forward, names, feature)
            # Not before: of a random model, or one with `.item()`, the operation is the thing to name.
            self_check.check_independence(forward, inputs, names)
            program_json = encode(converted.graph)
            self_check.check(load(program_json, converted.constants), forward, inputs)
            return converted, program_json
        except ProgramRefused as refusal:
            refusals.append(refusal)
        except RefusedError as refusal:  # arguments that the table does not allow
            refusals.append(OutsideTable(f"model: {refusal}", only_in_place=False))
    raise min(refusals, key=_rank)


def _rank(refusal: ProgramRefused) -> int:
    """Return how little a refusal says: a failed check says more than a missing operation, the first rung most."""
    if not isinstance(refusal, OutsideTable):
        return 0
    return 2 if refusal.only_in_place else 1
