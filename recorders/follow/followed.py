"""The optimizer that is recorded: the first that steps and owns selected parameters, and those that succeed it.

Decides that each optimizer is judged once. Where a script makes a new optimizer of the same kind for the same model,
the new one is followed from its first step on: t goes on, its own state has begun anew. It is refused where it is of
another kind, and where the old one then steps again: rows follow one optimizer, and would miss the other's steps. What
tying one to the model means is left to `binding`.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

import torch

from recorders.errors import RefusedError
from recorders.follow.binding import Binding, bind
from recorders.follow.ownership import owns, refuse_shared_selection, refuse_successor, refuse_unrecordable
from recorders.follow.studied import StudiedModel
from recorders.observe.hooks import Closure


class FollowedOptimizer:
    """The optimizer that a recording follows, once there is one.

    Args:
        studied: the model, as far as it is known.
        on_bound: called once, with the binding.
        on_succeeded: called with a binding that takes its place.
        on_other: called, once for each, with what to say of an optimizer whose steps do not count.
    """

    def __init__(
        self,
        studied: StudiedModel,
        on_bound: Callable[[Binding], None],
        on_succeeded: Callable[[Binding], None],
        on_other: Callable[[str], None],
    ) -> None:
        self._studied = studied
        self._on_succeeded = on_succeeded
        self._on_bound = on_bound
        self._on_other = on_other
        self._seen: WeakSet[torch.optim.Optimizer] = WeakSet()
        self._former: WeakSet[torch.optim.Optimizer] = WeakSet()
        self.binding: Binding | None = None
        """The optimizer tied to its model; None before its first step."""
        self.why_none = "no optimizer made a step (one inside torch.compile is not seen)"
        """Why there is no binding."""

    def match_again(self) -> None:
        """Match again all optimizers that were passed over: the model has become known, and one of them may own it."""
        if self.binding is None:
            self._seen.clear()

    def match(self, optimizer: torch.optim.Optimizer, closure: Closure) -> Binding | None:
        """Return the binding if this optimizer is the followed one; the first that qualifies becomes it.

        Args:
            optimizer: one that is about to step, or whose step a scaler left out.
            closure: what its step was called with.

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
            if owns(optimizer, self.binding.selection.chosen):
                return self._succeed(self.binding, optimizer, closure)
            self._seen.add(optimizer)
            self._on_other(f"steps of another {type(optimizer).__name__}, which owns nothing selected, are not counted")
        return None

    def _succeed(self, before: Binding, optimizer: torch.optim.Optimizer, closure: Closure) -> Binding:
        """Follow an optimizer that takes the place of the one that was followed."""
        name = type(optimizer).__name__
        if optimizer in self._former:
            raise RefusedError(
                f"optimizer: two optimizers ({name}) take turns at the selected parameters; one must step them"
            )
        refuse_unrecordable(optimizer, closure)
        refuse_successor(before.optimizer, optimizer)
        refuse_shared_selection(optimizer, before.selection.chosen, after=before.optimizer)
        self._former.add(before.optimizer)
        self.binding = Binding(before.model, optimizer, before.selection)
        self._on_succeeded(self.binding)
        return self.binding

    def _bind_if_owner(self, optimizer: torch.optim.Optimizer, closure: Closure) -> None:
        self._studied.reconsider_guess(optimizer)
        outcome = bind(optimizer, closure, self._studied.model, self._studied.selection, self._studied.spec)
        if isinstance(outcome, str):
            self.why_none = outcome
        else:
            self.binding = outcome
            self._studied.confirm(outcome.model, outcome.selection)
            self._seen.clear()  # of one that was passed over it can be said from now on that its steps do not count
            self._on_bound(outcome)
