"""GradScalers, observed: which losses they scaled, by how much, and which optimizer steps they skipped.

A fused optimizer unscales and skips inside its kernel, with hooks firing either way; for the others the scaler does not
call the step at all, and no hook fires. Both count as a skipped step here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from recorders.observe.hooks import Guard, Patches

_MARK = "sedscope.scale"
_DEPTH = 64
"""Nodes looked at behind a loss: a script may divide or add scaled losses, and no step may pay for a whole graph."""


class ScalerObserver(Patches):
    """A watch over every GradScaler of the process.

    Args:
        on_skip: called with the optimizer whose step a scaler left out.
    """

    def __init__(self, guard: Guard, on_skip: Callable[[Any], None]) -> None:
        super().__init__(guard)
        self._on_skip = on_skip
        self._stepped: set[int] = set()
        self.scale: Tensor | None = None
        """The factor of the losses since the last step; None without a scaler."""
        self.unscaled = False
        """True where the gradients have been divided by the scale since then."""
        self._used = False
        scaler = torch.amp.GradScaler
        self.wrap(scaler, "scale", self._scaled)
        self.wrap(scaler, "unscale_", self._unscaled)
        self.wrap(scaler, "step", self._step)

    def step_seen(self, optimizer: torch.optim.Optimizer) -> None:
        """Notice that an optimizer's step was really called: a scaler that is stepping it has not skipped it."""
        self._stepped.add(id(optimizer))
        self.scale, self.unscaled = None, False

    def scale_of(self, loss: Tensor) -> Tensor | None:
        """Return the factor of a loss that came out of a scaler at most a few operations ago, or None."""
        queue: deque[Any] = deque([loss.grad_fn] if self._used else ())
        for _ in range(_DEPTH):
            node = queue.popleft() if queue else None
            if node is None:
                continue
            if _MARK in node.metadata:
                mark: Tensor = node.metadata[_MARK]
                return mark
            queue.extend(parent for parent, _ in node.next_functions)
        return None

    def _scaled(self, original: Any, scaler: Any, outputs: Any) -> Any:
        result = original(scaler, outputs)
        self._guard(lambda: self._mark(scaler, result))
        return result

    def _mark(self, scaler: Any, result: Any) -> None:
        if not scaler.is_enabled():
            return
        # The tensor itself, where there is one: `get_scale` waits for the device.
        scale_tensor = getattr(scaler, "_scale", None)
        scale = scale_tensor.detach().clone() if isinstance(scale_tensor, Tensor) else torch.tensor(scaler.get_scale())
        self.scale, self._used = scale, True
        for tensor in result if isinstance(result, list | tuple) else [result]:
            if isinstance(tensor, Tensor) and tensor.grad_fn is not None:
                node: Any = tensor.grad_fn
                node.metadata[_MARK] = scale

    def _unscaled(self, original: Any, scaler: Any, optimizer: Any) -> Any:
        result = original(scaler, optimizer)
        self.unscaled = True
        return result

    def _step(self, original: Any, scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        self._stepped.discard(id(optimizer))
        result = original(scaler, optimizer, *args, **kwargs)
        if id(optimizer) not in self._stepped:
            self.scale, self.unscaled = None, False
            self._guard(lambda: self._on_skip(optimizer))
        return result
