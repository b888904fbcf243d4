"""Moves of view and cursor by zoom, pan and cursor keys: pure, so that every widget and test shares them.

Shares and factors are of the stretch in view, in axis units: on a log axis a step to the right multiplies.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedscope.tui.plot.axis.limits import x_range
from sedscope.tui.plot.axis.scale import AxisRange, Floats, backward, forward
from sedscope.tui.plot.data import Chart, View

_LEAST_SAMPLES = 2


def zoomed(chart: Chart, view: View, factor: float, about: float | None) -> View:
    """Return the view `factor` times as wide, x = `about` (None: the middle) in its place; the whole chart at most."""
    now = x_range(chart, view)
    fixed = float(forward(about, chart.x.scale)) if about is not None else now.at(0.5)
    if not now.low <= fixed <= now.high:
        fixed = now.at(0.5)
    low, high = fixed + (now.low - fixed) * factor, fixed + (now.high - fixed) * factor
    if factor < 1 and _samples(chart, low, high) < _LEAST_SAMPLES:
        return view
    return _within(chart, view, low, high)


def panned(chart: Chart, view: View, share: float) -> View:
    """Return the view moved by a share of its width; it stops at the ends of the chart."""
    now, full = x_range(chart, view), x_range(chart, replace(view, low=None, high=None))
    step = (now.high / 2 - now.low / 2) * 2 * share
    step = min(max(step, full.low - now.low), full.high - now.high) if now != full else 0.0
    return _within(chart, view, now.low + step, now.high + step)


def between(chart: Chart, view: View, low: float, high: float) -> View:
    """Return the view of a stretch of x in data units; unchanged where it holds fewer than two samples."""
    ends = sorted(float(forward(end, chart.x.scale)) for end in (low, high))
    if not np.isfinite(ends).all() or _samples(chart, *ends) < _LEAST_SAMPLES:
        return view
    return _within(chart, view, *ends)


def reaching(chart: Chart, view: View, x: float) -> View:
    """Return the view moved no further than needed to show x."""
    now, position = x_range(chart, view), float(forward(x, chart.x.scale))
    if not np.isfinite(position) or now.low <= position <= now.high:
        return view
    step = position - (now.low if position < now.low else now.high)
    return _within(chart, view, now.low + step, now.high + step)


def visible(chart: Chart, view: View) -> Floats:
    """Return [m] the x in view at which some series has a point, ascending."""
    now = x_range(chart, view)
    placed = forward(chart.steps, chart.x.scale)
    return chart.steps[(placed >= now.low) & (placed <= now.high)]


def next_step(steps: Sequence[float] | Floats, cursor: float | None, count: int) -> float | None:
    """Return the cursor `count` steps on; without a cursor it starts at an end. None without steps."""
    if not len(steps):
        return None
    if cursor is None:
        index = 0 if count > 0 else len(steps) - 1
    else:
        index = bisect_right(steps, cursor) - 1 + count if count > 0 else bisect_left(steps, cursor) + count
    return float(steps[min(max(index, 0), len(steps) - 1)])


def stepped(chart: Chart, view: View, cursor: float | None, count: int) -> float | None:
    """Return the cursor `count` samples on; without a cursor it starts at an end of the view. None without samples."""
    if cursor is None:
        return next_step(visible(chart, view), None, count)
    return next_step(chart.steps, cursor, count)


def leapt(chart: Chart, view: View, cursor: float | None, share: float) -> float | None:
    """Return the cursor moved by a share of the view, to the nearest sample; at least one sample on."""
    next_sample = stepped(chart, view, cursor, 1 if share > 0 else -1)
    if cursor is None or next_sample is None:
        return next_sample
    now = x_range(chart, view)
    target = float(forward(cursor, chart.x.scale)) + (now.high / 2 - now.low / 2) * 2 * share
    far = nearest(chart, backward(target, chart.x.scale))
    return next_sample if far is None else max(next_sample, far) if share > 0 else min(next_sample, far)


def nearest(chart: Chart, x: float) -> float | None:
    """Return the x nearest to a place at which some series has a point; None without points."""
    steps = chart.steps
    if not steps.size:
        return None
    return float(steps[int(np.argmin(np.abs(steps / 2 - x / 2)))])


def _samples(chart: Chart, low: float, high: float) -> int:
    placed = forward(chart.steps, chart.x.scale)
    return int(np.count_nonzero((placed >= low) & (placed <= high)))


def _within(chart: Chart, view: View, low: float, high: float) -> View:
    """Return the view of a stretch in axis units, cut to the chart; one that holds all of it follows its growth."""
    full: AxisRange = x_range(chart, replace(view, low=None, high=None))
    low, high = max(low, full.low), min(high, full.high)
    if not low < high or (low == full.low and high == full.high):
        return replace(view, low=None, high=None)
    return replace(view, low=backward(low, chart.x.scale), high=backward(high, chart.x.scale))
