"""The time that a plot takes to draw again, and the bytes that a cursor step sends.

    python benchmarks/plot_render.py

Prints the median time of a full re-render of 5 series × 2,000 noisy points at 120×36 (limit: 15 ms): first the text
alone, then with the terminal's styles, as after every change of data, zoom or scale; then what one step of the
crosshair costs, and the bytes that it sends to the terminal (aim: under 8 kB).
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.color import Color
from textual.screen import Screen

from sedscope.tui.plot.curves import draw
from sedscope.tui.plot.data import Axis, Chart, Look, Rule, Series, View
from sedscope.tui.plot.legend_widget import Legend
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.plot.styles import paint

WIDTH, HEIGHT = 120, 36
LIMIT_MS = 15.0


def chart(points: int = 2000, count: int = 5) -> Chart:
    """Return noisy curves on a log axis, each with a band and a gap."""
    rng = np.random.default_rng(0)
    x = np.linspace(0.0, 25.0 * (points - 1), points, dtype=np.float64)
    series = []
    for i in range(count):
        middle = points * (8 + 2 * i)
        y = (1 + 60 / (i + 1) * np.exp(-(((x - middle) / points / 5) ** 2))) * np.exp(rng.normal(0, 0.2, points))
        y[points // 3 : points // 3 + 40] = np.nan
        series.append(Series(f"source/{i}", x, y, y * 0.8, y * 1.25))
    return Chart(tuple(series), Axis("t"), Axis("R̄_k", "log"), title="Coupling", rules=(Rule(1.0),))


def milliseconds(work: Callable[[], object], repeats: int = 40) -> float:
    """Return the median processor time of one call: other programs on the machine count less."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


class PlotApp(App[None]):
    """A plot and its legend."""

    CSS = "Legend { height: 5; }"
    sent = 0

    def _display(self, screen: Screen[object], renderable: object) -> None:
        """Count the bytes that would be written to a terminal."""
        if isinstance(renderable, CompositorUpdate):
            self.sent += len(renderable.render_segments(self.console).encode())

    def compose(self) -> ComposeResult:
        """Yield the plot and below it its legend."""
        plot = Plot(chart(), look=Look())
        yield plot
        yield Legend(plot)


def redraw(plot: Plot) -> None:
    """Draw all lines again, as after a change of the data."""
    plot._frame = None
    plot._forget()
    for line in range(plot.size.height):
        plot.strip(line)


def one_step(plot: Plot) -> None:
    """Move the crosshair by a step, with everything that is sent for it."""
    plot.action_step(1)
    plot._send_changes()


async def steps() -> tuple[float, float, float]:
    """Return re-render in the widget [ms], crosshair step [ms], bytes of a crosshair step."""
    app = PlotApp()
    async with app.run_test(size=(WIDTH, HEIGHT + 5)) as pilot:
        plot = app.query_one(Plot)
        plot.set_cursor(25_000.0)
        await pilot.pause()
        redraw_ms = milliseconds(lambda: redraw(plot))
        step_ms = milliseconds(lambda: one_step(plot))
        await pilot.pause()
        app.sent = 0
        for _ in range(20):
            plot.action_step(9)
            await pilot.pause()
        return redraw_ms, step_ms, app.sent / 20


def main() -> None:
    """Measure and print."""
    data = chart()
    style = paint(Color.parse("#121212"), Color.parse("#e0e0e0"), Look()).style
    text = milliseconds(lambda: draw(data, View(), WIDTH, HEIGHT, Look()))
    styled = milliseconds(
        lambda: [style(key) for line in draw(data, View(), WIDTH, HEIGHT, Look()).lines for _, key in line]
    )
    redraw_ms, step_ms, sent = asyncio.run(steps())
    print(
        f"5 x 2,000 points at {WIDTH}x{HEIGHT}: text {text:.1f} ms, styled {styled:.1f} ms, widget {redraw_ms:.1f} ms"
    )
    print(f"crosshair step: {step_ms:.1f} ms, {sent:,.0f} bytes (plot and legend)")
    print("within the limit" if max(styled, redraw_ms) < LIMIT_MS else f"over the limit of {LIMIT_MS:.0f} ms")


if __name__ == "__main__":
    main()
