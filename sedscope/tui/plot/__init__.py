"""Plots and heatmaps for a terminal: numpy in, braille and blocks out.

They know nothing of runs: data objects in, messages out. The data objects and drawing functions import no Textual;
names are resolved on first use, so that whoever needs only them loads only them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedscope.lazy_names import import_on_use

if TYPE_CHECKING:
    from sedscope.tui.plot.data import Axis, Chart, Look, Moment, Rule, Series, View
    from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
    from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
    from sedscope.tui.plot.legend_widget import Legend
    from sedscope.tui.plot.messages import (
        CellMoved,
        CursorMoved,
        PlotMessage,
    )
    from sedscope.tui.plot.plot_widget import Plot

__all__ = [
    "Axis",
    "CellMoved",
    "Chart",
    "CursorMoved",
    "Heatmap",
    "HeatmapView",
    "Legend",
    "Look",
    "Moment",
    "Plot",
    "PlotMessage",
    "Rule",
    "Series",
    "View",
]

__getattr__ = import_on_use(
    __name__,
    dict.fromkeys(("Axis", "Chart", "Look", "Moment", "Rule", "Series", "View"), ".data")
    | dict.fromkeys(("CellMoved", "CursorMoved", "PlotMessage"), ".messages")
    | {
        "Heatmap": ".heatmap.heatmap_data",
        "HeatmapView": ".heatmap.heatmap_widget",
        "Legend": ".legend_widget",
        "Plot": ".plot_widget",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
