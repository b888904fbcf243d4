"""Losses of fixed gradients: what a script may name, which targets each takes, and each example's loss.

The recorder checks a script's request against `LOSSES`, and the analysis computes with it. Everything here takes
classes on the last axis of an output, and targets that are ignored as `IGNORED`, whatever the script's own mark is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from recorders.errors import UsageError
from recorders.format import IGNORED

_SUM_TOLERANCE: Final = 1e-3
"""The distance from 1 that the sum of an example's probabilities may have: half precision is rounded that much."""

Options: TypeAlias = Mapping[str, Tensor]
"""Settings of a loss by their names in torch: numbers [], and weights of classes or outputs [C]."""


@dataclass(frozen=True)
class LossDefinition:
    """A loss that fixed gradients can be of."""

    module: type[nn.Module]
    """Its class in torch, whose instances can be given in the place of the name."""
    function: Callable[..., Tensor]
    """Its function in torch, which can be given too."""
    options: tuple[str, ...]
    """Attributes of the module that change the loss."""
    elementwise: Callable[[Tensor, Tensor, Options], Tensor]
    """(output, targets, options) → losses, example first."""
    misfit: Callable[[tuple[int, ...], Tensor], str | None]
    """(shape of the output, targets) → why they do not belong together, or None."""


@dataclass(frozen=True)
class TaskLoss:
    """The loss of a task with its settings."""

    name: str
    options: Options = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that is not in the registry."""
        if self.name not in LOSSES:
            raise UsageError(f"loss: must be one of {', '.join(LOSSES)}; found {self.name}")

    def of_examples(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each example `[n]`, summed over its positions or outputs."""
        return LOSSES[self.name].elementwise(output, targets, self.options).reshape(len(targets), -1).sum(1)

    def count(self, targets: Tensor) -> float:
        """Return what the mean loss divides the sum by, as torch's losses do: targets, or their classes' weights.

        Raises:
            UsageError: no target counts.
        """
        if self.name != "cross_entropy":
            count = float(targets.numel())
        elif targets.is_floating_point():
            count = float(targets.numel() // max(targets.shape[-1], 1))
        else:
            classes = targets[targets != IGNORED]
            weight = self.options.get("weight")
            count = float(len(classes)) if weight is None else float(weight.to(classes.device)[classes].double().sum())
        if count == 0:
            raise UsageError("loss: the fixed batch holds no target that counts")
        return count


def task_loss(loss: Any) -> TaskLoss:
    """Return the loss that a script means by a name, a function of `torch.nn.functional`, or a loss module.

    Raises:
        UsageError: another one, or a module in a form that the analysis does not have.
    """
    if isinstance(loss, str) and loss in LOSSES:
        return TaskLoss(loss)
    for name, definition in LOSSES.items():
        if loss is definition.function:
            return TaskLoss(name)
        if type(loss) is definition.module:
            values = {option: getattr(loss, option, None) for option in definition.options}
            options = {option: _as_tensor(value) for option, value in values.items() if value is not None}
            return TaskLoss(name, options)
    modules = ", ".join(f"torch.nn.{definition.module.__name__}" for definition in LOSSES.values())
    actual = type(loss).__name__ if isinstance(loss, nn.Module) else repr(loss)
    raise UsageError(f"loss must be one of {', '.join(LOSSES)}, or a {modules}; found {actual:.80}")


def _as_tensor(value: Any) -> Tensor:
    return value.detach().clone() if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def targets_at(targets: Tensor, position: int | None) -> Tensor:
    """Return the targets that belong to the output: at its position, where the pool holds a target per position."""
    return targets if position is None or targets.ndim < 2 else targets[:, position]


def check_targets(loss: TaskLoss, shape: tuple[int, ...], position: int | None, targets: Tensor) -> None:
    """Hold a pool's targets against the loss and the output `[M, …]`, whose shape is given.

    Raises:
        UsageError: they do not belong together.
    """
    if position is not None:
        if len(shape) < (3 if loss.name == "cross_entropy" else 2):
            raise UsageError(f"position: the output {list(shape)} has no axis of positions")
        if not -shape[1] <= position < shape[1]:
            raise UsageError(f"position must be below {shape[1]}, the positions of the output, found {position}")
        if targets.ndim > 1 and not -targets.shape[1] <= position < targets.shape[1]:
            raise UsageError(
                f"position must be below {targets.shape[1]}, the positions of the targets, found {position}"
            )
        shape = (shape[0], *shape[2:])
    misfit = LOSSES[loss.name].misfit(shape, targets_at(targets, position))
    if misfit is not None:
        raise UsageError(f"targets do not fit {loss.name}: {misfit}")
    for name, weight in loss.options.items():
        if weight.ndim and weight.numel() not in (1, shape[-1]):
            raise UsageError(f"loss: {name} must have {shape[-1]} entries, as the output has, found {weight.numel()}")


def marked(loss: TaskLoss, targets: Tensor) -> tuple[TaskLoss, Tensor]:
    """Return a loss without a mark of its own for ignored targets, and the targets marked as everywhere."""
    mark = loss.options.get("ignore_index")
    if mark is None:
        return loss, targets
    options = {name: value for name, value in loss.options.items() if name != "ignore_index"}
    if not targets.is_floating_point():
        targets = torch.where(targets == mark.to(targets.device), IGNORED, targets)
    return TaskLoss(loss.name, options), targets


def _cross_entropy(output: Tensor, targets: Tensor, options: Options) -> Tensor:
    classes = output.shape[-1]
    flat_targets = targets.reshape(-1, classes).to(output.dtype) if targets.is_floating_point() else targets.reshape(-1)
    return functional.cross_entropy(
        output.reshape(-1, classes),
        flat_targets,
        weight=_like(options.get("weight"), output),
        reduction="none",
        ignore_index=IGNORED,
        label_smoothing=_number(options, "label_smoothing", 0.0),
    )


def _bce(output: Tensor, targets: Tensor, options: Options) -> Tensor:
    return functional.binary_cross_entropy_with_logits(
        output.reshape(targets.shape),
        targets.to(output.dtype),
        weight=_like(options.get("weight"), output),
        pos_weight=_like(options.get("pos_weight"), output),
        reduction="none",
    )


def _numbers(
    loss: Callable[..., Tensor], option: str | None, output: Tensor, targets: Tensor, options: Options
) -> Tensor:
    settings = {} if option is None else {option: _number(options, option, 1.0)}
    return loss(output.reshape(targets.shape), targets.to(output.dtype), reduction="none", **settings)


def _number(options: Options, name: str, default: float) -> float:
    return float(options[name]) if name in options else default


def _like(weight: Tensor | None, output: Tensor) -> Tensor | None:
    return None if weight is None else weight.to(output.device, output.dtype)


def _class_misfit(shape: tuple[int, ...], targets: Tensor) -> str | None:
    """Say why targets are neither classes of such an output nor probabilities of its classes."""
    actual = f"found {str(targets.dtype).removeprefix('torch.')} {list(targets.shape)}"
    if targets.is_floating_point():
        if tuple(targets.shape) != shape:
            return f"class probabilities must have the output's shape {list(shape)}, {actual}"
        total = targets.double().sum(-1)
        if bool((targets < 0).any()) or not bool(((total - 1).abs() <= _SUM_TOLERANCE).all()):
            return 'class probabilities must not be negative and must sum to 1; for labels give loss="bce_with_logits"'
        return None
    if tuple(targets.shape) != shape[:-1]:
        hint = ""
        if tuple(targets.shape) == shape[:1] and len(shape) > 2:
            hint = "; position= takes one position, output= another output"
        elif len(shape) > 2 and tuple(targets.shape) == (shape[0], *shape[2:]):
            hint = "; classes must be on the last axis: give output=lambda output: output.movedim(1, -1)"
        return f"classes must have the shape {list(shape[:-1])} for an output {list(shape)}, {actual}{hint}"
    classes = targets[targets != IGNORED]
    if classes.numel() == 0:
        return "no target counts: all are ignored"
    least, greatest = int(classes.min()), int(classes.max())
    if least < 0 or greatest >= shape[-1]:
        return f"classes must be from 0 to {shape[-1] - 1}, or {IGNORED} where ignored; found {least} to {greatest}"
    return None


def _number_misfit(shape: tuple[int, ...], targets: Tensor) -> str | None:
    """Say why targets are not one number for each number of the output."""
    n_numbers = torch.Size(shape).numel()
    if targets.numel() != n_numbers:
        return f"there must be one for each number of the output {list(shape)}, found {list(targets.shape)}"
    if not bool(torch.isfinite(targets).all()):
        return "they must be finite"
    return None


def _probability_misfit(shape: tuple[int, ...], targets: Tensor) -> str | None:
    """Say why targets are not one probability for each logit of the output."""
    misfit = _number_misfit(shape, targets)
    if misfit is None and (bool((targets < 0).any()) or bool((targets > 1).any())):
        return f"they must be from 0 to 1, found {float(targets.min()):g} to {float(targets.max()):g}"
    return misfit


LOSSES: Final[Mapping[str, LossDefinition]] = {
    "cross_entropy": LossDefinition(
        nn.CrossEntropyLoss,
        functional.cross_entropy,
        ("weight", "ignore_index", "label_smoothing"),
        _cross_entropy,
        _class_misfit,
    ),
    "mse": LossDefinition(
        nn.MSELoss, functional.mse_loss, (), partial(_numbers, functional.mse_loss, None), _number_misfit
    ),
    "bce_with_logits": LossDefinition(
        nn.BCEWithLogitsLoss,
        functional.binary_cross_entropy_with_logits,
        ("weight", "pos_weight"),
        _bce,
        _probability_misfit,
    ),
    "mae": LossDefinition(
        nn.L1Loss, functional.l1_loss, (), partial(_numbers, functional.l1_loss, None), _number_misfit
    ),
    "huber": LossDefinition(
        nn.HuberLoss,
        functional.huber_loss,
        ("delta",),
        partial(_numbers, functional.huber_loss, "delta"),
        _number_misfit,
    ),
    "smooth_l1": LossDefinition(
        nn.SmoothL1Loss,
        functional.smooth_l1_loss,
        ("beta",),
        partial(_numbers, functional.smooth_l1_loss, "beta"),
        _number_misfit,
    ),
}
"""By the name that a run gives it."""
