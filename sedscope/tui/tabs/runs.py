"""Runs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class RunsTab(Tab):
    """All runs."""

    NAME = "Runs"
    PAGE = TabHelp("All runs.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Reading runs …")
