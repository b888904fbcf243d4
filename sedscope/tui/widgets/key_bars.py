"""Lines of keys with what they do or set: the footer, and the settings of a tab. A click does what the key does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from sedscope.tui.widgets.clickable_line import Action, ClickableLine

_FIRST = ("help", "quit")
"""Actions that stand first in the footer, so that a narrow screen shows them."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key, what it does or sets in a word or two, and its action."""

    key: str
    label: str
    action: str
    node: DOMNode


class SettingsBar(ClickableLine):
    """Settings in their order: `W 20  K 3  a trailing`; those without room are left out, the first ones last."""

    DEFAULT_CSS = "SettingsBar { width: 1fr; color: $foreground; }"
    PASSES_OVER: ClassVar[bool] = False
    """Whether entries behind one that has no room are shown where they have it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._entries: tuple[KeyEntry, ...] = ()

    def show(self, entries: Sequence[KeyEntry]) -> None:
        """Show these entries; nothing is drawn where they read the same."""
        before, self._entries = self._entries, tuple(entries)
        if [(entry.key, entry.label) for entry in before] != [(entry.key, entry.label) for entry in entries]:
            self.refresh()

    def words(self) -> Iterator[tuple[Content, Action]]:
        """Yield the entries that fit whole."""
        room = self.size.width
        for entry in self._entries:
            content = Content.assemble((f" {entry.key}", "bold $primary"), f" {entry.label} ")
            if content.cell_length <= room:
                room -= content.cell_length
                yield content, (entry.action, entry.node)
            elif not self.PASSES_OVER:
                return


class KeyBar(SettingsBar):
    """The footer: single letters and what they do now, Help and Quit first; entries without room are passed over."""

    DEFAULT_CSS = "KeyBar { background: $panel; color: $text-muted; dock: bottom; }"
    PASSES_OVER = True

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        self.show(shown_keys(screen))


def shown_keys(screen: Screen[object]) -> list[KeyEntry]:
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
