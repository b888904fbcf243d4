"""Sections of (name, value) lines as a scrolling page."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from sedscope.tui.facts import Section

_NAME = 14


class FactsView(VerticalScroll, can_focus=True):
    """What a run is; a new text keeps the scroll."""

    DEFAULT_CSS = """
    FactsView { padding: 0 1; height: 1fr; width: 1fr; scrollbar-size-vertical: 1; }
    FactsView Static { height: auto; width: 1fr; }
    FactsView:focus { background: $surface; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", markup=False)

    def show(self, found: Sequence[Section]) -> None:
        """Show these sections."""
        self.query_one(Static).update(page(found))


def page(found: Sequence[Section]) -> Content:
    """The sections as text: names in a column, values hanging beside them."""
    parts: list[Content] = []
    for place, (title, facts) in enumerate(found):
        parts.append(Content.styled(("\n" if place else "") + f"{title}\n", "bold $accent"))
        for name, value in facts:
            if name or any(one[0] for one in facts):
                label = name if len(name) < _NAME else name[: _NAME - 2] + "…"
                parts.append(Content.styled(f"{label:<{_NAME}}", "$foreground 55%"))
            parts.append(Content(f"{value}\n"))
    return Content("").join(parts)
