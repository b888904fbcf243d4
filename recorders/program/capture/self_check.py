"""The captured program against the live model, before anything is stored: outputs, gradients, another batch.

Decides the tolerances. An export can be silently wrong where it matters here: a `detach` that came off, a custom
backward that was lost, examples that influence each other. What differs is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.func import functional_call

from recorders.errors import ProgramRefused, RefusedError
from recorders.program.capture.forward import MODEL, Forward
from recorders.program.execution.interpreter import Program
from recorders.selection.parameter_selection import clean, clean_names

_TOLERANCE: Final = {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 5e-2, torch.bfloat16: 1e-1}
"""Greatest difference over greatest value. Kernels differ by rounding; a lost operation by tens of per cent."""

Gradients = dict[str, Tensor]


def check(program: Program, forward: Forward, inputs: tuple[Tensor, ...]) -> None:
    """Compare program and model on these examples.

    Raises:
        ProgramRefused: they differ; the message names the output or the weight.
    """
    state = _leaves(program, forward)
    delta = torch.zeros(
        (inputs[0].shape[0], *program.feature_shape),
        dtype=getattr(torch, program.graph.delta.dtype),
        device=inputs[0].device,
        requires_grad=True,
    )
    live = _live(forward, state, inputs, delta)
    _check_leaves(live, [*state.values(), delta])
    ours = _ours(program, state, inputs, delta)
    for name, expected, captured in zip(program.output_names, live, ours, strict=True):
        _compare(f"output {name!r}", expected, captured, "")
    _check_gradients(live, ours, {**state, "delta": delta})
    _check_second_derivative(ours, state, delta)
    _check_smaller_batch(program, forward, state, inputs)


def _leaves(program: Program, forward: Forward) -> dict[str, Tensor]:
    """Return the model's state, sharing its memory; a gradient of floating weights never reaches the model's own."""
    tensors = {**dict(forward.model.named_parameters()), **dict(forward.model.named_buffers())}
    parameters = {name for name, _ in forward.model.named_parameters()}
    used_names = set(program.state_names)
    return {
        name: tensor.detach().requires_grad_(name in parameters and tensor.is_floating_point())
        for name, tensor in tensors.items()
        if name in parameters or clean(name) in used_names
    }


def _live(
    forward: Forward, state: Mapping[str, Tensor], inputs: tuple[Tensor, ...], delta: Tensor
) -> tuple[Tensor, ...]:
    placed = {f"{MODEL}.{name}": tensor for name, tensor in state.items()}
    outputs: tuple[Tensor, ...] = functional_call(forward, placed, (inputs, delta))
    return outputs


def _ours(program: Program, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor) -> tuple[Tensor, ...]:
    try:
        return program.run(clean_names(state), inputs, delta)
    except RefusedError as error:
        raise ProgramRefused(f"model: the captured program does not run: {error}") from error


def _compare(what: str, expected: Tensor, captured: Tensor, hint: str, scale: float = 0.0) -> None:
    if expected.shape != captured.shape or expected.dtype != captured.dtype:
        raise ProgramRefused(
            f"model: {what} is {expected.dtype} {list(expected.shape)},"
            f" its capture {captured.dtype} {list(captured.shape)}"
        )
    apart, size = _difference(expected, captured, scale)
    if not apart <= _TOLERANCE.get(expected.dtype, 1e-3) * size:
        raise ProgramRefused(f"model: {what} differs in the captured program by {apart:.2g} of {size:.2g}{hint}")


def _difference(expected: Tensor, captured: Tensor, scale: float) -> tuple[float, float]:
    if not expected.numel():
        return 0.0, scale
    same = (expected == captured) | (expected.isnan() & captured.isnan())
    apart = float(torch.where(same, 0.0, (expected - captured).abs()).max())
    return apart, max(float(expected.abs().nan_to_num(0.0, 0.0, 0.0).max()), scale)


def _check_gradients(live: Sequence[Tensor], ours: Sequence[Tensor], leaves: Mapping[str, Tensor]) -> None:
    """Compare ∂⟨ξ, y⟩ of both for one cotangent ξ: torch's own backward of the model is the reference."""
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.randn(y.shape, generator=generator, dtype=torch.float64) for y in live)
    cotangents = [xi.to(y.device, y.dtype) for xi, y in zip(drawn, live, strict=True)]
    expected = _gradients(live, cotangents, leaves, keep=False)
    captured = _gradients(ours, cotangents, leaves, keep=True)
    hint = _hint(live)
    for group in (set(leaves) - {"delta"}, {"delta"}):
        # A weight whose gradient vanishes (a key bias) is compared with the size of the others.
        largest = max((float(expected[name].abs().max()) for name in group if expected[name].numel()), default=0.0)
        for name in sorted(group):
            _compare(f"gradient of {name!r}", expected[name], captured[name], hint, 1e-2 * largest)


def _gradients(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor], leaves: Mapping[str, Tensor], *, keep: bool
) -> Gradients:
    trained = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    differentiable = [(y, xi) for y, xi in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not differentiable:
        return {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    gradients = torch.autograd.grad(
        [y for y, _ in differentiable],
        list(trained.values()),
        [xi for _, xi in differentiable],
        retain_graph=keep,
        allow_unused=True,
    )
    by_name = dict(zip(trained, gradients, strict=True))
    return {
        name: g if (g := by_name.get(name)) is not None else torch.zeros_like(leaf) for name, leaf in leaves.items()
    }


def _hint(outputs: Sequence[Tensor]) -> str:
    """Return the likely reason: names of custom autograd functions behind the outputs."""
    custom = torch.autograd.function.BackwardCFunction
    names = sorted(
        {type(node).__name__.removesuffix("Backward") for node in _behind(outputs) if isinstance(node, custom)}
    )
    return f"; autograd.Function {', '.join(names)} has a backward that a capture loses" if names else ""


def _check_leaves(outputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> None:
    """Refuse a gradient that reaches what is no weight by name: that would be stored as a constant."""
    for node in _behind(outputs):
        leaf = getattr(node, "variable", None)
        if leaf is not None and not any(leaf is tensor for tensor in leaves):
            shape = list(leaf.shape)
            raise ProgramRefused(f"model: a tensor of shape {shape} is trained but is not in the model's state dict")


def _behind(outputs: Sequence[Tensor]) -> set[Any]:
    seen: set[Any] = set()
    waiting: list[Any] = [y.grad_fn for y in outputs]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting.extend(after for after, _ in node.next_functions)
    return seen


def _check_second_derivative(outputs: Sequence[Tensor], state: Mapping[str, Tensor], delta: Tensor) -> None:
    """Take ∂/∂δ of ∂Σy/∂θ, of which Jacobian-vector products are made, to see that it exists."""
    weights = [leaf for leaf in state.values() if leaf.requires_grad]
    sums = [y.sum() for y in outputs if y.requires_grad]
    if not weights or not sums:
        return
    try:
        first = torch.autograd.grad(sums, weights, create_graph=True, allow_unused=True)
        products = [g.sum() for g in first if g is not None and g.requires_grad]
        if products:
            torch.autograd.grad(products, delta, allow_unused=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise ProgramRefused(f"model: an operation has no second derivative: {reason}") from error


def _check_smaller_batch(
    program: Program, forward: Forward, state: Mapping[str, Tensor], inputs: tuple[Tensor, ...]
) -> None:
    """Compare on a batch size that the export did not see: what it took for a constant shows."""
    smaller = tuple(tensor[_order(inputs)] for tensor in inputs)
    if smaller[0].shape[0] < program.batch_range[0]:
        return
    no_displacement = torch.zeros((), dtype=getattr(torch, program.graph.delta.dtype), device=inputs[0].device)
    with torch.no_grad():
        live, ours = _live(forward, state, smaller, no_displacement), _ours(program, state, smaller, no_displacement)
    for name, expected, captured in zip(program.output_names, live, ours, strict=True):
        _compare(f"output {name!r} on a smaller batch", expected, captured, "")


def check_independence(forward: Forward, inputs: tuple[Tensor, ...], names: Sequence[str]) -> None:
    """Run some examples in another order, one of them twice: each must give what it gave among all.

    Raises:
        ProgramRefused: an output of one example depends on the others.
    """
    order = _order(inputs)
    no_displacement = torch.zeros((), device=inputs[0].device)
    with torch.no_grad():
        all_outputs = forward(inputs, no_displacement)
        reordered = forward(tuple(tensor[order] for tensor in inputs), no_displacement)
    for name, together, alone in zip(names, all_outputs, reordered, strict=True):
        apart, size = _difference(together[order], alone, 1e-3)
        if not apart <= _TOLERANCE.get(alone.dtype, 1e-3) * size:
            raise ProgramRefused(
                f"model: examples influence each other: output {name!r} of one changes by {apart:.2g} of {size:.2g} "
                "with the others"
            )


def _order(inputs: tuple[Tensor, ...]) -> list[int]:
    batch = inputs[0].shape[0]
    order = [(3 * i + 2) % batch for i in range(max(batch - 2, 1))]
    return [*order[:-1], order[0]]
