"""Which optimizer is the recorded one: the first that steps and owns selected parameters.

Decides that each optimizer is judged once, and that a second one which owns selected parameters is refused. What tying
one to the model means is left to `binding`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakSet

import torch
from torch import nn

from recorders.binding import Binding, bind
from recorders.hooks import Closure
from recorders.ownership import refuse_second
from recorders.selection import Selection


class FollowedOptimizer:
    """The optimizer that a recording follows, once there is one.

    Args:
        spec: presets and globs of the selection.
        on_bound: called once, with the binding.
        on_other: called, once for each, with what to say of an optimizer whose steps do not count.
    """

    def __init__(
        self, spec: Sequence[str], on_bound: Callable[[Binding], None], on_other: Callable[[str], None]
    ) -> None:
        self._spec = spec
        self._on_bound = on_bound
        self._on_other = on_other
        self._judged: WeakSet[torch.optim.Optimizer] = WeakSet()
        self.binding: Binding | None = None
        """The optimizer tied to its model; None before its first step."""
        self.why_none = "no optimizer made a step (one inside torch.compile is not seen)"
        """Why there is no binding."""

    def reconsider(self) -> None:
        """The model has become known: an optimizer that was passed over may own it."""
        self._judged.clear()

    def judge(
        self, optimizer: torch.optim.Optimizer, closure: Closure, model: nn.Module | None, selection: Selection | None
    ) -> Binding | None:
        """The binding, if this optimizer is the followed one; the first that qualifies becomes it.

        Args:
            optimizer: one that is about to step, or whose step a scaler left out.
            closure: what its step was called with.
            model: the model, where it is known already.
            selection: likewise.

        Raises:
            SedscopeError: it qualifies and cannot be recorded rightly, or is a second one that qualifies.
        """
        known = optimizer in self._judged
        if self.binding is None:
            if not known:
                self._judged.add(optimizer)
                self._consider(optimizer, closure, model, selection)
            return self.binding
        if optimizer is self.binding.optimizer:
            return self.binding
        if not known:
            self._judged.add(optimizer)
            refuse_second(self.binding.optimizer, optimizer, self.binding.selection.chosen)
            self._on_other(f"steps of another {type(optimizer).__name__}, which owns nothing selected, are not counted")
        return None

    def _consider(
        self, optimizer: torch.optim.Optimizer, closure: Closure, model: nn.Module | None, selection: Selection | None
    ) -> None:
        found = bind(optimizer, closure, model, selection, self._spec)
        if isinstance(found, str):
            self.why_none = found
        else:
            self.binding = found
            self._judged.clear()  # of one that was passed over it can be said from now on that its steps do not count
            self._on_bound(found)
