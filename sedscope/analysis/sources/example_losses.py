"""The losses that a probe can name, example by example: what gradients at fixed examples are derivatives of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

from recorders.errors import UsageError

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


def example_losses(loss: str, output: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each example `[n]`, summed over its positions or outputs."""
    return _ELEMENTWISE[loss](output, targets).reshape(len(targets), -1).sum(1)


def count_targets(loss: str, targets: Tensor) -> int:
    """Return how many targets the mean loss is over: every one that is not ignored, as torch's losses take it.

    Raises:
        UsageError: An unknown loss, or no target that counts.
    """
    if loss not in _ELEMENTWISE:
        raise UsageError(f"loss: must be one of {', '.join(_ELEMENTWISE)}; found {loss}")
    count = int((targets != IGNORED).sum()) if loss == "cross_entropy" else targets.numel()
    if count == 0:
        raise UsageError("loss: the fixed batch holds no target that counts")
    return count
