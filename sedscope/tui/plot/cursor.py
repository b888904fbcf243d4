"""The cursor of plots and matrices: its keys, and the messages that say where the user put it, never the program.

The keys are the same on curves, on matrices, and where neither has them; whoever has them decides what a move does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType
from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget

CURSOR_KEYS: tuple[BindingType, ...] = (
    Binding("left", "step(-1)", "Step back", show=False),
    Binding("right", "step(1)", "Step on", show=False),
    Binding("pageup", "leap(-1)", "A tenth back", show=False),
    Binding("pagedown", "leap(1)", "A tenth on", show=False),
    Binding("home", "end(-1)", "First step", show=False),
    Binding("end", "end(1)", "Last step", show=False),
)
CURSOR_MOVES = frozenset({"step", "leap", "end"})
"""Names of their actions."""


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
