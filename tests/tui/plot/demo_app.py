"""A look at the widgets by hand: `python tests/tui/plot/demo_app.py [--ascii] [--light]`, q ends it."""

from __future__ import annotations

import sys
from typing import ClassVar

import numpy as np
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from sedscope.tui.plot.cursor import CellMoved, CursorMoved
from sedscope.tui.plot.data import Axis, Chart, Look, Moment, Rule, Series
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
from sedscope.tui.plot.legend_widget import Legend
from sedscope.tui.plot.plot_widget import Plot

STEPS = np.arange(1, 146) * 25.0


def coupling() -> Chart:
    """Update against gradient, with bands, short windows, a gap and a flat stretch."""
    rng = np.random.default_rng(7)

    def rise(peak: float, at: float, width: float) -> np.ndarray:
        noise = np.exp(rng.normal(scale=0.1, size=STEPS.size))
        return (1 + peak * np.exp(-(((STEPS - at) / width) ** 2))) * noise

    series = []
    for label, peak, at, width in (
        ("gradient/add", 71, 1500, 900),
        ("update · add", 27, 1600, 800),
        ("displacement", 8, 1700, 900),
        ("fixed_gradient/add", 52, 1450, 1000),
        ("control/shuffled/add", 38, 2100, 1300),
    ):
        y = rise(peak, at, width)
        short = STEPS <= 500
        flat = (STEPS > 2900) & (STEPS % 125 == 0) & (label == "displacement")
        if label.startswith("update"):
            y[60:66] = np.nan
        band = (y * 0.75, y * 1.3) if label in ("gradient/add", "displacement") else (None, None)
        series.append(Series(label, STEPS, y, *band, dimmed=short, marked=flat, reasons={1600.0: "zero baseline"}))
    return Chart(
        tuple(series),
        Axis("step t"),
        Axis("R̄_k", scale="log"),
        title="Coupling of the top-3 subspace, W = 20",
        rules=(Rule(1.0, "random"),),
        moments=(Moment(2875, "grok add"),),
    )


def rank() -> Chart:
    """A second plot on the same steps."""
    y = 90 + 40 * np.tanh((STEPS - 1500) / 600)
    return Chart((Series("rank-90", STEPS, y),), Axis("step t"), Axis("rank-90"), moments=(Moment(2875),))


def matrix() -> Heatmap:
    """Peaks per source and task."""
    values = np.array([[72.1, 66.0, 81.2], [28.0, 31.4, 22.9], [8.02, 9.1, 7.7], [24.3, np.nan, 19.9], [1.7, 1.6, 1.9]])
    sources = ("gradient", "update", "displacement", "adam/adaptive", "adam/weight_decay")
    return Heatmap(values, sources, ("add", "mul", "sub"), title="Peak R̄_k", row_title="source × task", scale="log")


def spectrum() -> Heatmap:
    """Singular values against steps."""
    rng = np.random.default_rng(1)
    k = np.arange(20)[:, None]
    values = np.exp(-k * (0.15 + 0.2 * np.exp(-(((STEPS - 1500) / 700) ** 2)))) * np.exp(rng.normal(0, 0.1, (20, 145)))
    names = tuple(f"σ{i + 1}" for i in range(20))
    return Heatmap(values, names, x=STEPS, title="Singular values", row_title="σ_k", column_title="t", scale="log")


class Demo(App[None]):
    """The widgets side by side."""

    CSS = """
    #top { height: 2fr; }
    #side { width: 38; padding: 1 1 0 1; }
    #bottom { height: 1fr; }
    #matrix { width: 60; }
    #rank { height: 12; }
    Screen { layout: vertical; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "Quit"), Binding("tab", "app.focus_next", "Next")]

    def compose(self) -> ComposeResult:
        """Plots with a legend above, heatmaps below."""
        look = Look("ascii", "none") if "--ascii" in sys.argv else None
        plot = Plot(coupling(), look=look, id="coupling")
        with Horizontal(id="top"):
            yield plot
            with Vertical(id="side"):
                yield Legend(plot, look=look)
        with Horizontal(id="bottom"):
            yield HeatmapView(matrix(), look=look, id="matrix")
            yield HeatmapView(spectrum(), look=look, id="spectrum")
        yield Footer()

    def on_mount(self) -> None:
        """The theme asked for."""
        if "--light" in sys.argv:
            self.theme = "textual-light"

    def on_cursor_moved(self, event: CursorMoved) -> None:
        """One step cursor for all."""
        self.query_one("#spectrum", HeatmapView).set_x(event.x)

    def on_cell_moved(self, event: CellMoved) -> None:
        """The spectrum's column is a step."""
        if event.control.id == "spectrum":
            self.query_one("#coupling", Plot).set_cursor(float(STEPS[event.column]))


if __name__ == "__main__":
    Demo().run()
