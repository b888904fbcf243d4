"""Overview."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class OverviewTab(Tab):
    """Overview."""

    NAME = "Overview"
    PAGE = TabHelp("Overview.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Overview")
