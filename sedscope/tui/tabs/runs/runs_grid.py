"""The table of runs as a widget: brings itself up to date with as few changes as there are, and keeps its cursor.

Which columns there are, their texts and their order is decided in `run_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.text import Text
from textual import events
from textual.widgets import DataTable

from sedscope.analysis.result_view.result_column import ResultColumn
from sedscope.tui.data.run_table import COLUMNS, arranged, cell_text, fitted, shown_columns, sign
from sedscope.tui.data.snapshot import RunRow

_MARK = "mark"
_BEFORE = 5
"""Cells of the column of signs with its gap, and of the scroll bar."""
_UNKNOWN = 1000
"""Cells taken for the width before there is one: every column fits."""
_RICH = {"$success": "green", "$warning": "yellow", "$error": "red"}


class RunsGrid(DataTable[Text]):
    """One line per run."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", cell_padding=1)
        self.fixed_columns = 2
        self.shown: list[RunRow] = []
        """The runs that match, in the order of the table."""
        self.sorted_by = 0
        """Place of a column."""
        self._backwards = False
        self._words = ""
        self._all: Sequence[RunRow] = ()
        self._marked: Sequence[Path] = ()
        self._places: tuple[int, ...] = ()
        self.given_way: tuple[str, ...] = ()
        """Columns that the table is too narrow for."""

    def on_mount(self) -> None:
        """Make the headers."""
        self._columns_change()
        self._head()

    def on_resize(self, event: events.Resize) -> None:
        """Give other columns the room there is now."""
        if self._columns_change():
            self.sort_by(self.sorted_by, self._backwards)

    @property
    def at_cursor(self) -> Path | None:
        return self.shown[self.cursor_row].path if 0 <= self.cursor_row < len(self.shown) else None

    @property
    def is_cut(self) -> bool:
        """True where columns lie beyond the right edge."""
        return self.virtual_size.width > self.size.width > 0

    def move_to(self, path: Path) -> None:
        """Put the cursor on a run, where it is shown."""
        index = next((i for i, row in enumerate(self.shown) if row.path == path), None)
        if index is not None:
            self.move_cursor(row=index, animate=False)

    def update_runs(self, rows: Sequence[RunRow], marked: Sequence[Path], words: str, here: Path | None) -> None:
        """Show these runs; `here` is where the cursor goes where there was none."""
        self._all, self._words = rows, words
        here = self.at_cursor or here
        if self._columns_change():
            self._head()
        arranged_rows = arranged(rows, words, self.sorted_by, self._backwards)
        if [row.path for row in arranged_rows] == [row.path for row in self.shown]:
            self._renew(arranged_rows, marked)
        else:
            self._fill(arranged_rows, marked)
            if here is not None:
                self.move_to(here)

    def sort_by(self, column: int, backwards: bool) -> None:
        """Sort by a column; the cursor stays on its run."""
        here = self.at_cursor
        self.sorted_by, self._backwards = column, backwards
        self._columns_change()
        self._head()
        self.update_runs(self._all, self._marked, self._words, here)

    def sort_next(self, direction: int) -> None:
        position = self._places.index(self.sorted_by) + direction
        self.sort_by(self._places[position % len(self._places)], False)

    def reverse(self) -> None:
        self.sort_by(self.sorted_by, not self._backwards)

    def sort_at(self, index: int) -> None:
        """Sort by the column at an index of the screen; once more turns the order round."""
        if index > 0:
            column = self._places[index - 1]
            self.sort_by(column, column == self.sorted_by and not self._backwards)

    def _columns_change(self) -> bool:
        """Choose the columns that say something about these runs and have room; whether that changed any."""
        wished = shown_columns(self._all)
        room = self.size.width - _BEFORE if self.size.width else _UNKNOWN
        before, self._places = self._places, fitted(wished, self._all, room, self.sorted_by)
        self.given_way = tuple(COLUMNS[column].title for column in wished if column not in self._places)
        return self._places != before

    def _head(self) -> None:
        """Make the headers anew; that of the sorted column has an arrow."""
        self.shown = []
        if self.sorted_by not in self._places:
            self.sorted_by, self._backwards = 0, False
        self.clear(columns=True)
        self.add_column(Text(""), key=_MARK, width=2)
        for index in self._places:
            column = COLUMNS[index]
            arrow = ("▼" if self._backwards else "▲") if index == self.sorted_by else ""
            self.add_column(Text(column.title + arrow, justify=_side(column)), key=column.name)

    def _fill(self, rows: list[RunRow], marked: Sequence[Path]) -> None:
        self.clear()
        for row in rows:
            self.add_row(*self._cells(row, marked), key=str(row.path))
        self.shown, self._marked = rows, marked

    def _renew(self, rows: list[RunRow], marked: Sequence[Path]) -> None:
        """Renew the cells that differ: the runs and their order are the same."""
        keys = (_MARK, *(COLUMNS[index].name for index in self._places))
        for before, row in zip(self.shown, rows, strict=True):
            if before == row and (row.path in self._marked) == (row.path in marked):
                continue
            for key, was, now in zip(keys, self._cells(before, self._marked), self._cells(row, marked), strict=True):
                if was != now or key == _MARK:
                    self.update_cell(str(row.path), key, now, update_width=True)
        self.shown, self._marked = rows, marked

    def _cells(self, row: RunRow, marked: Sequence[Path]) -> list[Text]:
        text, style = sign(row, row.path in marked)
        style = _RICH.get(style, "dim")
        cells = [Text(text, style)]
        for column in (COLUMNS[index] for index in self._places):
            plain = Text(cell_text(column, row), justify=_side(column), no_wrap=True)
            if column.name in ("state", "remark"):
                plain.stylize(style)
            cells.append(plain)
        return cells


def _side(column: ResultColumn[RunRow]) -> Literal["left", "right"]:
    return "left" if column.value_type is str else "right"
