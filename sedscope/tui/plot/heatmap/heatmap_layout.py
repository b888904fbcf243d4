"""Positions of a heatmap's cells on the screen: their edges, and the cell under a column and a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot.data import Look
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.terminal.cell_text import ascii_text, plain, width

_WIDEST = 14
_TALLEST = 3
_NUMBER = 8
"""Cells in which a number of three digits stands."""
Edges = NDArray[np.int64]


@dataclass(frozen=True)
class HeatLayout:
    """Places of the parts, in screen columns and lines."""

    width: int
    height: int
    left: int
    """Columns for row names."""
    header: int
    foot: int
    """Lines for column names (0 or 1)."""
    bar: int
    """Lines for the colour bar (0 or 1)."""
    reading: int
    """Lines for the read-out (0 or 1)."""
    across: Edges
    """[c + 1] edges of the c drawn columns, from 0 at `left`."""
    down: Edges
    """[r + 1] edges of the r drawn rows, in half lines where `halved`, else in lines; from 0 at `header`."""
    halved: bool
    """Two rows share a line, as upper and lower half."""
    column_starts: Edges
    """[c + 1] first matrix column of each drawn column: one drawn column is the mean of those it covers."""
    row_starts: Edges
    """[r + 1] likewise of the rows."""

    @property
    def lines(self) -> int:
        """Lines of the cell area."""
        return int(-(-self.down[-1] // 2) if self.halved else self.down[-1])

    def column_at(self, x: int) -> int | None:
        """Return the first matrix column under a screen column."""
        return _under(x - self.left, self.across, self.column_starts)

    def row_at(self, y: int) -> int | None:
        """Return the first matrix row under a screen line (of two halves the upper)."""
        return _under((y - self.header) * (2 if self.halved else 1), self.down, self.row_starts)

    def drawn_column(self, column: int) -> int:
        """Return the drawn column that holds a matrix column."""
        return int(np.searchsorted(self.column_starts, column, "right")) - 1

    def drawn_row(self, row: int) -> int:
        """Return the drawn row that holds a matrix row."""
        return int(np.searchsorted(self.row_starts, row, "right")) - 1

    def line_of(self, drawn_row: int) -> int:
        """Return the screen line on which a drawn row's number and name stand."""
        if self.halved:
            return self.header + drawn_row // 2
        return self.header + int(self.down[drawn_row] + self.down[drawn_row + 1] - 1) // 2


def _under(offset: int, edges: Edges, starts: Edges) -> int | None:
    drawn = int(np.searchsorted(edges, offset, "right")) - 1
    return int(starts[drawn]) if 0 <= drawn < len(edges) - 1 else None


def arrange_heatmap(heatmap: Heatmap, cells: int, rows: int, look: Look) -> HeatLayout:
    """Return the layout that fits: first the cells, then names, title, read-out and colour bar."""
    labels = [plain(heatmap.row_name(r)) for r in range(heatmap.values.shape[0])]
    names = [width(ascii_text(label) if look.glyphs == "ascii" else label) for label in labels]
    # A third of the width; more where few columns leave it unused.
    most = max(cells // 3, cells - heatmap.values.shape[1] * _NUMBER)
    left = min(max(names, default=0) + 1, most) if cells >= 9 else 0
    header, foot, reading, bar = _extras(heatmap, rows)
    row_edges, row_starts, halved = _rows(heatmap.values.shape[0], rows - header - foot - reading - bar, look)
    column_edges, column_starts = _columns(heatmap.values.shape[1], cells - left)
    return HeatLayout(
        cells, rows, left, header, foot, bar, reading, column_edges, row_edges, halved, column_starts, row_starts
    )


def _extras(heatmap: Heatmap, rows: int) -> tuple[int, int, int, int]:
    """Return lines for title, column names, read-out, bar; title and bar give way where every row then has a line."""
    header = int(rows >= 5 and bool(heatmap.title or heatmap.row_title))
    foot, reading, bar = int(rows >= 4), int(rows >= 6), int(rows >= 8)
    spare = rows - heatmap.values.shape[0] - foot - reading
    if 0 <= spare < header + bar:
        header, bar = min(header, spare), 0
    return header, foot, reading, bar


def _rows(count: int, lines: int, look: Look) -> tuple[Edges, Edges, bool]:
    """Give each row up to three lines; where rows outnumber lines, two rows share one, or means of rows do."""
    if count <= lines:
        tall = min(max(lines // max(count, 1), 1), _TALLEST)
        return np.arange(count + 1) * tall, np.arange(count + 1), False
    halved = look.glyphs == "braille" and look.colours != "none"
    drawn = min(count, lines * (2 if halved else 1))
    return np.arange(drawn + 1), _split(count, drawn), halved


def _columns(count: int, cells: int) -> tuple[Edges, Edges]:
    """Give few columns equal wide cells, many all the width; where columns outnumber cells, means of columns."""
    if count * 4 <= cells:
        return np.arange(count + 1) * min(cells // max(count, 1), _WIDEST), np.arange(count + 1)
    if count <= cells:
        return _split(cells, count), np.arange(count + 1)
    return np.arange(cells + 1), _split(count, cells)


def _split(length: int, parts: int) -> Edges:
    """Return [parts + 1] edges that divide `length` as evenly as whole numbers can."""
    return np.arange(parts + 1) * length // max(parts, 1)
