"""The alignment from which on a direction counts as moving the way the training moved next.

Decides that it is a multiple of what random directions reach. Leaves to others: the cosines themselves.
"""

from __future__ import annotations

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import NOT_MEASURED, CouplingSeries, RunAnalysis
from sedscope.analysis.undefined import Undefined

ABOVE_FLOOR = 2.0
"""An alignment counts from this many times the root mean square of random directions: of normally distributed
cosines one in twenty lies beyond it, to either side."""


def alignment_floors(run: RunAnalysis, task: str) -> dict[int, float]:
    """Return the root mean square of random directions by t, where only the selected parameters move."""
    series = next((each for each in run.random_alignment if each.task == task), None)
    points = () if series is None else series.points
    return {t: float(by_kind[0]) for t, by_kind in points if not isinstance(by_kind, Undefined)}


def alignment_rows(series: CouplingSeries) -> dict[int, Floats] | Undefined:
    """Return a of the row by t `[2]` (kinds as in `alignment.SHIFT_KINDS`), or why no checkpoint has one."""
    rows = {}
    missing = NOT_MEASURED
    for point in series.points:
        row = point.alignment if isinstance(point.alignment, Undefined) else point.alignment.row
        if isinstance(row, Undefined):
            missing = row
        else:
            rows[point.t] = row
    return rows or missing


def row_alignments(series: CouplingSeries) -> list[tuple[int, float]]:
    """Return t and a of the row at each checkpoint that has one, where only the selected parameters move."""
    rows = alignment_rows(series)
    return [] if isinstance(rows, Undefined) else [(t, float(row[0])) for t, row in rows.items()]


def alignments(series: CouplingSeries, floors: dict[int, float]) -> list[tuple[float, float]]:
    """Return a of the row and the floor that counts, at every checkpoint with both.

    Args:
        series: One source against one task.
        floors: As `alignment_floors` returns them.
    """
    return [(a, ABOVE_FLOOR * floors[t]) for t, a in row_alignments(series) if t in floors]
