"""A picture with a cursor: it has the keys that move one, and leaves them to what is around it while it is empty."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from sedscope.tui.plot.keys import CURSOR_KEYS, CURSOR_MOVES
from sedscope.tui.plot.sliced import Sliced


class CursorWidget(Sliced, can_focus=True):
    """Base of curves and matrices; subclasses have `action_step`, `action_leap` and `action_end`."""

    BINDINGS: ClassVar[list[BindingType]] = [*CURSOR_KEYS]

    @property
    def has_places(self) -> bool:
        """True where there is a place for the cursor."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse every move in an empty picture."""
        return self.has_places or action not in CURSOR_MOVES
