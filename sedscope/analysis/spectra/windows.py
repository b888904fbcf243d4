"""Windows of checkpoints: the single owner of which rows belong to a window, of step ↔ row.

Leaves to others: which steps a source has (`sedscope.runs`) and what is computed from a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Ints
from sedscope.analysis.constants import LEAST_SPAN
from sedscope.analysis.settings import Align


def span_of(windows: Sequence[int]) -> int:
    """Return the rows that a cached Gram matrix must serve for these windows: 20, doubled until it holds the largest.

    The span follows from the settings alone and is the same for neighbouring ones, so that one cached matrix serves
    them all, bit by bit.
    """
    span = LEAST_SPAN
    while span < max(windows):
        span *= 2
    return span


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `start:stop` of a source, seen from the checkpoint at step `t`."""

    t: int
    start: int
    stop: int
    size: int
    """W: how many rows a full window holds."""

    @property
    def n_rows(self) -> int:
        """Rows that the window holds; 0 when the source has none on this side of t."""
        return self.stop - self.start

    @property
    def full(self) -> bool:
        """Short windows are drawn dimmed and count for neither peak nor final."""
        return self.n_rows == self.size


def place_windows(
    row_steps: Ints | Sequence[int],
    checkpoints: Ints | Sequence[int],
    size: int,
    align: Align = "trailing",
    *,
    rows_end_at_t: bool = False,
) -> tuple[Window, ...]:
    """Place the window of each checkpoint: trailing as in arXiv 2604.25143, leading as in its published code.

    Args:
        row_steps: Recorded t of the source's rows `[n]`, ascending.
        checkpoints: Steps t from which windows are seen `[m]`.
        size: W, at least 1.
        align: "trailing": the last W rows with step ≤ t, fewer at the start. "leading": the first W rows with
            step ≥ t; near the end the last W rows.
        rows_end_at_t: True where a row describes the interval that *ends* at its step (displacement): a leading window
            then begins with the first step > t, so that it never looks back.

    Returns:
        One window per checkpoint, in their order.

    Raises:
        UsageError: W < 1, an unknown alignment, or steps that do not ascend.
    """
    if size < 1:
        raise UsageError(f"window: must be at least 1 row; found {size}")
    steps = np.asarray(row_steps, dtype=np.int64)
    if np.any(np.diff(steps) <= 0):
        raise UsageError("row steps: must ascend; found a step twice or out of order")
    if align == "trailing":
        stops = np.searchsorted(steps, np.asarray(checkpoints, dtype=np.int64), side="right")
        starts = np.maximum(stops - size, 0)
    elif align == "leading":
        first = np.searchsorted(
            steps, np.asarray(checkpoints, dtype=np.int64), side="right" if rows_end_at_t else "left"
        )
        starts = np.maximum(np.minimum(first, steps.size - size), 0)
        stops = np.minimum(starts + size, steps.size)
    else:
        raise UsageError(f"align: must be trailing or leading; found {align}")
    return tuple(
        Window(int(t), int(start), int(stop), size) for t, start, stop in zip(checkpoints, starts, stops, strict=True)
    )


def match_steps(*step_lists: Ints | Sequence[int]) -> Ints:
    """Return the steps that every list holds, ascending: comparisons use these alone, and say how many they are."""
    common = np.unique(np.asarray(step_lists[0], dtype=np.int64))
    for steps in step_lists[1:]:
        common = np.intersect1d(common, np.asarray(steps, dtype=np.int64))
    return common
