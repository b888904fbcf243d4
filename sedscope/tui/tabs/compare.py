"""Compare."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class CompareTab(Tab):
    """Compare."""

    NAME = "Compare"
    PAGE = TabHelp("Compare.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Compare")
