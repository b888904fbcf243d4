"""The script's backward calls, observed: which task each one belongs to; and its calls of `zero_grad`, which drop them.

`around` runs a backward call exactly once, whatever happens to our part of it. Of the calls that throw gradients away
those count that reach a selected parameter; a script that sets `.grad` itself is noticed in `tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from recorders.active import ActiveRecording
from recorders.follow.ownership import parameters_of
from recorders.observe.hooks import Patches
from recorders.observe.tasks import TaskLedger


class BackwardObserver(Patches):
    """A watch over the backward calls that the script names tasks for, and over every `zero_grad` of the process.

    Args:
        recording: the session.
        scale_of: what a loss was multiplied by before backward, or None.
    """

    def __init__(self, recording: ActiveRecording, scale_of: Callable[[Tensor], Tensor | None]) -> None:
        super().__init__(recording.guard)
        self._recording = recording
        self._observing = False
        self.ledger = TaskLedger(scale_of, recording.guard, recording.refuse_task_gradients)
        self.wrap(torch.optim.Optimizer, "zero_grad", self._zero_grad)
        self.wrap(nn.Module, "zero_grad", self._zero_grad)

    def around(self, losses: Mapping[str, Tensor], backward: Callable[[], None]) -> None:
        """Run the script's backward call for these losses, and see what each task contributes to it."""
        if self._observing:
            backward()  # a call inside an observed one belongs to that one
            return
        self._observing = True
        self._guard(lambda: self._before(losses))
        try:
            backward()
        except BaseException:
            self.ledger.abandon()
            raise
        finally:
            self._observing = False
        self._guard(lambda: self.ledger.after(self._recording.selection))

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        """Whatever the script sends backward in here belongs to one task."""

        def observed(original: Any, tensors: Any, *args: Any, **kwargs: Any) -> None:
            losses: list[Any] = [tensors] if isinstance(tensors, Tensor) else list(tensors)
            loss = losses[0] if len(losses) == 1 else sum(losses)
            self.around({name: loss}, lambda: original(tensors, *args, **kwargs))

        patches = Patches(self._guard)
        patches.wrap(torch.autograd, "backward", observed)  # `Tensor.backward` goes through it
        try:
            yield
        finally:
            patches.remove()

    def _before(self, losses: Mapping[str, Tensor]) -> None:
        # A task may have nothing to say in this step: a plain 0, or a tensor that no parameter had a part in.
        losses = {task: loss for task, loss in losses.items() if isinstance(loss, Tensor) and loss.requires_grad}
        for task in losses:
            self._recording.add_task(task)
        with_gradient = {task for task in losses if self._recording.wants_gradient_of(task)}
        selection = self._recording.selection
        if with_gradient and selection is None:
            selection = self._recording.guess_selection(losses.values())
        if losses:
            self.ledger.before(losses, selection, with_gradient)

    def _zero_grad(self, original: Any, owner: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(owner, *args, **kwargs)
        if not torch.compiler.is_compiling():
            self._guard(lambda: self._cleared(owner))
        return result

    def _cleared(self, owner: torch.optim.Optimizer | nn.Module) -> None:
        selection = self._recording.selection
        selected_ids = set() if selection is None else {id(parameter) for parameter in selection.chosen}
        parameters = owner.parameters() if isinstance(owner, nn.Module) else parameters_of(owner)
        if selected_ids and any(id(parameter) in selected_ids for parameter in parameters):
            self.ledger.cleared()
