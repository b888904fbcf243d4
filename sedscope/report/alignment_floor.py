"""From which alignment on a direction counts as moving the way the training moved next.

Decides that this is a multiple of what random directions reach. Leaves to others: the cosines themselves.
"""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.undefined import Undefined

ABOVE_FLOOR = 2.0
"""An alignment counts from this many times the root mean square of random directions."""


def alignment_floors(run: RunAnalysis, task: str) -> dict[int, float]:
    """What random directions reach, by t: where only the selected parameters move."""
    series = next((one for one in run.random_alignment if one.task == task), None)
    points = () if series is None else series.points
    return {t: float(found[0]) for t, found in points if not isinstance(found, Undefined)}


def alignments(series: CouplingSeries, floors: dict[int, float]) -> list[tuple[float, float]]:
    """A of the row and the floor that counts, at every checkpoint with both: only the selected parameters move."""
    found = []
    for point in series.points:
        known = point.alignment
        if isinstance(known, Undefined) or isinstance(known.row, Undefined) or point.t not in floors:
            continue
        found.append((float(known.row[0]), ABOVE_FLOOR * floors[point.t]))
    return found
