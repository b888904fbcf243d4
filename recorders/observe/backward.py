"""The script's backward calls, observed: which task each one belongs to; and its calls that clear or scale `.grad`.

`around` runs a backward call exactly once, whatever happens to our part of it. Inside a task every way into torch's
autograd engine is observed, so that it does not matter under which name a script or a library calls it. Of the calls
that clear gradients those count that reach a selected parameter; a script that sets `.grad` itself is noticed in
`tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.utils.clip_grad as torch_clipping
from torch import Tensor, nn
from torch._compile import _disable_dynamo  # loads the compiler when it is called; an optimizer has done so before

from recorders.active import ActiveRecording
from recorders.errors import UsageError
from recorders.follow.ownership import parameters_of
from recorders.observe.given_gradients import flat_gradient
from recorders.observe.gradient_calls import GradientCall
from recorders.observe.hooks import Patches
from recorders.observe.tasks import TaskLedger

_RESCALING = (
    (torch_clipping, "_clip_grads_with_norm_"),
    (nn.utils, "clip_grad_value_"),
    (torch.amp.GradScaler, "unscale_"),
)
"""Calls that scale what a backward left in `.grad`, and write no other gradient there."""


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
        self.ledger = TaskLedger(scale_of, recording.guard, recording.refuse_task_gradients, self._remark)
        self.wrap(torch.optim.Optimizer, "zero_grad", self._zero_grad)
        self.wrap(nn.Module, "zero_grad", self._zero_grad)
        for owner, name in _RESCALING:
            self.wrap(owner, name, self._rescale)

    @_disable_dynamo
    def outside_compilation(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function as it is, where a compiled step holds the call: the step goes on in pieces around it."""
        return function(*args)

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

    def give(self, gradients_by_task: Mapping[str, Any]) -> None:
        """Take tasks' gradients from the script, as far as they are wanted in the step under way."""
        for task, gradients in gradients_by_task.items():
            self._guard(lambda task=task, gradients=gradients: self._give(task, gradients))  # type: ignore[misc]

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        """Whatever the script differentiates in here belongs to one task."""
        patches = self.outside_compilation(self._enter, name)
        try:
            yield
        finally:
            self.outside_compilation(patches.remove)

    def _enter(self, name: str) -> Patches:
        def engine(original: Any, outputs: Any, *args: Any, accumulate_grad: bool, **kwargs: Any) -> Any:
            def call() -> Any:
                return original(outputs, *args, accumulate_grad=accumulate_grad, **kwargs)

            if accumulate_grad:
                return self.around({name: _loss_of(outputs)}, call)
            return self._around_grad(name, lambda: GradientCall(outputs, args[3], args[0]), call)

        def grad(original: Any, outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
            if isinstance(inputs, Iterator):
                inputs = list(inputs)

            def call() -> Any:
                return original(outputs, inputs, grad_outputs, *args, **kwargs)

            if not (kwargs.get("is_grads_batched") or args[4:5] == (True,)):
                return call()  # it comes to the engine, which is observed
            lists = [_listed(tensors) for tensors in (outputs, inputs, grad_outputs)]
            return self._around_grad(name, lambda: GradientCall(*lists, batched=True), call)

        self._guard(lambda: self._name(name))
        patches = Patches(self._guard)
        patches.wrap(torch.autograd, "_engine_run_backward", engine, traced=False)
        patches.wrap(torch.autograd, "grad", grad, traced=False)
        return patches

    def _name(self, task: str) -> None:
        self._recording.add_task(task)
        self.ledger.name(task)

    def _around_grad(self, task: str, read: Callable[[], GradientCall], call: Callable[[], Any]) -> Any:
        """Make a call of `autograd.grad` inside a task, and take what it says of the selected parameters."""
        if self._observing:
            return call()  # a call inside an observed one belongs to that one
        self._observing = True
        finish: list[Callable[[Any], None]] = []
        try:
            self._guard(lambda: finish.append(self._before_grad(task, read())))
            result = call()
        finally:
            self._observing = False
        for take in finish:
            self._guard(lambda: take(result))  # noqa: B023  called at once
        return result

    def _before_grad(self, task: str, call: GradientCall) -> Callable[[Any], None]:
        """Read what is gone after the call; the function that is returned takes the call's result."""
        selection = self._recording.selection or self._recording.guess_selection(call.outputs)
        if selection is None or not call.is_readable() or not call.asks_for(selection):
            return lambda _: None
        loss = call.loss(task)
        if not self._recording.wants_gradient_of(task):
            self.ledger.take(task, call.outputs[0], loss, None)
            call.close(task, selection)
            return lambda _: None
        rest = self.ledger.rest_of(task, call, selection)

        def take(result: Any) -> None:
            gradients = rest | call.read(task, result, selection)
            parts = [gradients.get(index) for index in range(len(selection.chosen))]
            self.ledger.take(task, call.outputs[0], loss, selection.flatten(parts) if gradients else None)
            call.close(task, selection)

        return take

    def _give(self, task: str, gradients: Any) -> None:
        if not self._recording.add_task(task):
            return
        self.ledger.name(task)
        if not self._recording.wants_gradient_of(task):
            return
        selection = self._recording.selection or self._recording.guess_selection(())
        if selection is None:
            self._remark(f"task_gradients: {task!r}: the model is not known yet; name it with sedscope.probe(model, …)")
            return
        try:
            self.ledger.give(task, flat_gradient(gradients, selection))
        except UsageError as error:
            self._remark(f"task_gradients: {task!r}: {error}")

    def _remark(self, line: str) -> None:
        self._recording.output.tell("refused", line)

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
        if selection is not None and any(id(parameter) in selected_ids for parameter in parameters):
            self.ledger.clear_gradients(selection)

    def _rescale(self, original: Any, *args: Any, **kwargs: Any) -> Any:
        return self.ledger.cleared.rescale(lambda: original(*args, **kwargs))


def _listed(tensors: Any) -> list[Any]:
    if isinstance(tensors, Mapping):
        return list(tensors.values())
    return list(tensors) if isinstance(tensors, Sequence) else [tensors]


def _loss_of(outputs: Sequence[Any]) -> Any:
    """Return what a backward call was about: a loss, several losses' sum, or the first of other outputs."""
    if len(outputs) > 1 and all(isinstance(output, Tensor) and output.numel() == 1 for output in outputs):
        return sum(outputs)
    return outputs[0]
