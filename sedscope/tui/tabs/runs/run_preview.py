"""The run at the cursor of the table, in short: its accuracy and what matters most of its facts."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from sedscope.tui.data.facts import sections
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot.data import Chart, Look
from sedscope.tui.tabs import metric_charts
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.facts_view import FactsView

_FACTS_FROM = 100
"""Cells from which the facts stand beside the curves."""
_SECTIONS = ("Damage", "Milestones", "Recorded", "Optimizer", "Made by")


class RunPreview(Horizontal):
    """Below the table."""

    DEFAULT_CSS = """
    RunPreview { height: 1fr; border-top: solid $border; }
    RunPreview FactsView { width: 52; display: none; border-left: vkey $border; }
    RunPreview.-facts FactsView { display: block; }
    """

    def __init__(self, look: Look | None) -> None:
        super().__init__()
        self._data: RunData | None = None
        self._ready = False
        self._pane = ChartPane(look=look)
        self._facts = FactsView()

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._facts

    def on_mount(self) -> None:
        """Show the run that came before there was a widget to show it."""
        self._ready = True
        self.show(self._data)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _FACTS_FROM, "-facts")

    def show(self, data: RunData | None) -> None:
        """Show the accuracy, or the loss where none was logged."""
        self._data = data
        if not self._ready:
            return
        chart = Chart() if data is None else metric_charts.accuracy(data)
        if data is not None and not chart.series:
            chart = metric_charts.losses(data)
        self._pane.chart = chart
        all_sections = () if data is None else sections(data)
        self._facts.show([section for section in all_sections if section[0] in _SECTIONS])

    def set_cursor(self, t: float | None) -> None:
        self._pane.plot.set_cursor(t)
