"""One optimizer tied to one model's selected parameters: what is read around each of its steps.

Decides what the stored sources hold. When a step is recorded, and where rows go, is left to the session.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from recorders.follow.journal_notes import Groups, groups_of
from recorders.follow.optimizer_stages import stage_row, stages_of
from recorders.follow.ownership import is_torchs_own, parameters_of
from recorders.format import GRAD_NORM, LR_PREFIX, WEIGHT_DECAY_PREFIX
from recorders.row_sources import GRADIENT, UPDATE
from recorders.selection import Selection
from recorders.selection.parameter_selection import clean_names, saved_tensors
from recorders.store.tensorfile import holds

_NAMES_SHOWN = 5
"""Tensors that a message names: it is one line on a terminal."""
Wants = Callable[[str], bool]


class Binding:
    """A model, the optimizer that steps its selected parameters, and the two halves of a step."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, selection: Selection) -> None:
        self.model = model
        self.optimizer = optimizer
        self.selection = selection
        self.stages = stages_of(optimizer)
        self._before: Tensor | None = None
        self._group_options: list[dict[str, Any]] = []
        self._norm: float | Tensor | None = None
        self.idle = False
        """True where no parameter had a gradient in the last step."""
        self._gradient: Tensor | None = None
        self._with_gradient: set[int] = set()
        self._keeps_gradients = False
        self._pre_step_hook: Any = None
        self.groups: Groups = groups_of(
            optimizer, selection.chosen, {id(parameter) for parameter in selection.chosen if parameter.requires_grad}
        )
        """Index of the group that moved each selected parameter in the last step with rows, or is about to."""

    def read_before(self, *, recorded: bool, closure_given: bool, wants: Wants) -> None:
        """Read θ_t before the step, and each group's options, which a scheduler may change soon after it.

        Gradients are read after the step, where a fused kernel has unscaled them and a closure has made them; but an
        optimizer that is not torch's own may write into them, and a hook behind the step may clear them, so there they
        are read here.
        """
        self._read_group_options()
        # The script's own hooks may still change the options: this one comes after all that are there.
        self._release()
        self._pre_step_hook = self.optimizer.register_step_pre_hook(self._read_before_step)
        self._with_gradient = set()
        self._keeps_gradients = recorded and not closure_given
        self._before = self.theta() if recorded and wants(UPDATE) else None
        self._norm = self._gradient = None
        if not closure_given and self._may_lose_gradients():
            self._receive(recorded and wants(GRADIENT))

    def read_after(self, *, recorded: bool, wants: Wants) -> tuple[dict[str, Tensor], dict[str, float | Tensor]]:
        """Return, after the step, its rows [P] by source, each a fresh tensor, and its scalars by name."""
        self._release()
        if recorded:
            moved_ids = self._with_gradient | {id(parameter) for parameter in self.stepped()}
            self.groups = groups_of(self.optimizer, self.selection.chosen, moved_ids)
        if self._norm is None:
            self._receive(recorded and wants(GRADIENT))
        rows_by_source: dict[str, Tensor] = {}
        if self._gradient is not None:
            rows_by_source[GRADIENT] = self._gradient
        if self._before is not None:
            rows_by_source[UPDATE] = self.theta().sub_(self._before)
        if recorded:
            for name in self.stages:
                if wants(name):
                    rows_by_source[name] = self.stage(name)
        scalars = self._group_scalars() | {GRAD_NORM: 0.0 if self._norm is None else self._norm}
        self._before = self._gradient = self._norm = None
        return rows_by_source, scalars

    def stage(self, name: str) -> Tensor:
        """Return a stage of the step just made as a fresh vector [P]."""
        return stage_row(self.stages[name], self.selection, self.optimizer, self._group_options)

    def stepped(self) -> list[Tensor]:
        """Return the optimizer's parameters that have a gradient."""
        return [parameter for parameter in parameters_of(self.optimizer) if parameter.grad is not None]

    def theta(self) -> Tensor:
        """Return the selected parameters as they are now, as a fresh vector [P]."""
        return self.selection.flatten([parameter.detach() for parameter in self.selection.chosen])

    def state(self) -> dict[str, Tensor]:
        """Return parameters and persistent buffers by clean name, each once, as far as a run holds them; not copied."""
        return {name: tensor for name, tensor in self._all_tensors().items() if holds(str(tensor.dtype))}

    def left_out(self) -> str | None:
        """Return which tensors of the state a run cannot hold, and why; None where it holds everything."""
        dtypes = {name: str(tensor.dtype) for name, tensor in self._all_tensors().items()}
        unstorable = [f"{name} ({dtype.removeprefix('torch.')})" for name, dtype in dtypes.items() if not holds(dtype)]
        if not unstorable:
            return None
        names = ", ".join(unstorable[:_NAMES_SHOWN]) + (
            f" and {len(unstorable) - _NAMES_SHOWN} more" if unstorable[_NAMES_SHOWN:] else ""
        )
        return f"weights are stored without {names}: a tensor file has no name for such numbers"

    def _all_tensors(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for name, tensor in clean_names(dict(saved_tensors(self.model))).items():
            if not any(tensor is other for other in state.values()):
                state[name] = tensor
        return state

    def _may_lose_gradients(self) -> bool:
        """Return whether gradients may be others behind the step than before it.

        A fused step under a scaler is looked at behind it all the same: its kernel divides by the scale.
        """
        if not is_torchs_own(self.optimizer):
            return True
        scaled = getattr(self.optimizer, "grad_scale", None) is not None
        return bool(self.optimizer._optimizer_step_post_hooks) and not scaled

    def _read_group_options(self) -> None:
        self._group_options = [
            {name: _snapshot(value) for name, value in group.items() if name != "params"}
            for group in self.optimizer.param_groups
        ]

    def _read_before_step(self, *_: Any) -> None:
        with suppress(Exception):  # between the script's hooks and its step nothing of ours may raise
            self._read_group_options()
            if self._keeps_gradients:  # a hook behind the step may drop them; a closure makes them in the step
                self._with_gradient = {id(parameter) for parameter in self.stepped()}

    def _release(self) -> None:
        if self._pre_step_hook is not None:
            self._pre_step_hook.remove()
            self._pre_step_hook = None

    def _receive(self, row: bool) -> None:
        gradients = [parameter.grad for parameter in self.stepped()]
        self.idle = not gradients
        # The norm at once: what is received is the optimizer's own memory, and may be written to afterwards.
        self._norm = norm_of([gradient.detach() for gradient in gradients if gradient is not None])
        if row:
            self._gradient = self.selection.flatten([parameter.grad for parameter in self.selection.chosen])

    def _group_scalars(self) -> dict[str, float | Tensor]:
        scalars: dict[str, float | Tensor] = {}
        for index, options in enumerate(self._group_options):
            scalars[f"{LR_PREFIX}{index}"] = options.get("lr", 0.0)
            scalars[f"{WEIGHT_DECAY_PREFIX}{index}"] = options.get("weight_decay", 0.0)
        return scalars


def norm_of(gradients: list[Tensor]) -> float | Tensor:
    """Return the 2-norm over all gradients together, in at least float32: float16 overflows at a norm of 65,504."""
    if not gradients:
        return 0.0
    plain = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
    kinds = {(gradient.dtype, gradient.device) for gradient in plain}
    if len(kinds) == 1 and plain[0].dtype in (torch.float32, torch.float64):
        norms = torch.stack(torch._foreach_norm(plain))
    else:
        wide = [torch.linalg.vector_norm(each, dtype=torch.promote_types(each.dtype, torch.float32)) for each in plain]
        norms = torch.stack([norm.double().to(plain[0].device) for norm in wide])
    total: Tensor = torch.linalg.vector_norm(norms, dtype=torch.float64)
    return total


def _snapshot(value: Any) -> Any:
    """Return a copy of an option that is a tensor: a scheduler changes such a learning rate in place."""
    return value.detach().clone() if isinstance(value, Tensor) else value
