"""One line of words, some of which do something when they are clicked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from textual import events
from textual.actions import ActionParseResult
from textual.content import Content
from textual.dom import DOMNode
from textual.widget import Widget

Action: TypeAlias = tuple["str | ActionParseResult", DOMNode]
"""An action of Textual, and the node that it belongs to."""


class ClickableLine(Widget):
    """A line of words; subclasses say which fit into it, and what each does."""

    DEFAULT_CSS = "ClickableLine { height: 1; }"

    def words(self) -> Iterable[tuple[Content, Action | None]]:
        """Return the words from left to right, each with what a click does, None for nothing."""
        raise NotImplementedError

    def render(self) -> Content:
        return Content("").join(word for word, _ in self.words())

    async def on_click(self, event: events.Click) -> None:
        x = event.x
        for word, action in self.words():
            x -= word.cell_length
            if x < 0:
                if action is not None:
                    event.stop()
                    await self.app.run_action(*action)
                return
