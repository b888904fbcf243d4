"""Messages of the plot widgets: only what the user did, never what the program set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass
class PlotMessage(Message):
    """The user did something with a widget."""

    widget: Widget

    @property
    def control(self) -> Widget:
        """The widget it came from."""
        return self.widget


@dataclass
class CursorMoved(PlotMessage):
    """The user put the cursor at x (data units)."""

    x: float


@dataclass
class CellMoved(PlotMessage):
    """The user put a heatmap's cursor on a cell."""

    row: int
    column: int
