"""One run without data: shapes and sizes of everything that a program would make, before it makes anything.

Decides what counts as memory. The caps come in as arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program.storage.graph import MAX_LIST, TensorSpec


@dataclass(frozen=True)
class Footprint:
    """Memory and operations that one forward would take."""

    largest: int
    """Bytes of the largest single result; an expanded view counts as if it were copied."""
    total: int
    """Bytes of all results together: what a graph that is kept for a gradient holds at most. Views take none."""
    flops: int
    """Floating-point operations of matrix products, attention and convolutions, by torch's counter."""


class ByteCount:
    """A sum over the results of one run on meta tensors, which stops the run at a cap."""

    def __init__(self, most_each: int, most_total: int) -> None:
        self._most_each = most_each
        self._most_total = most_total
        # Kept, so that no later result can have the identity of an earlier one.
        self._storages: dict[int, torch.UntypedStorage] = {}
        self.largest = 0
        self.total = 0

    def add(self, result: Any) -> None:
        """Count one node's result.

        Raises:
            RefusedError: it, or the sum so far, is above its cap.
        """
        tensors = [item for item in (result if isinstance(result, (list, tuple)) else [result]) if _is_tensor(item)]
        if len(tensors) > MAX_LIST:
            raise RefusedError(f"at most {MAX_LIST} results, found {len(tensors)}")
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        self.largest = max(self.largest, size)
        for tensor in tensors:
            self._hold(tensor.untyped_storage())
        if size > self._most_each:
            raise RefusedError(f"its result would take {size} bytes, at most {self._most_each} are allowed")
        if self.total > self._most_total:
            raise RefusedError(
                f"results up to here would take {self.total} bytes, at most {self._most_total} are allowed"
            )

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = storage
            self.total += storage.nbytes()


def _is_tensor(item: Any) -> bool:
    return isinstance(item, Tensor)


def empty_like_spec(spec: TensorSpec, floating: torch.dtype | None) -> Tensor:
    """Return a tensor without data for one entry of a program's state.

    Raises:
        RefusedError: a shape that no tensor can have.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if floating is not None and dtype.is_floating_point:
        dtype = floating
    try:
        return torch.empty(spec.shape, dtype=dtype, device="meta")
    except RuntimeError as error:
        raise RefusedError(f"program: weight {ascii(spec.name)[:80]} cannot have shape {list(spec.shape)}") from error
