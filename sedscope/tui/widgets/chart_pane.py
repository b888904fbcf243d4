"""A plot with its legend: beside it where there is width, below it otherwise."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from sedscope.tui.plot.data import Chart, Look
from sedscope.tui.plot.legend_widget import Legend
from sedscope.tui.plot.plot_widget import Plot

WIDE = 96
"""Cells from which the legend stands beside the plot."""
_SHARE = 3
"""The legend gets at most one line in so many of the height, one at least."""


class ChartPane(Container):
    """`pane.chart = …` draws; the plot keeps zoom, scale and pick."""

    DEFAULT_CSS = """
    ChartPane { layout: vertical; height: 1fr; width: 1fr; }
    ChartPane Plot { height: 1fr; width: 1fr; }
    ChartPane Legend { height: auto; width: 1fr; padding: 0 1; }
    ChartPane.-wide { layout: horizontal; }
    ChartPane.-wide Legend { width: 34; height: 1fr; padding: 1 1 0 2; }
    """

    def __init__(self, chart: Chart | None = None, *, look: Look | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.plot = Plot(chart, look=look)
        self._legend = Legend(self.plot, look=look)

    def compose(self) -> ComposeResult:
        yield self.plot
        yield self._legend

    @property
    def chart(self) -> Chart:
        return self.plot.chart

    @chart.setter
    def chart(self, chart: Chart) -> None:
        before = len(self.plot.chart.series)
        self.plot.chart = chart
        if len(chart.series) != before:
            self._arrange()

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self, event: events.Resize) -> None:
        """Put the legend where there is room."""
        self._arrange()

    def _arrange(self) -> None:
        wide = self.size.width >= WIDE
        self.set_class(wide, "-wide")
        self._legend.styles.height = None if wide else _lines(len(self.plot.chart.series), self.size.height)


def _lines(count: int, height: int) -> int:
    """Return the lines of a legend of `count` entries below a plot: in few columns, evenly filled."""
    most = max(height // _SHARE, 1)
    across = max(-(-count // most), 1)
    return max(-(-count // across), 1)
