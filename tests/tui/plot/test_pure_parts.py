"""Ticks, numbers, labels, columns and moves against literal values and plain formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import UsageError
from sedscope.tui.plot import moves, readings
from sedscope.tui.plot.axis.limits import x_range, y_range
from sedscope.tui.plot.axis.scale import AxisRange, usable_range
from sedscope.tui.plot.axis.ticks import ticks
from sedscope.tui.plot.columns import columns
from sedscope.tui.plot.data import Axis, Chart, Reduce, Series, View
from sedscope.tui.plot.figures import position_text, readable
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap, levels
from sedscope.tui.terminal.cell_text import ascii_text, cut, fit, plain, width

nan = math.nan


def labels(low: float, high: float, scale: str, most: int, integers: bool = False) -> list[str]:
    return [tick.label for tick in ticks(AxisRange(low, high), scale, most, integers=integers)]


@pytest.mark.parametrize(
    ("low", "high", "scale", "most", "expected"),
    [
        (0, 1, "linear", 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 50_000, "linear", 6, ["0", "10k", "20k", "30k", "40k", "50k"]),
        (-3, 3, "linear", 4, ["-2", "0", "2"]),
        (0, 3e6, "linear", 4, ["0", "1e6", "2e6", "3e6"]),
        (0, 3e-7, "linear", 4, ["0", "1e-7", "2e-7", "3e-7"]),
        (1.00002, 1.00004, "linear", 3, ["1.00002", "1.00003", "1.00004"]),
        (-2, 2, "log", 5, ["0.01", "0.1", "1", "10", "100"]),
        (0, 2, "log", 8, ["1", "2", "5", "10", "20", "50", "100"]),
        (-10, 10, "log", 5, ["1e-10", "1e-5", "1", "100k", "1e10"]),
        (math.log10(69.9), math.log10(95), "log", 3, ["70", "80", "90"]),
        (3, 7, "log", 5, ["1000", "10k", "100k", "1e6", "1e7"]),
        (0, 1, "linear", 0, []),
    ],
)
def test_tick_labels(low: float, high: float, scale: str, most: int, expected: list[str]) -> None:
    assert labels(low, high, scale, most) == expected


def test_whole_ticks_stand_on_steps_only() -> None:
    assert labels(1, 3, "linear", 9, integers=True) == ["1", "2", "3"]


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE, st.integers(1, 20))
def test_linear_ticks_ascend_inside_and_differ(a: float, b: float, most: int) -> None:
    stretch = usable_range(a, b, "linear")
    found = ticks(stretch, "linear", most)
    assert len(found) <= most
    assert all(stretch.low <= tick.at <= stretch.high for tick in found)
    assert all(x.at < y.at for x, y in pairwise(found))
    assert len({tick.label for tick in found}) == len(found)


@given(st.floats(-323, 308), st.floats(-323, 308), st.integers(1, 20))
def test_log_tick_labels_name_their_place(a: float, b: float, most: int) -> None:
    found = ticks(usable_range(a, b, "log"), "log", most)
    assert len(found) <= most
    for tick in found:
        value = float(tick.label.replace("k", "e3"))
        # what the label says lies where the tick stands, to the label's own digits
        assert math.log10(value) == pytest.approx(tick.at, abs=0.03)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (72.149, "72.1"), (72.0, "72"), (0.00123, "0.00123"), (1.234e-7, "1.23e-7"), (1e6, "1e6"), (1234.5, "1234"),
        (0.0, "0"), (-8.02, "-8.02"), (nan, "undefined"), (math.inf, "inf"), (-math.inf, "-inf"), (999999.4, "999999"),
    ],
)  # fmt: skip
def test_readable(value: float, text: str) -> None:
    assert readable(value) == text


@given(st.floats(-1e307, 1e307))
def test_readable_is_near_the_value(value: float) -> None:
    assert float(readable(value)) == pytest.approx(value, rel=6e-3)


def test_steps_are_written_out() -> None:
    assert position_text(12_345_678.0) == "12345678"
    assert position_text(0.25) == "0.25000"


def test_labels_cannot_act_on_the_terminal() -> None:
    assert plain("a\x1b]52;c;aGk=\x07b\u202e[/red]") == r"a\x1b]52;c;aGk=\x07b\u202e[/red]"
    assert plain("R̄_k·σ") == "R̄_k·σ"
    assert plain("\ud800") == r"\ud800"


def test_labels_fit_cells_not_characters() -> None:
    assert fit("漢字漢字", 5) == "漢字…"
    assert width(fit("漢字漢字", 4)) == 4
    assert fit("abcdef", 4, ascii_only=True) == "abc~"
    assert fit("ab", 4, right=True) == "  ab"
    assert ascii_text("R̄ σ ≤ ×") == "R sigma <= x"
    assert cut([("漢字", "a"), ("xyz", "b")], 5, "c") == (("漢字", "a"), ("x", "b"))


def slow_means(x: list[float], y: list[float], low: float, high: float, count: int) -> list[float]:
    """The plain way: each sample to its column, means, straight lines between neighbouring columns that have one."""
    groups: dict[int, list[float]] = {}
    for xi, yi in zip(x, y, strict=True):
        groups.setdefault(math.floor((xi - low) / (high - low) * (count - 1) + 0.5), []).append(yi)
    means = {}
    for column, values in groups.items():
        finite = [v for v in values if math.isfinite(v)]
        means[column] = sum(finite) / len(finite) if finite else nan
    result = []
    for column in range(count):
        left = max((c for c in means if c <= column), default=None)
        right = min((c for c in means if c >= column), default=None)
        if left is None or right is None:
            result.append(nan)
        elif left == right:
            result.append(means[left])
        else:
            share = (column - left) / (right - left)
            result.append(means[left] * (1 - share) + means[right] * share)
    return result


@given(
    st.lists(st.tuples(st.integers(0, 400), st.one_of(st.floats(-1e6, 1e6), st.just(nan))), min_size=1, max_size=60),
    st.integers(2, 80),
)
def test_columns_equal_the_plain_means(points: list[tuple[int, float]], count: int) -> None:
    points.sort(key=lambda p: p[0])
    x, y = [float(p[0]) for p in points], [p[1] for p in points]
    found = columns(Series("s", x, y), AxisRange(0.0, 400.0), "linear", "linear", count, "mean")
    np.testing.assert_allclose(found.y, slow_means(x, y, 0.0, 400.0, count), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(("reduce", "height"), [("mean", 4.0), ("last", 2.0)])
def test_how_samples_of_one_column_become_one(reduce: Reduce, height: float) -> None:
    series = Series("s", [0, 0.1, 0.2, 10], [1, 9, 2, 5])
    found = columns(series, AxisRange(0.0, 10.0), "linear", "linear", 3, reduce)
    assert found.y[0] == height


def test_the_mean_on_a_log_axis_is_geometric() -> None:
    found = columns(Series("s", [0, 0.1, 10], [1, 100, 1]), AxisRange(0.0, 10.0), "linear", "log", 3, "mean")
    assert found.y[0] == pytest.approx(1.0)  # log10 of 10


def test_a_line_goes_on_to_neighbours_out_of_view() -> None:
    found = columns(Series("s", [0, 100], [0, 100]), AxisRange(40.0, 60.0), "linear", "linear", 5, "mean")
    np.testing.assert_allclose(found.y, [40, 45, 50, 55, 60])


def test_dimmed_needs_every_sample_of_its_column() -> None:
    series = Series("s", [0, 0.1, 5, 10], [1, 1, 1, 1], dimmed=[True, False, True, True])
    found = columns(series, AxisRange(0.0, 10.0), "linear", "linear", 3, "mean")
    assert found.dimmed.tolist() == [False, True, True]


def test_series_are_sorted_and_checked() -> None:
    series = Series("s", [3, nan, 1], [30, 0, 10], dimmed=[True, False, False])
    assert series.x.tolist() == [1, 3]
    assert series.y.tolist() == [10, 30]
    assert series.dimmed is not None and series.dimmed.tolist() == [False, True]
    with pytest.raises(UsageError, match=r"Series\.y: must have the shape of x, \(2,\), has \(3,\)"):
        Series("s", [1, 2], [1, 2, 3])
    with pytest.raises(UsageError, match=r"Heatmap\.rows: must be 2 long, is 1"):
        Heatmap(np.zeros((2, 3)), ("a",))


def test_limits_follow_what_is_in_view() -> None:
    chart = Chart((Series("s", np.arange(11.0), np.arange(11.0) ** 2),))
    view = View(2.0, 4.0)
    found = y_range(chart, view, x_range(chart, view))
    assert (found.low, found.high) == (0.0, pytest.approx(16.24))
    fixed = Chart(chart.series, y=Axis(low=-5.0, high=200.0))
    assert y_range(fixed, view, x_range(fixed, view)) == AxisRange(-5.0, 200.0)


def test_reading_is_a_recorded_sample() -> None:
    series = Series("s", [0, 10, 20], [1.0, nan, 3.0], [0.5, 0, 2], [2, 0, 4], reasons={10.0: "zero baseline"})
    assert readings.value_text(series, 20.0) == "3 [2, 4]"
    assert readings.value_text(series, 18.0) == "3 [2, 4] @20"
    assert readings.value_text(series, 10.0) == "undefined: zero baseline"
    assert readings.value_text(series, 21.0) == "—"
    assert readings.value_text(series, None) == ""


def test_summary_names_least_greatest_and_ratio() -> None:
    chart = Chart((Series("a", [0, 1], [8.0, 72.0]), Series("b", [0, 1], [4.0, nan])))
    at = readings.at_cursor(chart, 0.0)
    assert at is not None
    assert (at.least, at.least_of, at.greatest, at.greatest_of, at.ratio) == (4.0, 1, 8.0, 0, "2")
    everything = readings.in_view(chart, View())
    assert everything is not None and everything.ratio == "18"
    assert readings.in_view(Chart((Series("a", [0], [-1.0]),)), View()).ratio == "undefined (min ≤ 0)"
    assert readings.in_view(Chart((Series("a", [0], [nan]),)), View()) is None


CHART = Chart((Series("s", np.arange(0.0, 1001.0, 10.0), np.ones(101)),))


def test_zoom_keeps_its_place_and_ends_at_the_whole() -> None:
    view = moves.zoomed(CHART, View(), 0.5, 200.0)
    assert (view.low, view.high) == (100.0, 600.0)
    assert moves.zoomed(CHART, view, 4.0, 200.0) == View()
    assert moves.zoomed(CHART, View(100.0, 110.0), 0.1, 105.0) == View(100.0, 110.0)


def test_pan_stops_at_the_ends() -> None:
    assert moves.panned(CHART, View(100.0, 300.0), 0.25) == View(150.0, 350.0)
    assert moves.panned(CHART, View(100.0, 300.0), -5.0) == View(0.0, 200.0)
    assert moves.panned(CHART, View(), 1.0) == View()


def test_cursor_steps_over_samples_and_stays_on_them() -> None:
    assert moves.stepped(CHART, View(), None, 1) == 0.0
    assert moves.stepped(CHART, View(), 995.0, 1) == 1000.0
    assert moves.stepped(CHART, View(), 995.0, -1) == 990.0
    assert moves.stepped(CHART, View(), 1000.0, 1) == 1000.0
    assert moves.leapt(CHART, View(), 500.0, 0.1) == 600.0
    assert moves.stepped(Chart(), View(), None, 1) is None
    assert moves.reaching(CHART, View(100.0, 200.0), 250.0) == View(150.0, 250.0)


def test_picks_go_round() -> None:
    picks = [View(picked=start).picking(step, 3).picked for start in (None, 0, 1, 2) for step in (1, -1)]
    assert picks == [0, 2, 1, None, 2, 0, None, 1]


def test_colours_span_the_middle_percentiles() -> None:
    heatmap = Heatmap(np.concatenate([np.linspace(0, 100, 101), [1e9]])[None, :])
    assert heatmap.ends is not None
    low, high = heatmap.ends
    np.testing.assert_allclose((low, high), np.percentile(heatmap.values, (2, 98)))
    found = levels(heatmap.placed, heatmap.ends)[0]
    assert found[0] == 0 and found[-1] == 15 and found[50] == 7
    assert levels(np.array([nan]), (0.0, 1.0)).tolist() == [-1]
    assert levels(np.array([5.0]), (5.0, 5.0)).tolist() == [8]
