"""Dots: which ones a line, a band or a rule sets, and the characters that groups of dots become.

A braille character holds 2 × 4 dots, an ASCII character one. Masks are [rows of dots, columns of dots], top row first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot.axis.scale import AxisRange, Floats
from sedscope.tui.plot.data import Bools

Codes = NDArray[np.uint32]
Bits = NDArray[np.uint8]

_BRAILLE = 0x2800
TOP_ROW = 1 | 8
"""Braille bits of a cell's uppermost dots."""
COUNTS = np.array([bits.bit_count() for bits in range(256)], dtype=np.uint8)
"""[256] how many dots braille bits set."""
_NUDGE = 1e-9
"""Dots; keeps a level line that lies between two rows in one of them, whatever the last bits of its values."""
_WEIGHTS = np.array([[1, 8], [2, 16], [4, 32], [64, 128]], dtype=np.uint8)


@dataclass(frozen=True)
class Grid:
    """The cells of a plot and the dots in each."""

    width: int
    height: int
    across: int
    """Dots in a cell, side by side."""
    down: int

    @property
    def columns(self) -> int:
        """Dot columns."""
        return self.width * self.across

    @property
    def rows(self) -> int:
        """Dot rows."""
        return self.height * self.down


def rows_of(grid: Grid, y: AxisRange, values: Floats) -> Floats:
    """Return dot rows of axis values, whole, 0 at the top; held just outside the grid where they lie beyond it."""
    rows = (1 - y.fractions(values)) * (grid.rows - 1)
    return np.floor(np.clip(rows, -2.0, grid.rows + 1.0) + 0.5 + _NUDGE)


def line(grid: Grid, y: AxisRange, values: Floats) -> Bools:
    """Return a line through one height per column: neighbours meet half-way and share no dot."""
    rows = rows_of(grid, y, values)
    up, down = rows.copy(), rows.copy()
    for mine, other in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        up[mine] = np.fmin(up[mine], np.floor((rows[mine] + rows[other]) / 2) + 1)
        down[mine] = np.fmax(down[mine], np.floor((rows[mine] + rows[other]) / 2))
    return filled(grid, up, down)


def filled(grid: Grid, top: Floats, bottom: Floats) -> Bools:
    """Return every dot between two heights per column, ends included; none where either is NaN."""
    rows = np.arange(grid.rows, dtype=np.float64)[:, None]
    mask: Bools = (rows >= top) & (rows <= bottom)
    return mask


def band(grid: Grid, y: AxisRange, low: Floats, high: Floats) -> Bools:
    """Return a band as a quarter of its dots, in a pattern that shows lines through it."""
    area = filled(grid, rows_of(grid, y, high), rows_of(grid, y, low))
    rows, columns = np.arange(grid.rows)[:, None], np.arange(grid.columns)[None, :]
    if grid.down == 1:
        return area
    area &= (rows + 2 * (columns % 2)) % 4 == 0
    return area


def level(grid: Grid, y: AxisRange, value: float, every: int) -> Bools:
    """Return a horizontal line at one height, one dot in `every`; empty where the height is out of view."""
    mask = np.zeros((grid.rows, grid.columns), dtype=bool)
    position = float(y.fractions(value))
    if 0 <= position <= 1:
        mask[int((1 - position) * (grid.rows - 1) + 0.5), ::every] = True
    return mask


def upright(grid: Grid, column: int, every: int) -> Bools:
    """Return a vertical line in one dot column, one dot in `every`."""
    mask = np.zeros((grid.rows, grid.columns), dtype=bool)
    mask[::every, column] = True
    return mask


def bits(grid: Grid, mask: Bools) -> Bits:
    """Return [height, width] the dots of each cell as braille bits; 1 where an ASCII cell is set."""
    if grid.down == 1:
        return mask.astype(np.uint8)
    cells = mask.reshape(grid.height, 4, grid.width, 2)
    packed = np.zeros((grid.height, grid.width), dtype=np.uint8)
    for row in range(4):
        for column in range(2):
            packed |= cells[:, row, :, column].astype(np.uint8) * _WEIGHTS[row, column]
    return packed


def braille(packed: Bits) -> Codes:
    """Return code points of braille bits."""
    return packed.astype(np.uint32) + np.uint32(_BRAILLE)
