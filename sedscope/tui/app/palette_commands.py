"""The command palette: every key that works now, every tab, and what the viewer can do at any time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from sedscope.tui.tabs import TABS
from sedscope.tui.tabs.tab import Tab

_LEFT_OUT = frozenset({"command_palette", "screen.focus_next", "screen.focus_previous"})


class Commands(Provider):
    """Actions of the focused widget, of the tab and of the viewer, with their keys."""

    async def discover(self) -> Hits:
        for label, note, action, node in self._all():
            yield DiscoveryHit(Content(label), self._doing(action, node), label, note)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for label, note, action, node in self._all():
            if (score := matcher.match(label)) > 0:
                yield Hit(score, matcher.highlight(label), self._doing(action, node), label, note)

    def _doing(self, action: str, node: DOMNode) -> partial[Any]:
        return partial(self.app.run_action, action, node)

    def _all(self) -> Iterator[tuple[str, str, str, DOMNode]]:
        """Yield (label, note, action, namespace), each action once."""
        seen = set(_LEFT_OUT)
        for index, tab in enumerate(TABS):
            action = f"show_tab('{tab.name}')"
            seen.add(action)
            yield tab.name, f"{tab.summary} (key {index + 1})", action, self.app
        for binding, node in self._bindings():
            if binding.action not in seen and binding.description:
                seen.add(binding.action)
                key = self.app.get_key_display(binding)
                yield binding.description, binding.tooltip or f"key {key}", binding.action, node

    def _bindings(self) -> Iterator[tuple[Binding, DOMNode]]:
        """Yield the bindings that work now, and those of the tab whose key another widget has at the moment."""
        yield from ((active.binding, active.node) for active in self.screen.active_bindings.values() if active.enabled)
        tab = getattr(self.app, "tab", None)
        if isinstance(tab, Tab):
            yield from ((binding, tab) for binding in Binding.make_bindings(tab.BINDINGS))
