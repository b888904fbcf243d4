"""Numbers at the cursor and in view: what the legend and the summary line print.

A reading is a recorded sample, never an interpolated value; where the cursor stands between samples, its own x is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sedscope.tui.plot.axis.limits import x_range
from sedscope.tui.plot.axis.scale import Floats, backward
from sedscope.tui.plot.data import Chart, Series, View
from sedscope.tui.plot.figures import position_text, readable


@dataclass(frozen=True)
class CursorReading:
    """One sample of a series."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    reason: str = ""
    """Why y is undefined; empty where it is defined, or where nobody said."""


def read(series: Series, x: float) -> CursorReading | None:
    """Return the sample nearest to x (the earlier of two), or None where the series does not reach x."""
    if not series.x.size or not series.x[0] <= x <= series.x[-1]:
        return None
    right = int(np.searchsorted(series.x, x, "left"))
    left = max(right - 1, 0)
    index = left if x - series.x[left] <= series.x[right] - x else right
    at = float(series.x[index])
    low, high = (None if band_edge is None else float(band_edge[index]) for band_edge in (series.low, series.high))
    return CursorReading(at, float(series.y[index]), low, high, series.reasons.get(at, ""))


def value_text(series: Series, x: float | None) -> str:
    """Return the legend's value at x: `72.1 [65.0, 80.2]`, `72.1 @1475`, `undefined: zero baseline`, or —."""
    reading = None if x is None else read(series, x)
    if x is None or reading is None:
        return "" if x is None else "—"
    text = readable(reading.y)
    if not math.isfinite(reading.y) and reading.reason:
        text = f"undefined: {reading.reason}"
    elif reading.low is not None and reading.high is not None and math.isfinite(reading.y):
        text += f" [{readable(reading.low)}, {readable(reading.high)}]"
    return text if reading.x == x else f"{text} @{position_text(reading.x)}"


@dataclass(frozen=True)
class Summary:
    """Least and greatest of what is compared, and whose they are."""

    least: float
    least_of: int
    greatest: float
    greatest_of: int

    @property
    def ratio(self) -> str:
        """Greatest over least; undefined where the least is not positive."""
        if not self.least > 0:
            return "undefined (min ≤ 0)"
        ratio = self.greatest / self.least
        return readable(ratio) if math.isfinite(ratio) else "undefined (overflow)"


def at_cursor(chart: Chart, x: float) -> Summary | None:
    """Return the least and greatest over the series that have a finite sample nearest to x; None where none has."""
    readings = [(i, read(series, x)) for i, series in enumerate(chart.series)]
    return _summary([(i, np.array([r.y])) for i, r in readings if r is not None])


def in_view(chart: Chart, view: View) -> Summary | None:
    """Return the least and greatest over the picked series, or all, in the stretch of x in view."""
    x = x_range(chart, view)
    low, high = backward(x.low, chart.x.scale), backward(x.high, chart.x.scale)
    picked = range(len(chart.series)) if view.picked is None else [view.picked]
    return _summary([(i, s.y[(s.x >= low) & (s.x <= high)]) for i in picked for s in [chart.series[i]]])


def _summary(parts: list[tuple[int, Floats]]) -> Summary | None:
    finite = [(i, values[np.isfinite(values)]) for i, values in parts]
    ends = [(i, float(v.min()), float(v.max())) for i, v in finite if v.size]
    if not ends:
        return None
    least, greatest = min(ends, key=lambda e: e[1]), max(ends, key=lambda e: e[2])
    return Summary(least[1], least[0], greatest[2], greatest[0])
