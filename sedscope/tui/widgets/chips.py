"""One line of choices with the chosen one marked; a click takes one. It only says so: whoever made it decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Chips(Widget):
    """`views  [all] sigma  gap  heatmap`. The caption tells the key that goes through them."""

    DEFAULT_CSS = "Chips { height: 1; width: 1fr; color: $foreground 70%; }"

    @dataclass
    class ChoiceClicked(Message):
        """A choice was clicked."""

        chips: Chips
        index: int

    def __init__(self, caption: str = "", choices: Sequence[str] = (), chosen: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._caption, self._choices, self._chosen = caption, tuple(choices), chosen

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices, printable."""
        return self._choices

    def show(self, choices: Sequence[str], chosen: int | None) -> None:
        """Offer other choices, or mark another one; None marks none."""
        now = tuple(choices), -1 if chosen is None else chosen
        if now != (self._choices, self._chosen):
            self._choices, self._chosen = now
            self.refresh()

    def render(self) -> Content:
        """Draw caption and choices; those before the chosen one give way where the line is too short."""
        parts = [Content.styled(f" {self._caption} ", "$foreground 45%")] if self._caption else []
        first = self._first()
        if first:
            parts.append(Content.styled("…", "$foreground 45%"))
        for index, text in list(enumerate(self._choices))[first:]:
            style = "bold $primary on $primary 20%" if index == self._chosen else ""
            parts.append(Content.styled(f" {text} ", style))
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        """Say which choice is under the mouse."""
        x = event.x - (cell_len(self._caption) + 2 if self._caption else 0) - (1 if self._first() else 0)
        for index in range(self._first(), len(self._choices)):
            x -= cell_len(self._choices[index]) + 2
            if x < 0:
                event.stop()
                self.post_message(self.ChoiceClicked(self, index))
                return

    def _first(self) -> int:
        """Return the first choice that is drawn, so that the chosen one is."""
        room = self.size.width - cell_len(self._caption) - 3
        first = 0
        while first < self._chosen and sum(cell_len(c) + 2 for c in self._choices[first : self._chosen + 1]) > room:
            first += 1
        return first
