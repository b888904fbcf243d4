"""The keys that move a cursor along x: the same on curves, on matrices, and where neither has the keys.

Decides which key asks for which move; what a move does is up to whoever has the keys.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

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
