"""The colour and line of a source, a task and an intervention, the same in every figure of every report.

Those of sources stand in `recorders.row_sources`. Every colour has a contrast of at least 3 on white and on black, and
no two lines differ by colour alone.
"""

from __future__ import annotations

from recorders.row_sources import OTHER_LOOK, Dash, LineLook, row_source

_TREATMENT_DASHES: tuple[Dash, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
TASKS = ("#2f7fd6", "#d07a1a", "#3a9a4c", "#d84a4a", "#8a6fd1", "#9a8a2f", "#1f9fb0", "#b05f95")


def look_of(source: str) -> LineLook:
    """Return the look of a source by its full name."""
    row = row_source(source)
    return OTHER_LOOK if row is None else row.look


def task_colour(index: int) -> str:
    """Return the colour of a task by its index in the run's order."""
    return TASKS[index % len(TASKS)]


def treatment_look(index: int) -> LineLook:
    """Return the line of an intervention by its index among those of a task: no two differ by colour alone."""
    return LineLook(TASKS[index % len(TASKS)], _TREATMENT_DASHES[index % len(_TREATMENT_DASHES)], "")
