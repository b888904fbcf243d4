"""`?`: what the current tab shows, what its quantities mean, and every key that works now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from sedscope.tui.tabs.tab import Tab, TabHelp


class HelpScreen(ModalScreen[None]):
    """A page over the tab; any of the usual keys closes it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 96; max-width: 94%; height: auto; max-height: 90%; padding: 1 2;
        background: $surface; border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
    }
    HelpScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", key_display="Esc"),
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    def __init__(self, title: str, page: TabHelp, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._page, self._keys = title, page, keys

    def compose(self) -> ComposeResult:
        with VerticalScroll() as page:
            page.border_title = f"{self._title}: help"
            page.border_subtitle = "Esc closes"
            yield Static(self._content())

    def _content(self) -> Content:
        parts = [Content(self._page.summary)]
        for name, meaning in self._page.quantities:
            parts.append(Content.assemble("\n\n", (name, "bold $accent"), "\n", meaning))
        parts.append(Content.assemble("\n\n", ("Keys", "bold $accent"), "\n"))
        room = max((len(key) for key, _ in self._keys), default=0) + 2
        parts += [Content.assemble((key.ljust(room), "bold $primary"), text, "\n") for key, text in self._keys]
        return Content("").join(parts)

    def action_scroll_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_scroll_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up(animate=False)


def help_lines(screen: Screen[object], tab: Tab) -> list[tuple[str, str]]:
    """Return (key, what it does) of every key that works now: the tab's, the viewer's, then the focused widget's."""
    app = screen.app
    keys: dict[str, tuple[int, str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and binding.action not in keys:
            order = 0 if active.node is tab else 1 if active.node is app else 2
            keys[binding.action] = order, app.get_key_display(binding), binding.tooltip or binding.description
    return [(key, meaning) for _, key, meaning in sorted(keys.values(), key=lambda line: line[0])]
