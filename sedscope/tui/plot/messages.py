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


class Hovered(PlotMessage):
    """The mouse points at x, or no longer at anything (None); the cursor itself stays."""

    def __init__(self, widget: Widget, x: float | None) -> None:
        super().__init__(widget)
        self.x = x


class SeriesPicked(PlotMessage):
    """The user picked one series to stand out (its place and label), or none (None, "")."""

    def __init__(self, widget: Widget, index: int | None, label: str) -> None:
        super().__init__(widget)
        self.index = index
        self.label = label


class RangeChanged(PlotMessage):
    """The user zoomed or panned: ends of x in data units, both None where the whole chart is in view."""

    def __init__(self, widget: Widget, low: float | None, high: float | None) -> None:
        super().__init__(widget)
        self.low = low
        self.high = high


class ScaleChanged(PlotMessage):
    """The user chose the scale of the y axis, "linear" or "log"."""

    def __init__(self, widget: Widget, scale: str) -> None:
        super().__init__(widget)
        self.scale = scale


class CellMoved(PlotMessage):
    """The user put a heatmap's cursor on a cell."""

    def __init__(self, widget: Widget, row: int, column: int) -> None:
        super().__init__(widget)
        self.row = row
        self.column = column
