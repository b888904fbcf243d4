"""A series reduced to dot columns: one height per column, NaN where nothing may be drawn.

A sample that is not finite breaks the line; columns between two finite samples are interpolated in axis units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot.axis.scale import AxisRange, Floats, Scale, forward
from sedscope.tui.plot.data import Bools, Reduce, Series

_LARGEST = np.finfo(np.float64).max


@dataclass(frozen=True)
class Columns:
    """One series over the C dot columns in view, heights in axis units."""

    y: Floats
    """[C] the line."""
    band: tuple[Floats, Floats] | None
    """[C] each: lower and upper end of the band."""
    dimmed: Bools
    marked: Bools
    """[C] columns that hold a marked sample with a finite value."""


@dataclass(frozen=True)
class _Groups:
    """Samples that share a dot column; the last one out of view on either side is a group of its own."""

    starts: NDArray[np.intp]
    at: Floats
    """[G] place in dots, ascending."""
    samples: slice
    """The samples that are in a group."""


def means(values: Floats, starts: NDArray[np.int64] | NDArray[np.intp], axis: int = 0) -> Floats:
    """Return the means of the finite values of each group along an axis, NaN where a group has none.

    Args:
        values: Any shape.
        starts: [G] first index of each group, ascending from 0.
        axis: The axis that becomes G long.
    """
    finite = np.isfinite(values)
    counts = np.add.reduceat(finite.astype(np.float64), starts, axis=axis)
    sizes = np.diff(np.append(starts, values.shape[axis]))
    shares = np.repeat(np.maximum(counts, 1), sizes, axis=axis)
    with np.errstate(over="ignore"):  # divided first, and held: even so the last bits can carry a sum over the edge
        sums = np.add.reduceat(np.where(finite, values, 0.0) / shares, starts, axis=axis)
    return np.where(counts > 0, np.clip(sums, -_LARGEST, _LARGEST), np.nan)


def columns(series: Series, x: AxisRange, x_scale: Scale, y_scale: Scale, count: int, reduce: Reduce) -> Columns:
    """Reduce the series to `count` dot columns."""
    positions, samples = _places(series, x, x_scale, count)
    groups = _group(positions, samples, count)
    nothing = np.full(count, np.nan)
    none = np.zeros(count, dtype=bool)
    if not groups.at.size:
        return Columns(nothing, None, none, none)
    values = forward(series.y[groups.samples], y_scale)
    y = _spread(means(values, groups.starts) if reduce != "last" else _lasts(values, groups.starts), groups, count)
    return Columns(
        y=y,
        band=_band(series, groups, y_scale, count),
        dimmed=_dimmed(series, groups, count),
        marked=_marked(series, groups, values, count),
    )


def _places(series: Series, x: AxisRange, scale: Scale, count: int) -> tuple[Floats, slice]:
    """Return dot positions of the samples in view and of one neighbour on either side."""
    placed = forward(series.x, scale)
    start = int(np.count_nonzero(np.isnan(placed)))  # x ascends, so what a log axis cannot show comes first
    dots = x.fractions(placed) * max(count - 1, 1)
    first = max(int(np.searchsorted(dots[start:], -0.5, "left")) + start - 1, start)
    last = min(int(np.searchsorted(dots[start:], count - 0.5, "left")) + start + 1, dots.size)
    samples = slice(first, last)
    return dots[samples], samples


def _group(positions: Floats, samples: slice, count: int) -> _Groups:
    dots = np.floor(positions + 0.5)
    if not dots.size:
        return _Groups(np.empty(0, dtype=np.intp), np.empty(0), samples)
    starts = np.flatnonzero(np.concatenate([[True], dots[1:] != dots[:-1]]))
    at = dots[starts]
    outside = (at < 0) | (at >= count)
    return _Groups(starts, np.where(outside, positions[starts], at), samples)


def _lasts(values: Floats, starts: NDArray[np.intp]) -> Floats:
    ends: Floats = values[np.append(starts[1:], values.size) - 1]
    return ends


def _spread(values: Floats, groups: _Groups, count: int) -> Floats:
    """Return [C] values at their columns, interpolated between neighbours; NaN next to a gap and beyond the ends."""
    target = np.arange(count, dtype=np.float64)
    left = np.searchsorted(groups.at, target, "right") - 1
    exact = (left >= 0) & (groups.at[left] == target)
    right = np.where(exact, left, left + 1)
    inside = (left >= 0) & (right < groups.at.size)
    left, right = np.where(inside, left, 0), np.where(inside, right, 0)
    gap = groups.at[right] - groups.at[left]
    share = np.where(gap > 0, (target - groups.at[left]) / np.where(gap > 0, gap, 1), 0.0)
    mixed = np.where(exact, values[left], values[left] * (1 - share) + values[right] * share)
    return np.where(inside, mixed, np.nan)


def _band(series: Series, groups: _Groups, scale: Scale, count: int) -> tuple[Floats, Floats] | None:
    if series.low is None or series.high is None:
        return None
    low, high = (forward(edge[groups.samples], scale) for edge in (series.low, series.high))
    if scale == "log":  # a band that reaches down to 0 goes on below the view
        # -400 lies below the least float64 (1e-324), so below every view.
        low = np.where((series.low[groups.samples] <= 0) & np.isfinite(high), -400.0, low)
    return _spread(means(low, groups.starts), groups, count), _spread(means(high, groups.starts), groups, count)


def _nearest(groups: _Groups, count: int) -> NDArray[np.intp]:
    """Return [C] the group whose flags a column takes: the one to its right, as a line belongs to where it leads."""
    right = np.searchsorted(groups.at, np.arange(count, dtype=np.float64), "left")
    return np.minimum(right, groups.at.size - 1)


def _dimmed(series: Series, groups: _Groups, count: int) -> Bools:
    """Return [C] the columns of which every sample is dimmed."""
    if series.dimmed is None:
        return np.zeros(count, dtype=bool)
    folded: Bools = np.logical_and.reduceat(series.dimmed[groups.samples], groups.starts)
    return folded[_nearest(groups, count)]


def _marked(series: Series, groups: _Groups, values: Floats, count: int) -> Bools:
    marked = np.zeros(count, dtype=bool)
    if series.marked is not None:
        held = np.logical_or.reduceat(series.marked[groups.samples] & np.isfinite(values), groups.starts)
        inside = held & (groups.at >= 0) & (groups.at < count)
        marked[groups.at[inside].astype(np.intp)] = True
    return marked
