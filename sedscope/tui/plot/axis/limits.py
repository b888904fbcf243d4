"""The stretch of each axis that is in view: the view's own, else the axis's, else the data's.

The y axis follows the data that x has in view, with its bands and reference lines; it starts at 0 where the data come
near it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sedscope.tui.plot.axis.scale import AxisRange, Floats, Scale, backward, forward, usable_range
from sedscope.tui.plot.data import Axis, Chart, Series, View

_NEAR_ZERO = 0.25
"""Share of the largest value below which the least one counts as near 0: the axis then loses a quarter at most."""
_PAD = 0.02
"""Share of the extent left free at each end, so that no dot lies on the frame."""
_LOG_LIMITS = (-323.3, 308.25)
"""Decades of float64."""


def x_range(chart: Chart, view: View) -> AxisRange:
    """Return the stretch of x in view, in axis units."""
    scale = chart.x.scale
    data = _extent([forward(chart.steps, scale)], scale)
    low, high = (_first(scale, *pair) for pair in ((view.low, chart.x.low), (view.high, chart.x.high)))
    return _ends(data, low, high, scale)


def y_range(chart: Chart, view: View, x: AxisRange) -> AxisRange:
    """Return the stretch of y in view, in axis units."""
    scale = view.y_scale(chart)
    values = [array for series in chart.series for array in _in_view(series, scale, chart.x, x)]
    rules = [forward([rule.y for rule in chart.rules], scale)]
    data = _padded(_extent(values + rules, scale), scale)
    return _ends(data, _first(scale, chart.y.low), _first(scale, chart.y.high), scale)


def _in_view(series: Series, scale: Scale, axis: Axis, x: AxisRange) -> Iterable[Floats]:
    """Yield axis values of the samples in view, and of the line where it enters and leaves the view."""
    ends = [backward(x.low, axis.scale), backward(x.high, axis.scale)]
    in_view = slice(np.searchsorted(series.x, ends[0], "left"), np.searchsorted(series.x, ends[1], "right"))
    for values in (series.y, series.low, series.high):
        if values is not None and series.x.size:
            placed = forward(values, scale)
            yield placed[in_view]
            with np.errstate(over="ignore", invalid="ignore"):
                yield np.interp(ends, series.x, placed, left=np.nan, right=np.nan)


def _first(scale: Scale, *wishes: float | None) -> float | None:
    """Return the first wish that the axis can show, in axis units."""
    placed = [float(forward(wish, scale)) for wish in wishes if wish is not None]
    return next((p for p in placed if np.isfinite(p)), None)


def _extent(parts: list[Floats], scale: Scale) -> tuple[float, float]:
    values = np.concatenate([np.empty(0), *parts])
    values = values[np.isfinite(values)]
    if not values.size:
        return (0.0, 1.0)
    return float(values.min()), float(values.max())


def _padded(extent: tuple[float, float], scale: Scale) -> tuple[float, float]:
    """Return the extent with room for the outermost dots; a linear axis of one sign takes in 0 where it is near."""
    low, high = extent
    room = (high - low) * _PAD
    if not np.isfinite(room):
        return extent
    if scale == "linear" and 0 <= low <= high * _NEAR_ZERO:
        return 0.0, high + room
    if scale == "linear" and low * _NEAR_ZERO <= high <= 0:
        return low - room, 0.0
    if scale == "log":
        return max(low - room, _LOG_LIMITS[0]), min(high + room, _LOG_LIMITS[1])
    return low - room, high + room


def _ends(data: tuple[float, float], low: float | None, high: float | None, scale: Scale) -> AxisRange:
    """Return the wished ends, else the data's; one wish alone gives way where the data lie beyond it."""
    left = data[0] if low is None else low
    right = data[1] if high is None else high
    if left > right and (low is None or high is None):
        left, right = data
    return usable_range(left, right, scale)
