"""Moves of the step cursor: pure, on the recorded steps of a run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def stepped(steps: Sequence[int], cursor: float | None, count: int) -> float | None:
    """Return the cursor `count` recorded steps on; without a cursor it starts at an end. None without steps."""
    if not steps:
        return None
    if cursor is None:
        index = 0 if count > 0 else len(steps) - 1
    else:
        index = bisect_right(steps, cursor) - 1 + count if count > 0 else bisect_left(steps, cursor) + count
    return float(steps[min(max(index, 0), len(steps) - 1)])


def wrong_step(answer: str) -> str | None:
    """Return what is wrong with a typed step, or None."""
    try:
        value = float(answer)
    except ValueError:
        return f"a number is required, found {answer!r}"
    return None if 0 <= value < float("inf") else f"a step of at least 0 is required, found {answer}"
