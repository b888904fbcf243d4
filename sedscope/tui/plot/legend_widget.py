"""The legend of a plot as a widget of its own, so that the values at a moving crosshair cost a few lines only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events

from sedscope.tui.plot import legend
from sedscope.tui.plot.data import Look
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.plot.sliced import Sliced
from sedscope.tui.terminal.cell_text import Line


class Legend(Sliced):
    """Letters, labels and values of a plot's series; a click picks one, a second click lets go."""

    DEFAULT_CSS = "Legend { height: auto; }"

    def __init__(self, plot: Plot, *, look: Look | None = None, **options: Any) -> None:
        super().__init__(look=look, **options)
        self._plot = plot
        self._count = len(plot.chart.series)
        plot.follow(self._follow)

    def _follow(self) -> None:
        count = len(self._plot.chart.series)
        if count != self._count:
            self._count = count
            self.refresh(layout=True)
        self.redraw()

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        return max(len(self._plot.chart.series), 1)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        plot = self._plot
        return legend.legend(plot.chart, plot.view, plot.shown_x, width, height, self.look)

    def on_click(self, event: events.Click) -> None:
        position = self.point(event.screen_offset)
        index = legend.entry_at(len(self._plot.chart.series), *self.size, position.x, position.y)
        if index is not None:
            event.stop()
            self._plot.pick(None if self._plot.view.picked == index else index)
