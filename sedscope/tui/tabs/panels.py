"""A tab of several panels: all of them where the screen is large, one at a time where it is not.

`v` goes through the views, and the line of chips says which there are. A subclass names its panels and makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widget import Widget

from sedscope.tui.tabs.tab import Tab
from sedscope.tui.widgets.chips import Chips
from sedscope.tui.widgets.quiet_static import QuietStatic

ALL = "all"
Panel = TypeVar("Panel", bound=Widget)


class PanelTab(Tab):
    """Panels in a grid; `ARRANGEMENT` is the grid of the view of all of them."""

    DEFAULT_CSS = """
    PanelTab #deck { height: 1fr; width: 1fr; layout: grid; grid-gutter: 0 1; }
    PanelTab #instead { display: none; height: 1fr; content-align: center middle; text-align: center; padding: 0 4; }
    PanelTab.-empty #instead { display: block; }
    PanelTab.-empty #deck { display: none; }
    PanelTab #deck.-single { grid-size: 1 1; }
    PanelTab #head { height: 1; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "next_view(1)", "View", tooltip="Next view: all panels, or one of them large"),
        Binding("V", "next_view(-1)", "Previous view", show=False),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ()
    """Names of the panels in their order."""
    IN_ALL: ClassVar[tuple[str, ...] | None] = None
    """Names of the panels that stand together in the view of all; None for every one."""
    LEAST_FOR_ALL: ClassVar[tuple[int, int]] = (100, 26)
    """Width and height from which all panels are shown together."""

    def __init__(self) -> None:
        super().__init__()
        self.view: str | None = None
        """The panel that the user chose, `all`, or None for what the size suggests."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Chips("v view", "show_view", self, id="views")
            yield from self.head()
        yield QuietStatic(id="instead")
        with Container(id="deck"):
            for name in self.PANELS:
                panel = self.make_panel(name)
                panel.add_class("panel")
                panel.id = panel_id(name)
                yield panel

    def head(self) -> Sequence[Widget]:
        """Make the widgets beside the chips."""
        return ()

    def make_panel(self, name: str) -> Widget:
        """Make the widget of a panel."""
        raise NotImplementedError

    def panel(self, name: str, kind: type[Panel]) -> Panel:
        """Return the widget that was made for a name, which is of a known kind."""
        return self.query_one(f"#{panel_id(name)}", kind)

    def explain(self, reason: str) -> None:
        """Say, in the place of all panels, why there is nothing to show; "" shows the panels."""
        # Focus moves after the next paint: before it, panels that are about to show cannot take the keys.
        if bool(reason) != self.has_class("-empty"):
            self.set_class(bool(reason), "-empty")
            self.call_after_refresh(self.focus_first)
        self.query_one("#instead", QuietStatic).say(Content.styled(reason, "$foreground 70%"))
        if not reason:
            self.call_after_refresh(self.focus_first)

    def on_resize(self, event: events.Resize) -> None:
        self.rearrange()

    def action_show_view(self, name: str) -> None:
        self.view = name
        self.rearrange()

    def action_next_view(self, direction: int) -> None:
        names = self._views()
        self.view = names[(names.index(self.shown_view) + direction) % len(names)]
        self.rearrange()
        self.focus_first()

    @property
    def shown_view(self) -> str:
        """`all`, or the panel that is shown alone."""
        if self.view in self._views():
            return self.view or ALL
        return self._views()[0]

    def rearrange(self) -> None:
        """Show what the view says."""
        shown = self.shown_view
        for name in self.PANELS:
            together = self.PANELS if self.IN_ALL is None else self.IN_ALL
            self.panel(name, Widget).display = name == shown or (shown == ALL and name in together)
        self.query_one("#deck").set_class(shown != ALL, "-single")
        self.query_one("#views", Chips).show(self._views(), self._views().index(shown))
        self.view_changed(shown)

    def view_changed(self, view: str) -> None:
        """Take notice (subclasses do) that another view is shown now, or that the size changed."""

    def _views(self) -> tuple[str, ...]:
        width, height = self.LEAST_FOR_ALL
        roomy = self.size.width >= width and self.size.height >= height
        return (ALL, *self.PANELS) if roomy else self.PANELS


def panel_id(name: str) -> str:
    """Return a panel's name as an id of Textual."""
    return "panel-" + "".join(character if character.isalnum() and character.isascii() else "-" for character in name)
