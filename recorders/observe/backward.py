"""The script's backward calls, observed: which task each one belongs to; and its calls of `zero_grad`, which drop them.

`around` runs a backward call exactly once, whatever happens to our part of it. Of the calls that throw gradients away
those count that reach a selected parameter; a script that sets `.grad` itself is noticed in `tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from recorders.active import ActiveRecording
from recorders.follow.ownership import parameters_of
from recorders.observe.hooks import Patches
from recorders.observe.tasks import TaskLedger


class ClearingObserver(Patches):
    """A watch over every `zero_grad` of the process.

    Args:
        guard: runs a function of ours so that what it raises ends the recording, not the training.
        selected: the selected parameters, none while they are unknown.
        on_cleared: called when the gradients of some of them were dropped.
    """

    def __init__(
        self,
        guard: Callable[[Callable[[], None]], None],
        selected: Callable[[], Iterable[Tensor]],
        on_cleared: Callable[[], None],
    ) -> None:
        super().__init__()
        self._guard = guard
        self._selected = selected
        self._on_cleared = on_cleared
        self.wrap(torch.optim.Optimizer, "zero_grad", self._optimizers)
        self.wrap(nn.Module, "zero_grad", self._modules)

    def _optimizers(self, original: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(optimizer, *args, **kwargs)
        if not torch.compiler.is_compiling():
            self._guard(lambda: self._cleared(parameters_of(optimizer)))
        return result

    def _modules(self, original: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(module, *args, **kwargs)
        if not torch.compiler.is_compiling():
            self._guard(lambda: self._cleared(module.parameters()))
        return result

    def _cleared(self, parameters: Iterable[Tensor]) -> None:
        selected_ids = {id(parameter) for parameter in self._selected()}
        if selected_ids and any(id(parameter) in selected_ids for parameter in parameters):
            self._on_cleared()


class BackwardObserver:
    """A watch over the backward calls that the script names tasks for.

    Args:
        recording: the session.
        scale_of: what a loss was multiplied by before backward, or None.
    """

    def __init__(self, recording: ActiveRecording, scale_of: Callable[[Tensor], Tensor | None]) -> None:
        self._recording = recording
        self._observing = False
        self.ledger = TaskLedger(scale_of, recording.guard, recording.refuse_task_gradients)
        self._clearing = ClearingObserver(recording.guard, self._selected, self.ledger.cleared)

    def remove(self) -> None:
        """Stop watching."""
        self._clearing.remove()

    def around(self, losses: Mapping[str, Tensor], backward: Callable[[], None]) -> None:
        """Run the script's backward call for these losses, and see what each task contributes to it."""
        if self._observing:
            backward()  # a call inside an observed one belongs to that one
            return
        self._observing = True
        self._recording.guard(lambda: self._before(losses))
        try:
            backward()
        except BaseException:
            self.ledger.abandon()
            raise
        finally:
            self._observing = False
        self._recording.guard(lambda: self.ledger.after(self._recording.selection))

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        """Whatever the script sends backward in here belongs to one task."""

        def observed(original: Any, tensors: Any, *args: Any, **kwargs: Any) -> None:
            losses: list[Any] = [tensors] if isinstance(tensors, Tensor) else list(tensors)
            loss = losses[0] if len(losses) == 1 else sum(losses)
            self.around({name: loss}, lambda: original(tensors, *args, **kwargs))

        patches = Patches()
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

    def _selected(self) -> list[Tensor]:
        selection = self._recording.selection
        return [] if selection is None else selection.chosen
