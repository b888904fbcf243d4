"""Plots and heatmaps for a terminal: numpy in, braille and blocks out.

They know nothing of runs: data objects in, messages out. The data objects and drawing functions import no Textual;
names are resolved on first use, so that whoever needs only them loads only them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "data": ("Axis", "Chart", "Look", "Moment", "Rule", "Series", "View"),
    "heatmap.heatmap_data": ("Heatmap",),
    "heatmap.heatmap_widget": ("HeatmapView",),
    "legend_widget": ("Legend",),
    "messages": (
        "CellMoved", "CursorMoved", "PlotMessage",
    ),
    "plot_widget": ("Plot",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
