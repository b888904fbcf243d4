"""The training that is recorded: its model, as far as it is known, and the optimizer that steps it.

The optimizer is the first that steps and owns selected parameters; each is judged once. Where a script makes a new one
of the same kind for the same model, the new one is followed from its first step on: t goes on, its own state has begun
anew. It is refused where it is of another kind, and where the old one then steps again: rows follow one optimizer, and
would miss the other's steps.

The model is named by the script, or guessed from what it sends backward until an optimizer shows it. A guess may be
wrong, as any model that is alive in the process can be taken for the trained one; what was gathered with it is then
dropped, and the recording goes on with the right one. How a model is found among the live ones is left to `ownership`,
what tying an optimizer to it means to `binding`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from weakref import WeakSet

import torch
from torch import Tensor, nn

from recorders.errors import RefusedError, UsageError
from recorders.follow import ownership
from recorders.follow.binding import Binding
from recorders.observe.hooks import Closure
from recorders.selection import Selection, select
from recorders.selection.parameter_selection import unwrap


class FollowedTraining:
    """The model and the optimizer of a recording, once there are any.

    Args:
        spec: presets and globs of the selection.
        on_bound: called once, with the binding.
        on_succeeded: called with a binding that takes its place.
        on_other: called, once for each, with what to say of an optimizer whose steps do not count.
        on_dropped: called when a guess was wrong: what was gathered belongs to another selection.
    """

    def __init__(
        self,
        spec: Sequence[str],
        on_bound: Callable[[Binding], None],
        on_succeeded: Callable[[Binding], None],
        on_other: Callable[[str], None],
        on_dropped: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._on_bound = on_bound
        self._on_succeeded = on_succeeded
        self._on_other = on_other
        self._on_dropped = on_dropped
        self._seen: WeakSet[torch.optim.Optimizer] = WeakSet()
        self._former: WeakSet[torch.optim.Optimizer] = WeakSet()
        self.binding: Binding | None = None
        """The optimizer tied to its model; None before its first step."""
        self.why_none = "no optimizer made a step (one inside torch.compile is not seen)"
        """Why there is no binding."""
        self._model: nn.Module | None = None
        self.selection: Selection | None = None
        """The selected parameters of the model; None until somebody needs them."""
        self._guessed = False
        self._looked = False
        self._leaves: list[Tensor] = []

    def adopt(self, model: nn.Module) -> bool:
        """Take the model that the script names, unless another one was named before or is being recorded already."""
        plain = unwrap(model)
        if self._model is not plain and (self._model is None or self._guessed):
            self._replace(plain, None)
        if self._model is plain:
            self._stop_guessing()
        if self.binding is None:  # the model is known now, and an optimizer that was passed over may own it
            self._seen.clear()
        return self._model is plain

    def guess(self, losses: Iterable[Tensor]) -> Selection | None:
        """Guess the model from losses: before the first step no optimizer has shown us its parameters.

        Reentrant checkpointing hides them; then all that is being optimized is looked at.
        """
        if self.selection is None and self._model is not None:
            self.selection = self._select(self._model)
        if self.selection is None and not self._looked:
            self._looked = True
            self._leaves = [leaf for loss in losses for leaf in ownership.leaves_of(loss)]
            model = ownership.find_model(self._leaves)
            if model is None:
                self._leaves, model = [], ownership.find_model(ownership.optimized_parameters())
            if model is not None and (selection := self._selected_of(model)) is not None:
                self._model, self.selection, self._guessed = model, selection, True
        return self.selection

    def match(self, optimizer: torch.optim.Optimizer, closure: Closure) -> Binding | None:
        """Return the binding if this optimizer is the followed one; the first that qualifies becomes it.

        It is about to step, or a scaler left its step out; its step was called with this closure.

        Raises:
            SedscopeError: it qualifies and cannot be recorded rightly.
        """
        seen_before = optimizer in self._seen
        if self.binding is None:
            if not seen_before:
                self._seen.add(optimizer)
                self._bind_if_owner(optimizer, closure)
            return self.binding
        if optimizer is self.binding.optimizer:
            return self.binding
        if not seen_before:
            if ownership.owns(optimizer, self.binding.selection.chosen):
                return self._succeed(self.binding, optimizer, closure)
            self._seen.add(optimizer)
            self._on_other(f"steps of another {type(optimizer).__name__}, which owns nothing selected, are not counted")
        return None

    def _succeed(self, before: Binding, optimizer: torch.optim.Optimizer, closure: Closure) -> Binding:
        name = type(optimizer).__name__
        if optimizer in self._former:
            raise RefusedError(
                f"optimizer: two optimizers ({name}) take turns at the selected parameters; one must step them"
            )
        ownership.refuse_unrecordable(optimizer, closure)
        ownership.refuse_successor(before.optimizer, optimizer)
        ownership.refuse_shared_selection(optimizer, before.selection.chosen, after=before.optimizer)
        self._former.add(before.optimizer)
        self.binding = Binding(before.model, optimizer, before.selection)
        self._on_succeeded(self.binding)
        return self.binding

    def _bind_if_owner(self, optimizer: torch.optim.Optimizer, closure: Closure) -> None:
        """Tie an optimizer that is about to step to its model, or remember why it is not the one to record."""
        self._reconsider_guess(optimizer)
        owned, name = ownership.parameters_of(optimizer), type(optimizer).__name__
        model = self._model or ownership.find_model(owned)
        if model is None:
            self.why_none = f"no torch.nn.Module holds the parameters of {name}; name it with sedscope.probe(model, …)"
            return
        selection = self.selection or self._select(model)
        if not ownership.owns(optimizer, selection.chosen):
            selected = f"{len(selection.chosen)} selected parameters ({', '.join(selection.spec)})"
            self.why_none = f"none of the {selected} of {type(model).__name__} belongs to {name}"
            return
        ownership.refuse_unrecordable(optimizer, closure)
        ownership.refuse_shared_selection(optimizer, selection.chosen)
        self.binding = Binding(model, optimizer, selection)
        self._model, self.selection = model, selection
        self._stop_guessing()
        self._seen.clear()  # of one that was passed over it can be said from now on that its steps do not count
        self._on_bound(self.binding)

    def _reconsider_guess(self, optimizer: torch.optim.Optimizer) -> None:
        """Give up a guess that the optimizer about to step owns nothing of, for the model that it does own.

        Not where the losses showed parameters, and it owns none of them either: then it trains something else.
        """
        if not self._guessed or self.selection is None or ownership.owns(optimizer, self.selection.chosen):
            return
        if self._leaves and not ownership.owns(optimizer, self._leaves):
            return
        other = ownership.find_model(ownership.parameters_of(optimizer))
        selection = None if other is None or other is self._model else self._selected_of(other)
        if other is not None and selection is not None and ownership.owns(optimizer, selection.chosen):
            self._replace(other, selection)

    def _select(self, model: nn.Module) -> Selection:
        return select(model, self._spec, None if self._spec else ownership.optimized_parameters())

    def _selected_of(self, model: nn.Module) -> Selection | None:
        """Return the selected parameters of a model; None where they are not in it: then another model is meant."""
        try:
            return self._select(model)
        except UsageError:
            return None

    def _replace(self, model: nn.Module, selection: Selection | None) -> None:
        wrong, self._model, self.selection = self._guessed, model, selection
        if wrong:
            self._on_dropped()

    def _stop_guessing(self) -> None:
        self._guessed, self._leaves = False, []
