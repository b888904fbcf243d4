"""Each task's contribution to the optimizer step under way: its loss, and its gradient on the selected parameters.

Decides how a per-task gradient is taken without changing `.grad` by a bit. One task alone: tensor hooks read what its
backward adds. Several in one `backward`: one additional `autograd.grad` each, before the joint backward; adding such
gradients up instead would differ from the joint one. torch's random numbers are put back after these; hooks that the
script has in the backward pass are called once more for each. Contributions of micro-batches add up; AMP scale is
divided out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

import torch
from torch import Tensor

from recorders.format import LOSS_PREFIX
from recorders.observe.hooks import Guard
from recorders.row_sources import GRADIENT
from recorders.selection import Selection


class TaskLedger:
    """Losses of every step and gradients of recorded steps, by task.

    Around each backward call of the script: `before`, the call, then `after`, or `abandon` if the call raised.

    Args:
        scale_of: what a loss was multiplied by before backward, or None.
        guard: runs a function of ours so that what it raises ends the recording, not the training.
        on_refusal: called, once, with the reason why gradients of several tasks cannot be taken.
    """

    def __init__(
        self, scale_of: Callable[[Tensor], Tensor | None], guard: Guard, on_refusal: Callable[[str], None]
    ) -> None:
        self._scale_of = scale_of
        self._guard = guard
        self._on_refusal = on_refusal
        self._refused = False
        self._checked = False
        self._gradients_delivered = False
        self._stepping = False
        self._sealed = False
        self._unreached: _ArrivalWatch | None = None
        self._copies: _GradientCopies | None = None
        self.losses: dict[str, float | Tensor] = {}
        """Losses by task, unscaled, summed over micro-batches."""
        self.gradients: dict[str, Tensor] = {}
        """Unscaled and unclipped, each [P], summed over micro-batches."""

    def clear(self) -> None:
        """Forget everything: a step was made, or skipped, or its gradients were thrown away."""
        self.losses, self.gradients, self._gradients_delivered = {}, {}, False
        self._stepping = self._sealed = False

    def cleared(self) -> None:
        """Notice that the script has thrown the gradients away, as `zero_grad` does.

        Inside a step that only concerns what came before its closure: a hook behind the step may clear as well, when
        the gradients have had their effect.
        """
        if not self._sealed:
            self.losses, self.gradients, self._gradients_delivered = {}, {}, False

    def forget_gradients(self) -> bool:
        """Forget gradients of another selection, and return whether there were any. Losses have none, and stay."""
        self.abandon()
        had_gradients, self.gradients = bool(self.gradients), {}
        self._gradients_delivered = self._checked = False
        return had_gradients

    def begin_step(self, selection: Selection, *, closure_given: bool) -> bool:
        """Notice that the optimizer is about to step from the gradients that are there, or that its closure makes.

        Returns:
            Whether the script has cleared what the tasks contributed, so that it is no part of the step.
        """
        had_losses = bool(self.losses)
        self._drop_if_cleared(selection)
        self._stepping, self._sealed = True, not closure_given
        return had_losses and not self.losses

    def rows(self) -> dict[str, Tensor]:
        """Return `gradient/<task>` [P] of the step under way."""
        return {f"{GRADIENT}/{task}": gradient for task, gradient in self.gradients.items()}

    def scalars(self) -> dict[str, float | Tensor]:
        """Return `loss/<task>` of the step under way."""
        return {LOSS_PREFIX + task: loss for task, loss in self.losses.items()}

    def before(self, losses: Mapping[str, Tensor], selection: Selection | None, with_gradient: Collection[str]) -> None:
        """Prepare for one backward call that is about to send all these losses into `.grad`.

        Args:
            losses: the loss of each task.
            selection: the selected parameters; None while the model is unknown.
            with_gradient: the tasks whose gradient is to be taken in this step.
        """
        if selection is not None:
            self._drop_if_cleared(selection)
        self._sealed |= self._stepping
        for task, loss in losses.items():
            self._add_loss(task, loss)
        if selection is None or not with_gradient:
            return
        if len(losses) == 1:
            self._copies = _GradientCopies(*next(iter(losses.items())), selection, self._guard)
        elif not self._refused:
            self._take_apart(losses, with_gradient, selection)

    def after(self, selection: Selection | None) -> None:
        """Take what a backward call, which is over, has contributed."""
        unreached = self._unreached
        copies = self.abandon()
        if copies is not None:
            self._add_gradient(copies.task, copies.loss, copies.parts, copies.selection)
        if unreached is not None and unreached.fired:
            self._refuse("a part of the model runs a backward of its own, as checkpoint(use_reentrant=True) does")
        if selection is not None:
            # Zeros that were there before tell nothing: this backward may not reach the selection at all.
            self._gradients_delivered = not _all_cleared(selection)

    def abandon(self) -> _GradientCopies | None:
        """Take the tensor hooks of a backward call out again."""
        copies, unreached, self._copies, self._unreached = self._copies, self._unreached, None, None
        for hooks in (copies, unreached):
            if hooks is not None:
                hooks.remove()
        return copies

    def _drop_if_cleared(self, selection: Selection) -> None:
        """Notice a script that sets `.grad` itself, without `zero_grad`, by what is left of what was delivered."""
        if self._gradients_delivered and _all_cleared(selection):
            self.losses, self.gradients, self._gradients_delivered = {}, {}, False

    def _add_loss(self, task: str, loss: Tensor) -> None:
        if loss.numel() != 1:
            return  # backward was called with a gradient of its own: there is no loss to name
        value = loss.detach().reshape(())
        scale = self._scale_of(loss)
        number = _number(value if scale is None else value / scale.to(value.device))
        self.losses[task] = self.losses.get(task, 0.0) + number

    def _take_apart(self, losses: Mapping[str, Tensor], with_gradient: Collection[str], selection: Selection) -> None:
        trained = [parameter for parameter in selection.chosen if parameter.requires_grad]
        unreached = set(range(len(trained)))
        try:
            for task, loss in losses.items():
                if task in with_gradient or not self._checked:
                    with torch.random.fork_rng(_cuda_devices(trained)):  # a backward may draw random numbers
                        gradients = torch.autograd.grad(loss, trained, retain_graph=True, allow_unused=True)
                    unreached -= {index for index, gradient in enumerate(gradients) if gradient is not None}
                    if task in with_gradient:
                        self._add_gradient(task, loss, _spread(gradients, selection), selection)
        except RuntimeError as error:
            # A compiled graph with donated buffers gives its buffers away only once.
            self._refuse(str(error).strip().splitlines()[0])
            return
        if not self._checked:
            # What no task seems to reach must not be reached by the joint backward either: reentrant checkpointing
            # hides parameters from `autograd.grad` without a word.
            self._checked = True
            self._unreached = _ArrivalWatch([trained[index] for index in unreached])

    def _refuse(self, reason: str) -> None:
        self._refused = True
        self.gradients = {}
        self._on_refusal(reason)

    def _add_gradient(self, task: str, loss: Tensor, parts: list[Tensor | None], selection: Selection) -> None:
        flat = selection.flatten(parts)
        scale = self._scale_of(loss)
        if scale is not None:
            flat /= scale.to(flat.device)
        if task in self.gradients:
            flat += self.gradients[task]
        self.gradients[task] = flat


class _GradientCopies:
    """Tensor hooks that copy what arrives at each selected parameter, before it is added to `.grad`."""

    def __init__(self, task: str, loss: Tensor, selection: Selection, guard: Guard) -> None:
        self.task = task
        self.loss = loss
        self.selection = selection
        self.parts: list[Tensor | None] = [None] * len(selection.chosen)
        self._guard = guard
        self._handles = [
            parameter.register_hook(partial(self._arrived, index))  # type: ignore[no-untyped-call]
            for index, parameter in enumerate(selection.chosen)
            if parameter.requires_grad
        ]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _arrived(self, index: int, gradient: Tensor) -> None:
        self._guard(lambda: self._read(index, gradient))

    def _read(self, index: int, gradient: Tensor) -> None:
        # A copy: the engine hands this very tensor on to `.grad`. More than once under reentrant checkpointing.
        before, copy = self.parts[index], gradient.detach().clone()
        self.parts[index] = copy if before is None else before + copy


class _ArrivalWatch:
    """Tensor hooks that notice whether any of these parameters receives a gradient."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self.fired = False
        self._handles = [parameter.register_hook(self._arrived) for parameter in parameters]  # type: ignore[no-untyped-call]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _arrived(self, gradient: Tensor) -> None:
        self.fired = True


def _cuda_devices(tensors: list[Tensor]) -> list[int]:
    return sorted({tensor.device.index for tensor in tensors if tensor.device.type == "cuda"})


def _number(value: Tensor) -> float | Tensor:
    """Return a float on the CPU; elsewhere the tensor, so that nobody waits for the device."""
    return float(value) if value.device.type == "cpu" else value.double()


def _spread(gradients: tuple[Tensor | None, ...], selection: Selection) -> list[Tensor | None]:
    """Return the gradients of the trainable selected parameters, with None for the frozen ones."""
    remaining = iter(gradients)
    return [next(remaining) if parameter.requires_grad else None for parameter in selection.chosen]


def _all_cleared(selection: Selection) -> bool:
    """Return whether every selected `.grad` is None, or zeros where looking does not wait for a device."""
    gradients = [parameter.grad for parameter in selection.chosen if parameter.grad is not None]
    return all(gradient.device.type == "cpu" and not bool(gradient.any()) for gradient in gradients)
