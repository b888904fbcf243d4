"""The two lines at the top: the tabs, and the run that they are about with the step cursor and the progress of work."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from sedscope.tui.tabs import TABS

_BRAND = " sedscope "
_SHORT = 3


class TabBar(Widget):
    """The names of the tabs with their keys; a click shows one."""

    DEFAULT_CSS = """
    TabBar { height: 1; background: $panel; color: $text-muted; }
    """

    @dataclass
    class TabClicked(Message):
        """A tab was clicked."""

        name: str

    def __init__(self) -> None:
        super().__init__()
        self._active = ""
        self._ends: list[tuple[int, str]] = []

    def show(self, name: str) -> None:
        """Mark a tab as the one that is shown."""
        self._active = name
        self.refresh()

    def render(self) -> Content:
        """Draw whole names where they fit, else short ones beside the active tab's."""
        labels = self._labels()
        parts: list[Content] = []
        used = 0
        if self._brand(labels):
            parts.append(Content.styled(_BRAND, "bold $primary"))
            used = len(_BRAND)
        self._ends = []
        for index, (name, label) in enumerate(labels):
            active = name == self._active
            text = f" {index + 1} {label} "
            number = Content.styled(f" {index + 1} ", "bold $background on $primary" if active else "$primary")
            word = Content.styled(f"{label} ", "bold $background on $primary" if active else "")
            parts.append(number + word)
            used += cell_len(text)
            self._ends.append((used, name))
        return Content("").join(parts)

    def _labels(self) -> list[tuple[str, str]]:
        full_labels = [(tab.name, tab.name) for tab in TABS]
        if _length(full_labels) <= self.size.width:
            return full_labels
        return [(name, name if name == self._active else set_cell_size(name, _SHORT)) for name, _ in full_labels]

    def _brand(self, labels: list[tuple[str, str]]) -> bool:
        return _length(labels) + len(_BRAND) <= self.size.width

    def on_click(self, event: events.Click) -> None:
        """Show the tab under the mouse."""
        for end, name in self._ends:
            if event.x < end:
                self.post_message(self.TabClicked(name))
                return


def _length(labels: list[tuple[str, str]]) -> int:
    return sum(4 + cell_len(label) for _, label in labels)


class RunLine(Widget):
    """The line about the selected run: its name, its state, the step cursor, and what is being computed."""

    DEFAULT_CSS = """
    RunLine { height: 1; background: $surface; color: $text; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._left: tuple[tuple[str, str], ...] = ()
        self._right: tuple[tuple[str, str], ...] = ()

    def show(self, left: tuple[tuple[str, str], ...], right: tuple[tuple[str, str], ...]) -> None:
        """Show texts with their styles; what has no room at the end of `left` is left out."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        """Draw left and right, whole texts only."""
        room = self.size.width - sum(cell_len(text) for text, _ in self._right)
        parts: list[Content] = []
        for index, (text, style) in enumerate(self._left):
            size = cell_len(text)
            if size > room and index > 1:
                break
            shown = text if size <= room else set_cell_size(text, max(room, 0))
            parts.append(Content.styled(shown, style))
            room -= cell_len(shown)
        parts.append(Content(" " * max(room, 0)))
        parts += [Content.styled(text, style) for text, style in self._right]
        return Content("").join(parts)
