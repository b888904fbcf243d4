"""Inner products of rows that can meet in one window, from one pass over the rows in bounded memory.

Every window is then an eigenproblem of W × W (`window_svd`) instead of a singular value decomposition of W × P.
That is what makes rolling windows cheap: with P = 131,072, the Gram matrix of 145 rows takes less than half a second,
which the decomposition of a single window of 20 rows would take too.
Leaves to others: where rows come from (any reader) and which windows exist (`windows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Rows


class RowReader(Protocol):
    """Reads rows `start:stop`, restricted to a range of columns, as float32 or float64 `[stop − start, columns]`."""

    def __call__(self, start: int, stop: int, columns: slice, /) -> Rows: ...


@dataclass(frozen=True, slots=True)
class BandedGram:
    """⟨row_i, row_j⟩ for |i − j| < W, in float64."""

    band: Floats
    """`[n, 2W − 1]`: entry (i, W − 1 + d) is ⟨row_i, row_(i+d)⟩, zero where row i + d does not exist."""
    size: int
    """W: the largest window that this band serves; every smaller one is served as well."""

    def window(self, start: int, stop: int) -> Floats:
        """Return the Gram matrix `[n, n]` of rows `start:stop`, n ≤ W: a read-only view, nothing is copied.

        Raises:
            UsageError: The rows do not exist or are more than W.
        """
        n_rows = stop - start
        if not 0 <= start < stop <= len(self.band) or n_rows > self.size:
            raise UsageError(f"rows {start}:{stop}: must be at most {self.size} of {len(self.band)} rows")
        # Entry (a, b) of the window is (start + a, W − 1 + b − a) of the band: one row down, one column back.
        down, right = self.band.strides
        origin = self.band[start, self.size - 1 :]
        return np.lib.stride_tricks.as_strided(origin, (n_rows, n_rows), (down - right, right), writeable=False)


def banded_gram(rows: RowReader, n_rows: int, n_columns: int, size: int, *, buffer_bytes: int = 96 << 20) -> BandedGram:
    """Compute the Gram matrix of rows, no wider than a window.

    Every entry of every row is read exactly once. Products are accumulated in float64 whatever the rows' dtype: they
    are squares, so float32 would drown every singular value below 2e-4·σ_1. A row with NaN or Inf spoils the entries
    that it takes part in and no others.

    Args:
        rows: Reader of the rows; blocks of columns outside, blocks of rows inside, both ascending.
        n_rows: n.
        n_columns: P.
        size: W, the largest window that the matrix must serve.
        buffer_bytes: Bound on the rows that are held at once, as read and as float64 copies, in bytes.

    Raises:
        UsageError: W < 1.
    """
    if size < 1:
        raise UsageError(f"window: must be at least 1 row; found {size}")
    size = max(1, min(size, n_rows))
    band = np.zeros((n_rows, 2 * size - 1))
    step = max(1, min(n_rows, 2 * size))
    # Held at once per column: a block of rows as read, and its float64 copy behind the rows before it.
    width = max(1, min(n_columns, buffer_bytes // (8 * (2 * step + size))))
    buffer = np.empty((size - 1 + step, width))
    with np.errstate(invalid="ignore", over="ignore"):
        for first in range(0, n_columns, width):
            columns = slice(first, min(first + width, n_columns))
            for start, recent, earlier in _with_predecessors(rows, n_rows, columns, buffer, step):
                _add_products(band, start, recent, earlier, size)
        _mirror(band, size)
    return BandedGram(band, size)


def _with_predecessors(
    rows: RowReader, n_rows: int, columns: slice, buffer: Floats, step: int
) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield blocks of rows, each alone and with the rows before it that `buffer` has room for; no row is read twice.

    Both are views of the buffer, which the next block overwrites.
    """
    reach, buffer = len(buffer) - step, buffer[:, : columns.stop - columns.start]
    held = 0
    for start in range(0, n_rows, step):
        filled = held + min(step, n_rows - start)
        buffer[held:filled] = rows(start, start + filled - held, columns)
        yield start, buffer[held:filled], buffer[:filled]
        held = min(reach, filled)
        buffer[:held] = buffer[filled - held : filled]


def _add_products(band: Floats, start: int, recent: Floats, earlier: Floats, size: int) -> None:
    """Add ⟨row_i, row_j⟩, j ≤ i, of the rows in `recent` (the last ones of `earlier`) to the left half of the band."""
    products = recent @ earlier.T
    offset = len(earlier) - len(recent)
    for row in range(len(recent)):
        last = offset + row + 1
        first = max(0, last - size)
        band[start + row, size - (last - first) : size] += products[row, first:last]


def _mirror(band: Floats, size: int) -> None:
    """Fill the right half: ⟨row_i, row_(i+d)⟩ = ⟨row_(i+d), row_i⟩."""
    n_rows = len(band)
    for d in range(1, size):
        band[: n_rows - d, size - 1 + d] = band[d:, size - 1 - d]
