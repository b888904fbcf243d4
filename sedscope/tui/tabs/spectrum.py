"""Spectrum."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from sedscope.tui.tab import Tab, TabHelp


class SpectrumTab(Tab):
    """Spectrum."""

    NAME = "Spectrum"
    PAGE = TabHelp("Spectrum.")

    def compose(self) -> ComposeResult:
        """Later."""
        yield Static("Spectrum")
