"""The heatmap as a widget: holds the matrix and a cell cursor, and says where the user put it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.binding import Binding, BindingType

from sedscope.tui.plot.cursor import CellMoved
from sedscope.tui.plot.data import Look
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_draw import draw_heatmap
from sedscope.tui.plot.heatmap.heatmap_layout import arrange_heatmap
from sedscope.tui.plot.sliced import CursorWidget
from sedscope.tui.terminal.cell_text import Line

Cell = tuple[int, int]


class HeatmapView(CursorWidget):
    """A matrix in colours, with numbers where they fit, and a read-out of the cell at the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "row(-1)", "Row above", show=False),
        Binding("down", "row(1)", "Row below", show=False),
    ]

    def __init__(self, heatmap: Heatmap | None = None, *, look: Look | None = None, **options: Any) -> None:
        super().__init__(look=look, **options)
        self._heatmap = heatmap or Heatmap(np.empty((0, 0)))
        self._cursor: Cell | None = None
        self._hover: Cell | None = None

    @property
    def heatmap(self) -> Heatmap:
        """The matrix; a new one keeps the cursor at its x, else at its row and column."""
        return self._heatmap

    @heatmap.setter
    def heatmap(self, heatmap: Heatmap) -> None:
        cursor, before = self._cursor, self._heatmap
        self._heatmap, self._hover = heatmap, None
        if cursor is not None and before.x is not None and heatmap.x is not None and heatmap.x.size:
            cursor = cursor[0], _nearest(heatmap, float(before.x[cursor[1]]))
        self._cursor = None if cursor is None else self._held(cursor)
        self.redraw()

    @property
    def cursor(self) -> Cell | None:
        return self._cursor

    @property
    def has_places(self) -> bool:
        return self._heatmap.values.size > 0

    def set_x(self, x: float | None) -> None:
        """Put the cursor on the column nearest to x, in the row where it is; None puts it away."""
        if x is None or self._heatmap.x is None or not self._heatmap.x.size:
            self._cursor = None
        else:
            self._cursor = self._held((self._cursor[0] if self._cursor else 0, _nearest(self._heatmap, x)))
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        shown = self._hover or self._cursor
        return draw_heatmap(self._heatmap, width, height, self.look, shown)

    def action_step(self, count: int) -> None:
        self._move_by(0, count)

    def action_row(self, count: int) -> None:
        self._move_by(count, 0)

    def action_leap(self, direction: int) -> None:
        row, column = self._cursor or (0, 0)
        self._move_to((row, column + direction * max(self._heatmap.values.shape[1] // 10, 1)))

    def action_end(self, direction: int) -> None:
        row = self._cursor[0] if self._cursor else 0
        self._move_to((row, self._heatmap.values.shape[1] - 1 if direction > 0 else 0))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover_at(self._cell(event))

    def on_leave(self) -> None:
        if not self.is_mouse_over:
            self._hover_at(None)

    def on_click(self, event: events.Click) -> None:
        cell = self._cell(event)
        if cell is not None:
            self._move_to(cell)

    def _move_by(self, rows: int, columns: int) -> None:
        self._move_to((0, 0) if self._cursor is None else (self._cursor[0] + rows, self._cursor[1] + columns))

    def _move_to(self, cell: Cell) -> None:
        held = self._held(cell)
        if held is None:
            return
        self._hover, self._cursor = None, held
        self.redraw()
        self.post_message(CellMoved(self, *held))

    def _hover_at(self, cell: Cell | None) -> None:
        if cell != self._hover:
            self._hover = cell
            self.redraw()

    def _held(self, cell: Cell) -> Cell | None:
        """Return the nearest cell there is; None in an empty matrix."""
        rows, columns = self._heatmap.values.shape
        if not rows or not columns:
            return None
        return min(max(cell[0], 0), rows - 1), min(max(cell[1], 0), columns - 1)

    def _cell(self, event: events.MouseEvent) -> Cell | None:
        position = self.point(event.screen_offset)
        layout = arrange_heatmap(self._heatmap, max(self.size.width, 1), max(self.size.height, 1), self.look)
        row, column = layout.row_at(position.y), layout.column_at(position.x)
        return None if row is None or column is None else (row, column)


def _nearest(heatmap: Heatmap, x: float) -> int:
    assert heatmap.x is not None
    return int(np.argmin(np.abs(heatmap.x / 2 - x / 2)))
