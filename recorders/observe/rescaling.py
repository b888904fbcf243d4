"""Gradients rescaled between backward and step, observed: clipping by `clip_grad_norm_`, and GradScalers.

The norm before clipping and its coefficient are known only where one call covers all parameters that the optimizer
steps. Clipping by value, and clipping by hand, show in the rows alone.

Of GradScalers it is seen which losses they scaled, by how much, and which optimizer steps they skipped. A fused
optimizer unscales and skips inside its kernel, with hooks firing either way; for the others the scaler does not call
the step at all, and no hook fires. Both count as a skipped step here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.utils.clip_grad as torch_clipping
from torch import Tensor

from recorders.format import CLIP_COEFFICIENT, GRAD_NORM_UNCLIPPED
from recorders.observe.hooks import Guard, Patches

_REMEMBERED = 64  # clips of an optimizer that never steps must not pile up
_TORCHS_EPSILON = 1e-6  # torch.nn.utils.clip_grad: max_norm / (total_norm + 1e-6), at most 1
_MARK = "sedscope.scale"
_DEPTH = 64
"""Nodes looked at behind a loss: a script may divide or add scaled losses, and no step may pay for a whole graph."""


@dataclass(frozen=True, eq=False)
class _Clip:
    parameters: frozenset[int]
    norm: Tensor
    coefficient: Tensor
    euclidean: bool
    scale: Tensor | None
    """The AMP scale that the gradients still carried when they were clipped, or None."""


class ClippingObserver(Patches):
    """A watch over gradient clipping between two optimizer steps.

    Args:
        current_scale: what gradients are multiplied by right now, or None.
    """

    def __init__(self, guard: Guard, current_scale: Callable[[], Tensor | None]) -> None:
        super().__init__(guard)
        self._current_scale = current_scale
        self._clips: deque[_Clip] = deque(maxlen=_REMEMBERED)
        self._euclidean: Tensor | None = None
        # The inner functions: a script may hold its own reference to the public one from before the recording.
        self.wrap(torch_clipping, "_get_total_norm", self._normed)
        self.wrap(torch_clipping, "_clip_grads_with_norm_", self._clipped)

    def take(self, stepped: Iterable[Tensor]) -> dict[str, Tensor]:
        """Return the scalars of the step that is over, by their names in a run, and forget what was clipped.

        `stepped` are the parameters that had a gradient in this step.
        """
        ids = {id(parameter) for parameter in stepped}
        clips = [clip for clip in self._clips if clip.parameters & ids]
        for clip in clips:
            self._clips.remove(clip)
        if len(clips) != 1 or not ids <= clips[0].parameters:
            return {}
        clip = clips[0]
        scalars = {CLIP_COEFFICIENT: clip.coefficient}
        if clip.euclidean:
            scalars[GRAD_NORM_UNCLIPPED] = clip.norm if clip.scale is None else clip.norm / clip.scale
        return scalars

    def _normed(self, original: Any, tensors: Any, norm_type: float = 2.0, *args: Any, **kwargs: Any) -> Any:
        norm = original(tensors, norm_type, *args, **kwargs)
        self._euclidean = norm if float(norm_type) == 2.0 else None
        return norm

    def _clipped(
        self, original: Any, parameters: Any, max_norm: float, total_norm: Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        parameter_list = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        result = original(parameter_list, max_norm, total_norm, *args, **kwargs)
        self._guard(lambda: self._remember(parameter_list, float(max_norm), total_norm))
        return result

    def _remember(self, parameters: list[Tensor], max_norm: float, norm: Tensor) -> None:
        norm_copy = norm.detach().clone()
        coefficient = torch.clamp(max_norm / (norm_copy + _TORCHS_EPSILON), max=1.0)
        ids = frozenset(id(parameter) for parameter in parameters)
        self._clips.append(_Clip(ids, norm_copy, coefficient, norm is self._euclidean, self._current_scale()))
        self._euclidean = None


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
