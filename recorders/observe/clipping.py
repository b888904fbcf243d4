"""Gradient clipping by `clip_grad_norm_`, observed: the norm before it, and the coefficient.

Both are known only where one call covers all parameters that the optimizer steps. Clipping by value, and clipping by
hand, show in the rows alone.
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

        Args:
            stepped: the parameters that had a gradient in this step.
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
