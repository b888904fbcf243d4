"""The two ways into a script that was not changed: hooks around every optimizer's step, and replaced functions.

Decides which calls of `step` count: the outermost one, where a subclass calls `super().step()` or a wrapper steps the
optimizer that it wraps; a step inside `torch.compile` is not seen. Nothing that goes wrong behind a hook reaches the
training. What a step means is left to the session.

Order around a step: global pre, user pre, the step, user post, global post.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import Any

import torch
from torch._compile import _disable_dynamo
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

Closure = Callable[[], Any] | None
Wrapper = Callable[..., Any]
Guard = Callable[[Callable[[], None]], None]


class StepHooks:
    """The two global hooks around optimizer steps, from the constructor to `remove`.

    Args:
        before: called before a step, with θ_t still in place.
        after: called after a step that was made, or skipped inside a fused kernel.
        failed: called with what either raised; what it raises itself reaches the training.
    """

    def __init__(
        self,
        before: Callable[[torch.optim.Optimizer, Closure], None],
        after: Callable[[torch.optim.Optimizer], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._before_step, self._after_step, self._failed = before, after, failed
        self._handles = [register_optimizer_step_pre_hook(self._before), register_optimizer_step_post_hook(self._after)]

    def remove(self) -> None:
        """Take the hooks out again."""
        for handle in self._handles:
            handle.remove()

    def _before(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():
            return  # tracing a compiled step: anything we did would break its graph, and may break the training
        try:
            if not self._nested(sys._getframe(1)):
                closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
                self._before_step(optimizer, closure)
        except Exception as error:  # noqa: BLE001  it would surface inside somebody's optimizer step
            self._failed(error)

    def _after(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            if not self._nested(sys._getframe(1)):
                self._after_step(optimizer)
        except Exception as error:  # noqa: BLE001  see above
            self._failed(error)

    def _nested(self, caller: FrameType) -> bool:
        """Return whether another step is under way below this one on the stack.

        The stack is asked each time: a counter would be wrong for good after a step that raised.
        """
        frame = caller.f_back
        while frame is not None:
            if frame.f_code is caller.f_code:
                return True
            frame = frame.f_back
        return False


class Patches:
    """Replaced attributes, which `remove` puts back, the last one first; an observer is the patches that it needs.

    Args:
        guard: runs a function of ours so that what it raises ends the recording, not the training.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._undo: list[tuple[Any, str, Any]] = []

    def wrap(self, owner: Any, name: str, wrapper: Wrapper, *, traced: bool = True) -> None:
        """Put `wrapper(original, *args, **kwargs)` in the place of a function; one that does not exist is let be.

        The compiler goes around a wrapper that is not to be `traced`: it would look at tensors that are not its own.
        """
        original = getattr(owner, name, None)
        if original is None:
            return

        @wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        self._undo.append((owner, name, original))
        setattr(owner, name, replacement if traced else _disable_dynamo(replacement))

    def remove(self) -> None:
        """Put everything back as it was found."""
        while self._undo:
            owner, name, original = self._undo.pop()
            setattr(owner, name, original)
