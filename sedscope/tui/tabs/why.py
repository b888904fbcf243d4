"""Why."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class WhyTab(Tab):
    """Why."""

    NAME = "Why"
    PAGE = TabHelp("Why.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Why")
