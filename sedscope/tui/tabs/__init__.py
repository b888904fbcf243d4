"""The tabs in their order, by name; each module is imported when its tab is first shown."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedscope.tui.tabs.tab import Tab


@dataclass(frozen=True, slots=True)
class TabEntry:
    """A tab's name, its module and a few words about it."""

    name: str
    """Shown, remembered and asked for; its key is its place."""
    module: str
    summary: str
    """A few words for the command palette."""

    def make(self) -> Tab:
        """Make the tab, of which the module is imported now: `tabs/runs/runs_tab.py` holds `RunsTab`."""
        module = import_module(f"sedscope.tui.tabs.{self.module}.{self.module}_tab")
        tab: Tab = getattr(module, f"{self.module.capitalize()}Tab")()
        return tab


TABS = (
    TabEntry("Runs", "runs", "All runs: what they are, and marks to compare them"),
    TabEntry("Overview", "overview", "Metrics, losses, model and command of a run"),
    TabEntry("Spectrum", "spectrum", "Singular values of rolling windows, gap and k*"),
    TabEntry("Coupling", "coupling", "How strongly spectral directions move features"),
    TabEntry("Why", "why", "Where the coupling comes from and where it goes"),
    TabEntry("Compare", "compare", "The marked runs, side by side"),
)


def entry(name: str) -> TabEntry | None:
    """Return the tab of that name, or None."""
    return next((tab for tab in TABS if tab.name == name), None)
