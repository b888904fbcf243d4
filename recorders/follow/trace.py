"""A check whether the script has written to the parameters since the optimizer's last step left them.

Decides how that is noticed at a price that every step can pay: torch counts what is written to a tensor, but not what
goes through `.data`, as an average of weights that is swapped in often does; so a sample of the values is kept too.
What follows from a change is left to `theta`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

_TENSORS_SAMPLED = 8
"""Tensors read after every step: enough to see a swap of all weights, few enough for each step to pay."""
_VALUES_SAMPLED = 8
"""Values read of each sampled tensor."""


class ParameterTrace:
    """A look at parameters that later tells whether they are the same.

    Args:
        parameters: all that the run stores.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._sampled = [tensor for tensor in _spread(parameters, _TENSORS_SAMPLED) if _can_be_sampled(tensor)]
        self._views: list[list[Tensor]] = []
        self._addresses: list[int] = []
        self._versions: list[tuple[int, int]] | None = None
        self._values: list[Tensor] = []

    def take(self) -> None:
        """Remember the parameters as a step has just left them: later changes are the script's doing."""
        self._versions, self._values = self._look(), self._read()

    def is_broken(self) -> bool:
        """Return whether something was written since `take`; False where nothing was ever taken."""
        if self._versions is None:
            return False
        same = all(torch.equal(_bits(now), _bits(then)) for now, then in zip(self._read(), self._values, strict=True))
        return self._versions != self._look() or not same

    def _look(self) -> list[tuple[int, int]]:
        return [(tensor.data_ptr(), tensor._version) for tensor in self._parameters]

    def _read(self) -> list[Tensor]:
        """Return a fresh vector of the sampled values for each device and dtype; nobody waits for a device."""
        addresses = [tensor.data_ptr() for tensor in self._sampled]
        if addresses != self._addresses:  # `.data` was set to another tensor: the views are of the old one
            self._addresses, self._views = addresses, _sample_views(self._sampled)
        return [torch.cat(views) for views in self._views]


def _sample_views(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return views of a few values of each tensor, those together that can be read in one go."""
    ordered = sorted(tensors, key=_kind)
    return [[_few(tensor.detach()) for tensor in same] for _, same in groupby(ordered, _kind)]


def _few(tensor: Tensor) -> Tensor:
    """Return a view of a few values, whatever the strides: from the middle of the tensor, along its last axis."""
    if tensor.ndim == 0:
        return tensor.reshape(1)
    line = tensor[tuple(length // 2 for length in tensor.shape[:-1])]
    return line[:: max(1, len(line) // _VALUES_SAMPLED)][:_VALUES_SAMPLED]


def _spread(tensors: Sequence[Tensor], most: int) -> list[Tensor]:
    count = min(most, len(tensors))
    return [tensors[index * len(tensors) // count] for index in range(count)]


def _can_be_sampled(tensor: Tensor) -> bool:
    return type(tensor.detach()) is Tensor and tensor.layout == torch.strided and tensor.numel() > 0


def _kind(tensor: Tensor) -> Any:
    return str(tensor.device), str(tensor.dtype)


def _bits(values: Tensor) -> Tensor:
    """Return the bytes of the values, as which a NaN equals itself."""
    return values.view(torch.uint8)
