"""One line of choices with the chosen one marked; a click takes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.dom import DOMNode

from sedscope.tui.widgets.clickable_line import Action, ClickableLine


class Chips(ClickableLine):
    """`views  [all] sigma  gap  heatmap`. The caption tells the key that goes through them."""

    DEFAULT_CSS = "Chips { width: 1fr; color: $foreground 70%; }"

    def __init__(self, caption: str, action: str, node: DOMNode, **options: Any) -> None:
        """Make a line whose choices, when clicked, are handed to an action of a node."""
        super().__init__(**options)
        self._caption, self._action, self._node = caption, action, node
        self._choices: tuple[str, ...] = ()
        self._chosen = -1

    def show(self, choices: Sequence[str], chosen: int | None) -> None:
        """Offer other choices, or mark another one; None marks none."""
        now = tuple(choices), -1 if chosen is None else chosen
        if now != (self._choices, self._chosen):
            self._choices, self._chosen = now
            self.refresh()

    def words(self) -> Iterator[tuple[Content, Action | None]]:
        """Yield caption and choices; those before the chosen one give way where the line is too short."""
        yield Content.styled(f" {self._caption} ", "$foreground 45%"), None
        first = self._first()
        if first:
            yield Content.styled("…", "$foreground 45%"), None
        for index, text in list(enumerate(self._choices))[first:]:
            style = "bold $primary on $primary 20%" if index == self._chosen else ""
            yield Content.styled(f" {text} ", style), (("", self._action, (text,)), self._node)

    def _first(self) -> int:
        """Return the first choice that is drawn, so that the chosen one is."""
        room = self.size.width - cell_len(self._caption) - 3
        first = 0
        while first < self._chosen and sum(cell_len(c) + 2 for c in self._choices[first : self._chosen + 1]) > room:
            first += 1
        return first
