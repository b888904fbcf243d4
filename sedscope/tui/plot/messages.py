"""Messages of the plot widgets: only what the user did, never what the program set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget


class PlotMessage(Message):
    """Base: `control` is the widget it came from."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    @property
    def control(self) -> Widget:
        """The widget it came from."""
        return self._widget


class CursorMoved(PlotMessage):
    """The user put the cursor at x (data units)."""

    def __init__(self, widget: Widget, x: float) -> None:
        super().__init__(widget)
        self.x = x


class CellMoved(PlotMessage):
    """The user put a heatmap's cursor on a cell."""

    def __init__(self, widget: Widget, row: int, column: int) -> None:
        super().__init__(widget)
        self.row = row
        self.column = column
