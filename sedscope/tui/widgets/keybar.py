"""The footer: single letters and what they do, Help and Quit first, cut at whole entries. Entries can be clicked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

_FIRST = ("help", "quit")
"""Actions that stand first, so that a narrow screen shows them."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
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
        self._entries: tuple[KeyEntry, ...] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        before, self._entries = self._entries, tuple(entries(screen))
        if [(entry.key, entry.label) for entry in before] != [(entry.key, entry.label) for entry in self._entries]:
            self.refresh()

    def render(self) -> Content:
        """Draw as many entries as fit whole."""
        parts: list[Content] = []
        for entry in self._fitting():
            parts += [Content.styled(f" {entry.key}", "bold $primary"), Content(f" {entry.label} ")]
        return Content("").join(parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what the entry under the mouse says."""
        x = event.x
        for entry in self._fitting():
            x -= entry.width
            if x < 0:
                await self.app.run_action(entry.action, entry.node)
                return

    def _fitting(self) -> Iterator[KeyEntry]:
        room = self.size.width
        for entry in self._entries:
            if entry.width <= room:
                room -= entry.width
                yield entry


def entries(screen: Screen[object]) -> list[KeyEntry]:
    """Return the shown bindings: Help and Quit, those of the focused widget and of the tab, then the viewer's."""
    by_action: dict[str, KeyEntry] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and active.enabled and binding.action not in by_action:
            key = screen.app.get_key_display(binding)
            by_action[binding.action] = KeyEntry(key, binding.description, binding.action, active.node)
    return sorted(by_action.values(), key=lambda entry: (_rank(entry), entry.node is screen.app))


def _rank(entry: KeyEntry) -> int:
    return _FIRST.index(entry.action) if entry.action in _FIRST else len(_FIRST)
