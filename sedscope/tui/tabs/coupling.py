"""Coupling."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class CouplingTab(Tab):
    """Coupling."""

    NAME = "Coupling"
    PAGE = TabHelp("Coupling.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Coupling")
