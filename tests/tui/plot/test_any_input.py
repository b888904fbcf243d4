"""Whatever the data, the labels and the size: nothing raises, and every line has exactly its width."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_line import text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedscope.tui.plot.axis import axes
from sedscope.tui.plot.curves import draw
from sedscope.tui.plot.data import Axis, Chart, Look, Moment, Rule, Series, View
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_draw import draw_heatmap
from sedscope.tui.plot.legend import legend
from sedscope.tui.terminal.cell_text import width

ANY = st.floats(width=64)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.one_of(
    st.sampled_from(["", "R̄_k", "[/red]a[b]", "\x1b]52;c;x\x07", "漢字", "\u202e", "\ud800"]), st.text(max_size=8)
)
LOOKS = st.builds(Look, st.sampled_from(["braille", "ascii"]), st.sampled_from(["full", "sixteen", "none"]))
SCALES = st.sampled_from(["linear", "log"])
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def series(draw_from: st.DrawFn) -> Series:
    count = draw_from(st.integers(0, 12))
    floats = arrays(np.float64, count, elements=ANY)
    flags = st.none() | arrays(np.bool_, count)
    banded = draw_from(st.booleans())
    return Series(
        draw_from(LABELS),
        draw_from(floats),
        draw_from(floats),
        draw_from(floats) if banded else None,
        draw_from(floats) if banded else None,
        dimmed=draw_from(flags),
        marked=draw_from(flags),
    )


AXES = st.builds(Axis, LABELS, SCALES, st.none() | ANY, st.none() | ANY)
CHARTS = st.builds(
    Chart,
    st.lists(series(), max_size=4).map(tuple),
    AXES,
    AXES,
    LABELS,
    st.lists(st.builds(Rule, ANY, LABELS), max_size=2).map(tuple),
    st.lists(st.builds(Moment, ANY, LABELS), max_size=2).map(tuple),
    st.sampled_from(["mean", "last"]),
)


@QUICK
@given(CHARTS, st.data(), st.integers(1, 70), st.integers(1, 20), LOOKS)
def test_every_plot_is_drawn_whole(chart: Chart, data: st.DataObject, cells: int, rows: int, look: Look) -> None:
    count = len(chart.series)
    picked = data.draw(st.none() | st.integers(0, count - 1)) if count else None
    ends = st.none() | ANY
    view = View(data.draw(ends), data.draw(ends), data.draw(st.none() | SCALES), picked)
    frame = draw(chart, view, cells, rows, look)
    check(frame.lines, cells, rows, look)
    x = data.draw(FINITE)
    column = frame.column_of(x)
    crossed = frame.with_crosshairs([] if column is None else [column], "|")
    check(crossed, cells, rows, look)
    check((axes.summary(chart, view, x, cells, look), axes.summary(chart, view, None, cells, look)), cells, 2, look)
    check(legend(chart, view, x, cells, rows, look), cells, rows, look)


@st.composite
def heatmaps(draw_from: st.DrawFn) -> Heatmap:
    shape = draw_from(st.tuples(st.integers(0, 9), st.integers(0, 30)))
    names = draw_from(st.lists(LABELS, min_size=shape[0], max_size=shape[0]))
    places = np.arange(shape[1]) * 25.0 if draw_from(st.booleans()) else None
    return Heatmap(
        draw_from(arrays(np.float64, shape, elements=ANY)),
        tuple(names),
        x=places,
        title=draw_from(LABELS),
        scale=draw_from(SCALES),
        low=draw_from(st.none() | ANY),
        high=draw_from(st.none() | ANY),
    )


@QUICK
@given(heatmaps(), st.data(), st.integers(1, 70), st.integers(1, 20), LOOKS)
def test_every_heatmap_is_drawn_whole(heatmap: Heatmap, data: st.DataObject, cells: int, rows: int, look: Look) -> None:
    height, wide = heatmap.values.shape
    cursor = None
    if height and wide:
        cursor = data.draw(st.none() | st.tuples(st.integers(0, height - 1), st.integers(0, wide - 1)))
    check(draw_heatmap(heatmap, cells, rows, look, cursor), cells, rows, look)


def check(lines: tuple[tuple[tuple[str, str], ...], ...], cells: int, rows: int, look: Look) -> None:
    assert len(lines) == rows
    for line in lines:
        assert sum(width(text) for text, _ in line) == cells
        assert text_of(line).isprintable()
        assert look.glyphs == "braille" or text_of(line).isascii()


@pytest.mark.parametrize("reduce", ["mean", "last"])
def test_many_points_in_one_cell(reduce: str) -> None:
    y = np.random.default_rng(0).normal(size=5000)
    frame = draw(Chart((Series("s", np.arange(5000), y),), reduce=reduce), View(), 1, 1, Look())
    assert width(text_of(frame.lines[0])) == 1
