"""The stages of a step that can be read off an optimizer's state after it: m̂, the adaptive part, SGD's buffer.

Analytic, because the realised update is noisy: θ after − θ before loses digits in float32, and with bfloat16 weights
most of its entries are 0. For decoupled decay, adaptive + decay equals the realised update up to rounding (Loshchilov &
Hutter 2019, arXiv 1711.05101, algorithm 2). Optimizers that this module does not know have no stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from recorders.follow.ownership import ends_in_torchs_own
from recorders.row_sources import ADAM_ADAPTIVE, ADAM_MOMENTUM, ROW_SOURCES, SGD_MOMENTUM
from recorders.selection import Selection

Stage = Callable[[Tensor, dict[str, Any], Mapping[str, Any], torch.dtype], "Tensor | None"]
"""(parameter, its state, the group's settings in this step, dtype) → the stage, shaped like the parameter."""


def stages_of(optimizer: torch.optim.Optimizer) -> dict[str, Stage]:
    """Return the stages that this optimizer has, by source name; none where a subclass makes a step of its own."""
    if not ends_in_torchs_own(optimizer):
        return {}
    classes = {each.__name__ for each in type(optimizer).__mro__}  # AdamW is a subclass of Adam
    return {
        row.pattern: STAGES[row.pattern]
        for row in ROW_SOURCES
        if classes.intersection(row.optimizers)
        and (row.needs_option is None or any(group[row.needs_option] for group in optimizer.param_groups))
    }


def stage_row(
    stage: Stage, selection: Selection, optimizer: torch.optim.Optimizer, settings: list[dict[str, Any]]
) -> Tensor:
    """Return one stage of the step just made, as a row [P].

    `settings` are each parameter group's options as they stood in the step; a scheduler may have moved them since.
    """
    groups = {
        id(parameter): options
        for group, options in zip(optimizer.param_groups, settings, strict=False)
        for parameter in group["params"]
    }
    pieces: list[Tensor | None] = []
    for parameter in selection.chosen:
        state = optimizer.state.get(parameter) or {}
        has_state = id(parameter) in groups and state
        pieces.append(stage(parameter, state, groups[id(parameter)], selection.dtype) if has_state else None)
    return selection.flatten(pieces)


def _momentum(parameter: Tensor, state: dict[str, Any], options: Mapping[str, Any], dtype: torch.dtype) -> Tensor:
    """Return m̂ = m / (1 − β1^t)."""
    beta1 = options["betas"][0]
    average: Tensor = state["exp_avg"].to(dtype) / (1 - beta1 ** _count(state))
    return average


def _adaptive(
    parameter: Tensor, state: dict[str, Any], options: Mapping[str, Any], dtype: torch.dtype
) -> Tensor | None:
    """Return −lr·m̂ / (√v̂ + ε); with amsgrad v̂ is from the running maximum."""
    if parameter.grad is None:
        return None  # the step left it alone
    second = state["max_exp_avg_sq"] if options.get("amsgrad") else state["exp_avg_sq"]
    correction = 1 - options["betas"][1] ** _count(state)
    scale = second.to(dtype).sqrt() / correction**0.5 + options["eps"]
    moved: Tensor = -options["lr"] * _momentum(parameter, state, options, dtype) / scale
    return moved


def _sgd_momentum(
    parameter: Tensor, state: dict[str, Any], options: Mapping[str, Any], dtype: torch.dtype
) -> Tensor | None:
    """Return the momentum buffer; coupled weight decay is inside."""
    buffer: Tensor | None = state.get("momentum_buffer")
    return buffer


def _count(state: dict[str, Any]) -> float | Tensor:
    """Return the steps of this parameter; on the device, in float64, where fetching the number would wait."""
    step = state["step"]
    if isinstance(step, Tensor) and step.device.type != "cpu":
        return step.double()
    return float(step)


STAGES: Mapping[str, Stage] = {ADAM_MOMENTUM: _momentum, ADAM_ADAPTIVE: _adaptive, SGD_MOMENTUM: _sgd_momentum}
"""By source; the registry says of which optimizers each is a stage."""
