"""Flat buffers of a tangent program, the windows through which operations look at them, and sums written into them.

Every value of a program that only rearranges another one (a view, a transpose, a split) has no memory and no operation
of its own here: it is a *window*, a tensor of positions in the buffer of the operation that made the numbers. Decides
how such positions are read and written; leaves to others what is computed (`rules`) and in which order (`plan`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(eq=False)
class Buffer:
    """The numbers that one operation makes for a block of probes, those that reach the score."""

    shape: torch.Size
    """Shape of the operation's full result."""
    dtype: torch.dtype
    parametric: bool
    """The numbers depend on selected parameters: they have a tangent, their derivative along v."""
    displaced: bool
    """The numbers depend on δ: their adjoint is on the way to μ."""
    demand: Tensor = field(init=False)
    """Whether the score reads each number of the full result, flat."""
    size: int = field(init=False)
    """How many numbers are held."""
    locations: Tensor | None = field(init=False, default=None)
    """Where each number of the full result lies, flat; None where all are held in their order."""

    def __post_init__(self) -> None:
        self.size = math.prod(self.shape)
        self.demand = torch.zeros(self.size, dtype=torch.bool)

    def hold(self, elements: Tensor | None) -> None:
        """Hold these flat positions of the full result, in this order; None: all of them."""
        if elements is not None:
            self.locations = torch.full((self.size,), -1)
            self.locations[elements] = torch.arange(elements.numel())
            self.size = elements.numel()


class BufferView:
    """A tensor whose entries are numbers of a buffer: a strided view where the positions allow it, else gathered."""

    def __init__(self, buffer: Buffer, elements: Tensor) -> None:
        """Look at these flat positions of the buffer's full result; the window has their shape."""
        positions = elements if buffer.locations is None else buffer.locations[elements]
        self.buffer = buffer
        self.shape = positions.shape
        self.strides, self.offset = _strides(positions)
        self.repeated: tuple[int, ...] = ()
        """Axes along which every entry is the same number, as an expanded tensor has them."""
        once = positions
        if self.strides is not None:
            self.repeated = tuple(a for a, s in enumerate(self.strides) if s == 0 and self.shape[a] > 1)
            for axis in self.repeated:
                once = once.narrow(axis, 0, 1)
        self.is_writable = torch.unique(once).numel() == once.numel()
        """Whether no number stands at two entries, repeated axes aside."""
        # Positions that are a view need not be remembered one by one.
        self._positions = None if self.strides is not None and self.is_writable else positions.reshape(-1)

    @property
    def is_direct(self) -> bool:
        """True where a sum over the view can be written in its memory term by term."""
        return self.strides is not None and self.is_writable and not self.repeated

    def read(self, flat: Tensor) -> Tensor:
        """Return the window's entries of a flat buffer, without a copy where it is strided."""
        if self.strides is not None:
            return flat.as_strided(self.shape, self.strides, self.offset)
        assert self._positions is not None
        return flat[self._positions].view(self.shape)

    def view(self, flat: Tensor) -> Tensor:
        """Return the entries with repeated axes cut to one, as a view; for windows that are writable and strided."""
        assert self.strides is not None
        shape = [1 if axis in self.repeated else size for axis, size in enumerate(self.shape)]
        return flat.as_strided(shape, self.strides, self.offset)

    def write(self, flat: Tensor, entries: Tensor, *, fresh: bool) -> None:
        """Add a tensor of the window's shape to the buffer; where it is fresh, overwrite what was there."""
        if self._positions is not None:
            # `fresh` is never said of numbers that stand at several entries.
            flat.index_copy_(0, self._positions, entries.reshape(-1)) if fresh else flat.index_add_(
                0, self._positions, entries.reshape(-1)
            )
            return
        target = self.view(flat)
        reduced = entries.sum(self.repeated, keepdim=True) if self.repeated else entries
        target.copy_(reduced) if fresh else target.add_(reduced)

    def mark(self, covered: Tensor) -> bool | None:
        """Mark the window in a flat mask; return whether it was free before: True all, False none, None a part."""
        if self._positions is not None:
            if not self.is_writable:
                return None
            before = covered[self._positions]
            covered[self._positions] = True
        else:
            view = self.view(covered)
            before = view.clone()
            view.fill_(True)
        return True if not before.any() else False if before.all() else None


def _strides(positions: Tensor) -> tuple[tuple[int, ...] | None, int]:
    """Return strides and offset with positions[i, j, …] = offset + i·stride_0 + j·stride_1 + …; None where none fit."""
    if not positions.numel():
        return None, 0
    corner = positions[(0,) * positions.ndim]
    expected = corner
    strides = []
    for axis, size in enumerate(positions.shape):
        step = positions.select(axis, 1)[(0,) * (positions.ndim - 1)] - corner if size > 1 else corner * 0
        strides.append(int(step))
        along = torch.arange(size).view(-1, *(1,) * (positions.ndim - axis - 1))
        expected = expected + along * step
    if min(strides, default=0) < 0 or not torch.equal(expected, positions):
        return None, 0
    return tuple(strides), int(corner)


class Sum:
    """A tensor that is written as a sum of terms: the first overwrites what was there, the others are added."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.fresh = True

    def add(self, term: Tensor, scale: float = 1.0) -> None:
        """Add scale · term; a smaller term is broadcast."""
        if not self.fresh:
            self.tensor.add_(term, alpha=scale)
        elif scale == 1.0:
            self.tensor.copy_(term)
        else:
            torch.mul(term, scale, out=self.tensor)
        self.fresh = False

    def add_product(self, a: Tensor, b: Tensor) -> None:
        """Add a · b, entry by entry."""
        if self.fresh:
            torch.mul(a, b, out=self.tensor)
        else:
            self.tensor.addcmul_(a, b)
        self.fresh = False

    def add_matmul(self, a: Tensor, b: Tensor) -> None:
        """Add the matrix product of a and b, both matrices or both batches of them."""
        if self.fresh:
            torch.matmul(a, b, out=self.tensor)
        elif a.ndim == 2:
            self.tensor.addmm_(a, b)
        else:
            self.tensor.baddbmm_(a, b)
        self.fresh = False

    def close(self) -> None:
        """Finish: a sum without terms is zero."""
        if self.fresh:
            self.tensor.zero_()
            self.fresh = False
