"""The point where δ is added: a named module's output, by default the token embedding's, else the input.

Decides which module that is and how δ gets there. That it is called exactly once in a forward is required here: with
two calls one δ would mean two displacements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from recorders.errors import ProgramRefused

AT_INPUT = ""
"""Feature point of a model that takes floating inputs: the first of them."""

Run = Callable[..., Any]


@dataclass
class Calls:
    """Observations of the feature point during one forward."""

    count: int = 0
    shape: tuple[int, ...] = field(default=())
    dtype: torch.dtype = torch.float32


def find(model: nn.Module, at: str | None, inputs: Sequence[Tensor], run: Run) -> str:
    """Return the feature point's module name, or `AT_INPUT`.

    Raises:
        ProgramRefused: no module has this name, or the embedding cannot be told.
    """
    if at is not None:
        return _named(model, at)
    if any(tensor.is_floating_point() for tensor in inputs):
        return AT_INPUT
    return _token_embedding(model, inputs, run)


def _named(model: nn.Module, at: str) -> str:
    names = [name for name, _ in model.named_modules() if name]
    if at not in names:
        some = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
        raise ProgramRefused(f"at: a module of the model is required, found {at!r}; known: {some}")
    return at


def _token_embedding(model: nn.Module, inputs: Sequence[Tensor], run: Run) -> str:
    """Return the embedding that is fed something that differs between examples: positions do not."""
    candidates: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            indices = arguments[0] if arguments else None
            if isinstance(indices, Tensor) and _varies(indices, inputs[0].shape[0]):
                candidates.append(name)

        return hook

    embeddings = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Embedding)]
    handles = [module.register_forward_pre_hook(watch(name)) for name, module in embeddings]
    try:
        with torch.no_grad():
            run(model, *inputs)
    finally:
        for handle in handles:
            handle.remove()
    if not candidates:
        raise ProgramRefused("at: the token embedding cannot be told; name the module whose output is the feature")
    return candidates[0]


def _varies(indices: Tensor, batch: int) -> bool:
    return indices.ndim > 0 and indices.shape[0] == batch and bool((indices != indices[:1]).any())


@contextmanager
def displaced(
    model: nn.Module, point: str, inputs: Sequence[Tensor], delta: Tensor
) -> Iterator[tuple[list[Tensor], Calls]]:
    """Yield the inputs to run the model with; δ is added at the feature point while the context lasts."""
    calls = Calls()
    if point == AT_INPUT:
        first = next((i for i, tensor in enumerate(inputs) if tensor.is_floating_point()), None)
        if first is None:
            raise ProgramRefused("at: integer inputs cannot be displaced; name the module whose output is the feature")
        displaced_inputs = [tensor + delta if i == first else tensor for i, tensor in enumerate(inputs)]
        calls.count, calls.shape, calls.dtype = 1, tuple(displaced_inputs[first].shape), displaced_inputs[first].dtype
        yield displaced_inputs, calls
        return
    handle = model.get_submodule(point).register_forward_hook(_adder(point, delta, calls))
    try:
        yield list(inputs), calls
    finally:
        handle.remove()
    if calls.count != 1:
        raise ProgramRefused(f"at: {point!r} must be called once in a forward, found {calls.count} calls; name another")


def _adder(point: str, delta: Tensor, calls: Calls) -> Callable[[nn.Module, Any, Any], Tensor]:
    def hook(_: nn.Module, __: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            raise ProgramRefused(
                f"at: the output of {point!r} must be one floating tensor, found {type(output).__name__}"
            )
        calls.count, calls.shape, calls.dtype = calls.count + 1, tuple(output.shape), output.dtype
        return output + delta

    return hook
