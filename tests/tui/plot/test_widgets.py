"""The widgets under a pilot, at the sizes that the viewer supports: keys, mouse, growth, themes, hostile labels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.pilot import Pilot
from textual.widget import Widget

from sedscope.tui.plot.cursor import CellMoved, CursorMoved, PlotMessage
from sedscope.tui.plot.data import Axis, Chart, Look, Series, View
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
from sedscope.tui.plot.legend_widget import Legend
from sedscope.tui.plot.palette import CIVIDIS
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.plot.sliced import Slice, Sliced

SIZES = [(40, 10), (60, 16), (80, 24), (200, 60)]
HOSTILE = "a[/red]\x1b]52;c;aGk=\x07[@click=app.quit]b"


def chart(points: int = 101) -> Chart:
    x = np.arange(points) * 25.0
    return Chart((Series("gradient", x, x + 1), Series(HOSTILE, x, 2 * x + 5)), Axis("t"), title="T")


class Bench(App[None]):
    """A plot with its legend, and a heatmap; messages are kept."""

    CSS = """
    Horizontal { height: 2fr; }
    Legend { width: 30%; height: 100%; }
    HeatmapView { height: 1fr; }
    """

    def __init__(self, look: Look | None = None) -> None:
        super().__init__()
        self.look = look
        self.heard: list[PlotMessage] = []

    def compose(self) -> ComposeResult:
        plot = Plot(chart(), look=self.look, id="plot")
        with Horizontal():
            yield plot
            yield Legend(plot, look=self.look)
        steps = np.arange(50) * 25.0
        yield HeatmapView(Heatmap(np.arange(150.0).reshape(3, 50), (HOSTILE, "b", "c"), x=steps), look=self.look)

    def hear(self, message: PlotMessage) -> None:
        self.heard.append(message)

    on_cursor_moved = on_series_picked = on_range_changed = on_scale_changed = on_cell_moved = on_hovered = hear

    def last(self, kind: type[PlotMessage]) -> PlotMessage | None:
        return next((m for m in reversed(self.heard) if type(m) is kind), None)


def text(widget: Sliced) -> str:
    return "\n".join(widget.strip(y).text for y in range(widget.size.height))


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within 2 s: {what}")


def run(
    body: Callable[[Bench, Plot, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    look: Look | None = None,
) -> None:
    async def session() -> None:
        app = Bench(look)
        async with app.run_test(size=size) as pilot:
            plot = app.query_one(Plot)
            await until(lambda: plot.size.width > 0 and plot.strip(0), "layout")
            plot.focus()
            await body(app, plot, pilot)

    asyncio.run(session())


def on_screen(widget: Widget) -> str:
    """What the slices show, as the screen is put together."""
    slices = list(widget.query_children(Slice))
    return "\n".join("".join(part.render_line(y).text for part in slices) for y in range(widget.size.height))


@pytest.mark.parametrize(
    ("size", "look"),
    [*((size, None) for size in SIZES), ((40, 10), Look("ascii", "none")), ((60, 16), Look(colours="sixteen"))],
)
def test_slices_show_the_lines_at_every_size(size: tuple[int, int], look: Look | None) -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        await pilot.press("right", "pagedown", "plus", "right_square_bracket", "l")
        for widget in app.query(Sliced):
            assert on_screen(widget) == text(widget)
            assert all(widget.strip(y).cell_length == widget.size.width for y in range(widget.size.height))
        assert text(app.query_one(Legend)).startswith(("A ━━ grad", "A -- grad", "A gra"))  # narrow: no swatch
        assert "\x1b" not in text(app.query_one(Legend))

    run(body, size, look)


def test_hostile_labels_are_text() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        legend, heat = app.query_one(Legend), app.query_one(HeatmapView)
        assert r"a[/red]\x1b]52;c;aGk=\x07[@click=" in text(legend)
        await pilot.press("tab", "right")
        await until(lambda: heat.cursor == (0, 0), "cell cursor")
        assert r"a[/red]\x1b]52;c;" in text(heat)

    run(body, (200, 60))


def test_cursor_keys() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        for key, x in [
            ("right", 0.0),
            ("right", 25.0),
            ("end", 2500.0),
            ("left", 2475.0),
            ("pageup", 2225.0),
            ("home", 0.0),
        ]:
            await pilot.press(key)
            await until(lambda x=x: plot.cursor == x, f"{key} to {x}")
        moved = app.last(CursorMoved)
        assert isinstance(moved, CursorMoved) and moved.x == 0.0 and moved.control is plot
        plot.set_cursor(1250.0)
        await until(lambda: "t 1250" in text(plot), "summary at the cursor")
        await until(lambda: "1251" in text(app.query_one(Legend)), "value in the legend")
        assert app.last(CursorMoved) is moved, "setters are silent"

    run(body)


def test_a_crosshair_step_refreshes_few_columns() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        plot.set_cursor(1250.0)
        await until(lambda: "t 1250" in text(plot), "cursor drawn")
        await pilot.pause()
        refreshed: list[Slice] = []
        original = Slice.refresh

        def refresh(self: Slice, *regions: object, **options: object) -> Slice:
            refreshed.append(self)
            return original(self, *regions, **options)  # type: ignore[arg-type]

        Slice.refresh = refresh  # type: ignore[method-assign,assignment]
        try:
            plot.set_cursor(1300.0)
            await until(lambda: "t 1300" in text(plot), "cursor moved")
        finally:
            Slice.refresh = original  # type: ignore[method-assign]
        body_rows = plot.size.height - 4
        touched = {part for part in refreshed if part.parent is plot and refreshed.count(part) >= body_rows // 2}
        assert 1 <= len(touched) <= 2

    run(body, (120, 36))


def test_zoom_pan_and_scale() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        plot.set_cursor(500.0)
        await pilot.press("plus")
        await until(lambda: plot.view == View(250.0, 1500.0), "zoom in about the cursor")
        await pilot.press("greater_than_sign")
        await until(lambda: plot.view.low == 562.5, "pan right")
        assert (plot.view.low, plot.view.high) == (562.5, 1812.5)
        await pilot.press("end", "right")
        await until(lambda: plot.cursor == 1825.0 and plot.view.high == 1825.0, "the view moves with the cursor")
        await pilot.press("0")
        await until(lambda: plot.view == View(), "whole")
        await pilot.press("l")
        await until(lambda: plot.view.scale == "log", "log")
        await until(lambda: "1000" in text(plot), "log ticks")

    run(body)


def test_picks_by_key_and_by_click() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        await pilot.press("right_square_bracket", "right_square_bracket")
        await until(lambda: plot.view.picked == 1, "second series")
        assert plot.chart.series[1].label == HOSTILE
        await pilot.click(Legend, offset=(3, 0))
        await until(lambda: plot.view.picked == 0, "click in the legend")
        await pilot.press("left_square_bracket")
        await until(lambda: plot.view.picked is None, "none")

    run(body)


def test_mouse_reads_pins_zooms_and_resets() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        await pilot.hover(Plot, offset=(30, 5))
        await until(lambda: plot.shown_x is not None and plot.cursor is None, "hover reads without pinning")
        at = plot.shown_x
        await pilot.click(Plot, offset=(30, 5))
        await until(lambda: plot.cursor == at, "click pins")
        await pilot.hover(Legend)
        await until(lambda: plot.shown_x == at, "leaving goes back to the cursor")
        await pilot.mouse_down(Plot, offset=(20, 5))
        await pilot.hover(Plot, offset=(40, 5))
        await pilot.mouse_up(Plot, offset=(40, 5))
        await until(lambda: plot.view.low is not None, "a drag zooms")
        assert plot.view.low < plot.view.high
        await pilot.click(Plot, offset=(30, 5), times=2)
        await until(lambda: plot.view == View(), "a double click resets")

    run(body)


def test_wheel_zooms_about_the_mouse() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        await pilot._post_mouse_events([events.MouseScrollUp], Plot, offset=(30, 5))
        await until(lambda: plot.view.low is not None, "wheel up")
        await pilot._post_mouse_events([events.MouseScrollDown], Plot, offset=(30, 5))
        await until(lambda: plot.view == View(), "wheel down")

    run(body)


def test_growing_data_keep_cursor_zoom_and_pick() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        plot.pick(1)
        plot._look_at(replace(plot.view, low=500.0, high=1000.0))
        plot.set_cursor(750.0)
        grown = chart(401)
        plot.chart = Chart((Series("new", [0.0], [0.0]), *grown.series), grown.x, title="Grown")
        await until(lambda: "Grown" in text(plot), "new data drawn")
        assert (plot.cursor, plot.view) == (750.0, View(500.0, 1000.0, None, 2))
        plot._look_at(replace(plot.view, low=None, high=None))
        await until(lambda: "10k" in text(plot) or "8000" in text(plot), "the whole view follows the growth")
        plot.chart = Chart()
        await until(lambda: "no data" in text(plot), "empty")
        assert plot.view.picked is None
        await pilot.press("right", "plus", "right_square_bracket", "end", "less_than_sign")

    run(body)


def test_heatmap_cells_by_key_and_mouse() -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        heat = app.query_one(HeatmapView)
        heat.focus()
        await pilot.press("down", "down", "end")
        await until(lambda: heat.cursor == (1, 49), "keys")
        moved = app.last(CellMoved)
        assert isinstance(moved, CellMoved) and (moved.row, moved.column) == (1, 49)
        await until(lambda: "b · 1225  99" in text(heat), "read-out")
        heat.set_x(260.0)
        await until(lambda: heat.cursor == (1, 10), "shared step")
        steps = np.arange(5, 60) * 25.0
        heat.heatmap = Heatmap(np.zeros((3, 55)), x=steps)
        assert heat.cursor == (1, 5), "the cursor keeps its step"
        await pilot.click(HeatmapView, offset=(heat.size.width - 5, 0))
        await until(lambda: heat.cursor is not None and heat.cursor[0] == 0 and heat.cursor[1] > 30, "click")
        heat.heatmap = Heatmap(np.empty((0, 0)))
        await pilot.press("right", "end", "pagedown")
        assert heat.cursor is None

    run(body, (100, 40))


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
def test_every_segment_has_colours_in_every_theme(theme: str) -> None:
    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        before = plot.strip(plot.size.height // 2)
        app.theme = theme
        await until(lambda: theme == "textual-dark" or plot.strip(plot.size.height // 2) != before, "restyled")
        for widget in app.query(Sliced):
            for y in range(widget.size.height):
                for segment in widget.strip(y):
                    assert segment.style is not None
                    assert segment.style.color is not None and segment.style.bgcolor is not None

    run(body)


def test_no_color_is_survived_and_uses_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def body(app: Bench, plot: Plot, pilot: Pilot[None]) -> None:
        await pilot.press("right", "pagedown")
        assert plot.look.colours == "none"
        curve = "\n".join(line[:-2] for line in text(plot).splitlines()[1:-3])
        assert "A" in curve and "B" in curve
        colours = {s.style.bgcolor.triplet for y in range(9) for s in app.query_one(HeatmapView).strip(y) if s.style}
        assert not {f"#{t.hex.lstrip('#').upper()}" for t in colours if t} & set(CIVIDIS)

    run(body)
