"""Gradients of sums over fixed examples at given weights: fixed gradients, and the sums that controls are made of.

The mean loss is ∇ of Σ_x loss_x / (number of targets), chunk by chunk, so that memory stays bounded and the chunk does
not matter beyond rounding. Leaves to others: the model, in eval mode, and which examples are in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from recorders.errors import UsageError
from recorders.program import refusing
from sedscope.analysis.arrays import Floats

Outputs: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor]], Tensor]
"""outputs(state, inputs) → the task's output `[n, …]`, differentiable in `state`."""
Summed: TypeAlias = Callable[[Mapping[str, Tensor], slice], Tensor]
"""summed(state, examples) → a scalar: a sum over some of the examples."""
Sums: TypeAlias = Callable[[Mapping[str, Tensor], slice], Sequence[Tensor]]
"""sums(state, examples) → several such scalars from one forward pass."""

IGNORED = -100
"""Class targets of this value count for nothing, as in torch's cross-entropy."""


def _cross_entropy(output: Tensor, targets: Tensor) -> Tensor:
    classes = output.shape[-1]
    return functional.cross_entropy(
        output.reshape(-1, classes), targets.reshape(-1), reduction="none", ignore_index=IGNORED
    )


def _mse(output: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(output.reshape(targets.shape), targets.to(output.dtype), reduction="none")


def _bce_with_logits(output: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(
        output.reshape(targets.shape), targets.to(output.dtype), reduction="none"
    )


_ELEMENTWISE: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "mse": _mse,
    "bce_with_logits": _bce_with_logits,
}
LOSSES = tuple(_ELEMENTWISE)
"""The losses that a probe can name."""


def example_losses(loss: str, output: Tensor, targets: Tensor) -> Tensor:
    """The loss of each example `[n]`, summed over its positions or outputs."""
    return _ELEMENTWISE[loss](output, targets).reshape(len(targets), -1).sum(1)


def count_targets(loss: str, targets: Tensor) -> int:
    """How many targets the mean loss is over: every one that is not ignored, as torch's losses take it.

    Raises:
        UsageError: an unknown loss, or no target that counts.
    """
    if loss not in LOSSES:
        raise UsageError(f"loss: must be one of {', '.join(LOSSES)}; found {loss}")
    count = int((targets != IGNORED).sum()) if loss == "cross_entropy" else targets.numel()
    if count == 0:
        raise UsageError("loss: the fixed batch holds no target that counts")
    return count


def loss_gradient(
    outputs: Outputs,
    state: Mapping[str, Tensor],
    selected: Sequence[str],
    inputs: Sequence[Tensor],
    targets: Tensor,
    *,
    loss: str = "cross_entropy",
    chunk: int | None = None,
) -> Floats:
    """Gradient of the mean loss over the fixed batch by the selected parameters, unclipped.

    Args:
        outputs: The model's output for the task.
        state: Every weight by name, on one device.
        selected: Names of the selected parameters in flattening order.
        inputs: Of the fixed batch `[M, …]` each.
        targets: Of the fixed batch `[M, …]`.
        loss: A name in `LOSSES`. The mean is over every target that is not ignored.
        chunk: Examples differentiated at once; None takes all.

    Returns:
        float64 `[P]`, computed in the dtype of the state.

    Raises:
        UsageError: an unknown loss, or no target that counts.
    """
    count = count_targets(loss, targets)

    def summed(weights: Mapping[str, Tensor], part: slice) -> Tensor:
        return example_losses(loss, outputs(weights, [tensor[part] for tensor in inputs]), targets[part]).sum()

    return gradient_of_sum(summed, state, selected, len(targets), chunk=chunk) / count


def gradient_of_sum(
    summed: Summed, state: Mapping[str, Tensor], selected: Sequence[str], n_examples: int, *, chunk: int | None = None
) -> Floats:
    """∂ Σ_x f_x / ∂θ_selected `[P]` in float64, chunk by chunk; parameters without influence contribute zero.

    Raises:
        UsageError: chunk < 1.
    """

    def one(weights: Mapping[str, Tensor], part: slice) -> list[Tensor]:
        return [summed(weights, part)]

    return gradients_of_sums(one, state, selected, n_examples, chunk=chunk)[0]


def gradients_of_sums(
    sums: Sums, state: Mapping[str, Tensor], selected: Sequence[str], n_examples: int, *, chunk: int | None = None
) -> list[Floats]:
    """The same for several sums that share one forward pass; each of them costs one backward pass.

    Args:
        sums: Every sum over some of the examples; always as many.
        state: Every weight by name, on one device.
        selected: Names of the selected parameters in flattening order.
        n_examples: How many examples there are.
        chunk: Examples differentiated at once; None takes all.

    Returns:
        float64 `[P]` of each sum.

    Raises:
        UsageError: chunk < 1.
    """
    step = n_examples if chunk is None else chunk
    if step < 1:
        raise UsageError(f"chunk: must be at least 1 example; found {step}")
    leaves = [state[name].detach().requires_grad_() for name in selected]
    weights = {**state, **dict(zip(selected, leaves, strict=True))}
    gradients: list[Tensor] = []
    for first in range(0, n_examples, step):
        with torch.enable_grad(), refusing("its loss"):
            totals = sums(weights, slice(first, min(first + step, n_examples)))
        parts = [_gradient(total, leaves, last=total is totals[-1]) for total in totals]
        gradients = [sum_ + part for sum_, part in zip(gradients, parts, strict=True)] if gradients else parts
    return [gradient.cpu().numpy() for gradient in gradients]


def _gradient(total: Tensor, leaves: Sequence[Tensor], *, last: bool) -> Tensor:
    """Gradient of one sum `[P]` in float64; the graph is let go with the last one."""
    if not total.requires_grad:
        return torch.zeros(sum(leaf.numel() for leaf in leaves), dtype=torch.float64, device=leaves[0].device)
    with refusing():
        parts = torch.autograd.grad(total, leaves, retain_graph=not last, allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts]).double()
