"""The footer: single letters and what they do, Help and Quit first, cut at whole entries. Entries can be clicked."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

_FIRST = ("help", "quit")
"""Actions that stand first, so that a narrow screen shows them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key."""

    key: str
    label: str
    action: str
    node: DOMNode

    @property
    def width(self) -> int:
        """Cells with the gap after it."""
        return cell_len(self.key) + cell_len(self.label) + 3


class KeyBar(Widget):
    """The keys that work now."""

    DEFAULT_CSS = "KeyBar { height: 1; background: $panel; color: $text-muted; dock: bottom; }"

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[Entry, ...] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        found = tuple(entries(screen))
        if [(one.key, one.label) for one in found] != [(one.key, one.label) for one in self._entries]:
            self._entries = found
            self.refresh()
        else:
            self._entries = found

    def render(self) -> Content:
        """As many entries as fit whole."""
        parts: list[Content] = []
        room = self.size.width
        for one in self._entries:
            if one.width > room:
                continue
            parts += [Content.styled(f" {one.key}", "bold $primary"), Content(f" {one.label} ")]
            room -= one.width
        return Content("").join(parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what the entry under the mouse says."""
        x, room = event.x, self.size.width
        for one in self._entries:
            if one.width > room:
                continue
            if x < one.width:
                await self.app.run_action(one.action, one.node)
                return
            x -= one.width
            room -= one.width


def entries(screen: Screen[object]) -> list[Entry]:
    """The shown bindings, Help and Quit first, then those of the focused widget and of the tab, then the viewer's."""
    found: dict[str, Entry] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and active.enabled and binding.action not in found:
            found[binding.action] = Entry(_key(screen, binding), binding.description, binding.action, active.node)
    return sorted(found.values(), key=lambda one: (_place(one), one.node is screen.app))


def _place(one: Entry) -> int:
    return _FIRST.index(one.action) if one.action in _FIRST else len(_FIRST)


def _key(screen: Screen[object], binding: Binding) -> str:
    return screen.app.get_key_display(binding)
