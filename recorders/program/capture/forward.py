"""One forward as a capture sees it: inputs and δ in, the selected outputs out.

Decides at which module δ is added (a named one's output, by default the token embedding's, else the input), how it gets
there, and which tensors of a return value are outputs. That the feature point is called exactly once in a forward is
required here: with two calls one δ would mean two displacements.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from recorders.errors import ProgramRefused

Selector = str | int
"""A key, an index or the name of an attribute."""
AT_INPUT = ""
"""Feature point of a model that takes floating inputs: the first of them."""
Run = Callable[..., Any]
MODEL = "model"
"""Name of the user's model inside `Forward`: the prefix of its weights."""


def pick_outputs(returned: Any, select: Selector | None) -> dict[str, Tensor]:
    """Return the outputs by name: `""` for a bare tensor, else keys, indices or field names.

    With a selector the one output it names; without, every tensor of a mapping, sequence or dataclass.

    Raises:
        ProgramRefused: there is no such entry, or what is there is not a floating tensor.
    """
    if select is not None:
        return {str(select): _floating(_entry(returned, select), str(select))}
    if isinstance(returned, Tensor):
        return {"": _floating(returned, "")}
    entries = _entries(returned)
    if not entries:
        raise ProgramRefused(f"output: a tensor or a structure of tensors is required, found {type(returned).__name__}")
    return {name: _floating(value, name) for name, value in entries.items() if value is not None}


def _entries(returned: Any) -> dict[str, Any]:
    if isinstance(returned, Mapping):
        return {str(key): value for key, value in returned.items()}
    if isinstance(returned, tuple) and hasattr(returned, "_fields"):
        return dict(zip(returned._fields, returned, strict=True))
    if isinstance(returned, (tuple, list)):
        return {str(index): value for index, value in enumerate(returned)}
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {field.name: getattr(returned, field.name) for field in dataclasses.fields(returned)}
    return {}


def _entry(returned: Any, select: Selector) -> Any:
    if isinstance(returned, Mapping) and select in returned:
        return returned[select]
    if isinstance(select, int) and isinstance(returned, (tuple, list)) and -len(returned) <= select < len(returned):
        return returned[select]
    if isinstance(select, str) and not isinstance(returned, Tensor) and hasattr(returned, select):
        return getattr(returned, select)
    choices = ", ".join(_entries(returned)) or "nothing to select from"
    raise ProgramRefused(f"output: {select!r} is not in what the model returned ({type(returned).__name__}: {choices})")


def _floating(value: Any, name: str) -> Tensor:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    kind = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
    hint = "" if isinstance(value, Tensor) else "; select the one output that is meant"
    raise ProgramRefused(f"output: {name!r} must be a floating tensor, found {kind}{hint}")


@dataclass
class Calls:
    """Observations of the feature point during one forward."""

    count: int = 0
    shape: tuple[int, ...] = field(default=())
    dtype: torch.dtype = torch.float32


def find_feature_point(model: nn.Module, at: str | None, inputs: Sequence[Tensor], run: Run) -> str:
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


def call(model: nn.Module, *inputs: Tensor) -> Any:
    """Run a model as it is run unless told otherwise."""
    return model(*inputs)


class Forward(nn.Module):
    """The model with δ at its feature point. Called once without δ's effect by `rehearse`, then exported."""

    def __init__(self, model: nn.Module, point: str, run: Run, select: Selector | None) -> None:
        super().__init__()
        self.model = model
        self.point = point
        self._run = run
        self._select = select

    def forward(self, inputs: tuple[Tensor, ...], delta: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, in the order of `rehearse`."""
        return tuple(self.named(inputs, delta)[0].values())

    def named(self, inputs: tuple[Tensor, ...], delta: Tensor) -> tuple[dict[str, Tensor], Calls]:
        """Return the outputs by name, and the calls of the feature point."""
        with displaced(self.model, self.point, inputs, delta) as (displaced_inputs, calls):
            returned = self._run(self.model, *displaced_inputs)
        return pick_outputs(returned, self._select), calls

    def rehearse(self, inputs: tuple[Tensor, ...]) -> tuple[dict[str, tuple[int, ...]], Calls]:
        """Return the outputs' shapes for one example, by name, and the feature, from one real forward.

        Raises:
            ProgramRefused: the batch is not the first axis of the feature or of an output.
        """
        with torch.no_grad():
            outputs_by_name, calls = self.named(inputs, torch.zeros((), device=inputs[0].device))
        batch = inputs[0].shape[0]
        if calls.shape[:1] != (batch,):
            raise ProgramRefused(f"at: the feature's first axis must be the batch ({batch}), found {list(calls.shape)}")
        for name, tensor in outputs_by_name.items():
            if tensor.shape[:1] != (batch,):
                raise ProgramRefused(
                    f"output: the first axis of {name!r} must be the batch ({batch}), found {list(tensor.shape)}"
                )
        return {name: tuple(tensor.shape[1:]) for name, tensor in outputs_by_name.items()}, calls
