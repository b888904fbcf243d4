"""Each task's contribution to the optimizer step under way: its loss, and its gradient on the selected parameters.

Decides how a per-task gradient is taken without changing `.grad` by a bit. One task alone: tensor hooks read what its
backward adds. Several in one `backward`: one additional `autograd.grad` each, before the joint backward; adding such
gradients up instead would differ from the joint one. torch's random numbers are put back after these; hooks that the
script has in the backward pass are called once more for each. Contributions of micro-batches add up; AMP scale is
divided out. A gradient that the script gives itself counts before one that was sent backward, and that before one that
it took with `autograd.grad`: such a call may be about something else, as in a gradient penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

import torch
from torch import Tensor

from recorders.format import LOSS_PREFIX
from recorders.observe.cleared_gradients import ClearedGradients, Contributions
from recorders.observe.gradient_calls import GradientCall
from recorders.observe.hooks import Guard
from recorders.row_sources import GRADIENT
from recorders.selection import Selection

_NOTHING_CAME = "no gradient came while it was named"
_MODEL_UNKNOWN = "the model was not known before its first step; name it with sedscope.probe(model, …)"
_THROWN_AWAY = "its gradients were cleared before the step, which was not made of them"


class TaskLedger:
    """Losses of every step and gradients of recorded steps, by task.

    Around each backward call of the script: `before`, the call, then `after`, or `abandon` if the call raised.

    Args:
        scale_of: what a loss was multiplied by before backward, or None.
        guard: runs a function of ours so that what it raises ends the recording, not the training.
        on_refusal: called, once, with the reason why gradients of several tasks cannot be taken.
        on_remark: called with what is to be said of a task's row.
    """

    def __init__(
        self,
        scale_of: Callable[[Tensor], Tensor | None],
        guard: Guard,
        on_refusal: Callable[[str], None],
        on_remark: Callable[[str], None],
    ) -> None:
        self._scale_of = scale_of
        self._guard = guard
        self._on_refusal = on_refusal
        self._on_remark = on_remark
        self._refused = False
        self._checked = False
        self._gradients_delivered = False
        self._stepping = False
        self._sealed = False
        self._unreached: _ArrivalWatch | None = None
        self._copies: _GradientCopies | None = None
        self._sent = Contributions()
        self._taken = Contributions()
        self._given = Contributions()
        self._unexplained: dict[str, str] = {}
        self.cleared = ClearedGradients()
        """The contributions that were cleared from `.grad` since the last step."""

    @property
    def gradients(self) -> dict[str, Tensor]:
        """Return the gradient [P] of each task, unscaled and unclipped, summed over micro-batches."""
        return self._total.gradients

    @property
    def _total(self) -> Contributions:
        return self._given.before(self._sent).before(self._taken)

    def clear(self) -> None:
        """Forget everything: a step was made, or skipped."""
        self._forget()
        self._unexplained = {}
        self._stepping = self._sealed = False

    def clear_gradients(self, selection: Selection) -> None:
        """Notice that the script has cleared `.grad`, as `zero_grad` does.

        Inside a step that only concerns what came before its closure: a hook behind the step may clear as well, when
        the gradients have had their effect.
        """
        if not self._sealed:
            self._set_aside(selection)

    def forget_gradients(self) -> bool:
        """Forget gradients of another selection, and return whether there were any. Losses have none, and stay."""
        self.abandon()
        had_gradients, losses = bool(self.gradients), self._total.losses
        self._forget()
        self._sent.losses, self._checked = losses, False
        return had_gradients

    def _forget(self) -> None:
        self._sent, self._taken, self._given = Contributions(), Contributions(), Contributions()
        self._gradients_delivered = False
        self.cleared.forget()

    def begin_step(self, selection: Selection, *, closure_given: bool) -> bool:
        """Notice that the optimizer is about to step from the gradients that are there, or that its closure makes.

        Returns:
            Whether the script has cleared what the tasks contributed, so that it is no part of the step.
        """
        had_losses = bool(self._sent.losses)
        self._notice_clearing(selection)
        cleared_by_hand = had_losses and not self._sent.losses
        if not closure_given:
            self.settle()
        self._stepping, self._sealed = True, not closure_given
        if not cleared_by_hand or self._sent.losses:
            return False
        self._unexplained = {}  # this is their reason
        return True

    def settle(self) -> None:
        """Decide what the step is made of, once `.grad` holds what the optimizer receives."""
        self._sent, several, thrown_away = self.cleared.settle(self._sent)
        for task in several:
            self._on_remark(
                f"task {task}: it was sent backward several times before a step, with gradients cleared between: its"
                " row is that of the last; sedscope.task_gradients takes their sum"
            )
        self._unexplained |= dict.fromkeys(thrown_away, _THROWN_AWAY)

    def name(self, task: str) -> None:
        """Notice that the script has said whose gradient is about to come."""
        self._unexplained.setdefault(task, _NOTHING_CAME)

    def missing(self) -> dict[str, str]:
        """Return why tasks that the script named for the step under way have no gradient."""
        gradients = self.gradients
        return {} if self._refused else {t: why for t, why in self._unexplained.items() if t not in gradients}

    def rows(self) -> dict[str, Tensor]:
        """Return `gradient/<task>` [P] of the step under way."""
        return {f"{GRADIENT}/{task}": gradient for task, gradient in self.gradients.items()}

    def scalars(self) -> dict[str, float | Tensor]:
        """Return `loss/<task>` of the step under way."""
        return {LOSS_PREFIX + task: loss for task, loss in self._total.losses.items()}

    def give(self, task: str, gradient: Tensor) -> None:
        """Take a task's gradient [P] from the script, which has computed it."""
        self._given.add_gradient(task, gradient)

    def rest_of(self, task: str, call: GradientCall, selection: Selection) -> dict[int, Tensor]:
        """Return gradients at the selected parameters that a call of `autograd.grad` leaves out, by their position."""
        if self._refused:
            return {}
        try:
            with torch.random.fork_rng(_cuda_devices(selection.chosen)):  # a backward may draw random numbers
                return call.rest(task, selection)
        except RuntimeError as error:
            self._refuse(str(error).strip().splitlines()[0])
            return {}

    def take(self, task: str, output: Tensor, loss: Tensor | None, gradient: Tensor | None) -> None:
        """Take a task's loss and gradient [P], as far as there are any, from a call of `autograd.grad`.

        `output` is what was differentiated, from which the AMP scale is known.
        """
        if loss is not None:
            self._taken.add_loss(task, _loss_number(loss, self._scale_of(output)))
        if gradient is not None:
            if loss is not None and task in self._taken.gradients:
                self._on_remark(
                    f"task {task}: torch.autograd.grad was called in it several times before a step: its row is the sum"
                    " of what it returned; sedscope.task_gradients takes another one"
                )
            self._taken.add_gradient(task, _divided(gradient, self._scale_of(output)))

    def before(self, losses: Mapping[str, Tensor], selection: Selection | None, with_gradient: Collection[str]) -> None:
        """Prepare for one backward call that is about to send all these losses into `.grad`.

        Args:
            losses: the loss of each task.
            selection: the selected parameters; None while the model is unknown.
            with_gradient: the tasks whose gradient is to be taken in this step.
        """
        if selection is not None:
            self._notice_clearing(selection)
        self._sealed |= self._stepping
        for task, loss in losses.items():
            if loss.numel() == 1:  # else backward was called with a gradient of its own: there is no loss to name
                self._sent.add_loss(task, _loss_number(loss, self._scale_of(loss)))
        if selection is None:
            self._unexplained |= dict.fromkeys(with_gradient, _MODEL_UNKNOWN)
        elif not with_gradient:
            return
        elif len(losses) == 1:
            self._copies = _GradientCopies(*next(iter(losses.items())), selection, self._guard)
        elif not self._refused:
            self._take_apart(losses, with_gradient, selection)

    def after(self, selection: Selection | None) -> None:
        """Take what a backward call, which is over, has contributed."""
        unreached = self._unreached
        copies = self.abandon()
        if copies is not None:
            gradient = copies.selection.flatten(copies.parts)
            self._sent.add_gradient(copies.task, _divided(gradient, self._scale_of(copies.loss)))
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

    def _notice_clearing(self, selection: Selection) -> None:
        """Notice a script that sets `.grad` itself, without `zero_grad`, by what is left of what was delivered."""
        if self._gradients_delivered and _all_cleared(selection):
            self._set_aside(selection)

    def _set_aside(self, selection: Selection) -> None:
        self.cleared.add(self._sent, selection)
        self._sent, self._gradients_delivered = Contributions(), False

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
                        flat = selection.flatten(_spread(gradients, selection))
                        self._sent.add_gradient(task, _divided(flat, self._scale_of(loss)))
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
        self._sent.gradients = {}
        self._on_refusal(reason)


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


def _divided(gradient: Tensor, scale: Tensor | None) -> Tensor:
    """Return a gradient [P], which is changed, without its AMP scale."""
    return gradient if scale is None else gradient.div_(scale.to(gradient.device))


def _loss_number(loss: Tensor, scale: Tensor | None) -> float | Tensor:
    """Return the unscaled loss as a float on the CPU; elsewhere as a tensor, so that nobody waits for the device."""
    value = loss.detach().reshape(())
    value = value if scale is None else value / scale.to(value.device)
    return float(value) if value.device.type == "cpu" else value.double()


def _spread(gradients: tuple[Tensor | None, ...], selection: Selection) -> list[Tensor | None]:
    """Return the gradients of the trainable selected parameters, with None for the frozen ones."""
    remaining = iter(gradients)
    return [next(remaining) if parameter.requires_grad else None for parameter in selection.chosen]


def _all_cleared(selection: Selection) -> bool:
    """Return whether every selected `.grad` is None, or zeros where looking does not wait for a device."""
    gradients = [parameter.grad for parameter in selection.chosen if parameter.grad is not None]
    return all(gradient.device.type == "cpu" and not bool(gradient.any()) for gradient in gradients)
