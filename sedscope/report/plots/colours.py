"""The colour and line of each source, the same in every figure of every report.

Decides them by family: gradients are blue, what the optimizer makes of them green and violet, what the weights did
warm. Every colour has a contrast of at least 3 on white and on black, and no two sources differ by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recorders.format import (
    ADAPTIVE,
    DECAY,
    DISPLACEMENT,
    FIXED_GRADIENT,
    GRADIENT,
    MOMENTUM,
    SGD_MOMENTUM,
    UPDATE,
    parse_source,
)
from sedscope.analysis.sources.stage_rows import DECAYED, UNCLIPPED

Dash = Any
"""What matplotlib takes for a line's style."""


@dataclass(frozen=True, slots=True)
class LineLook:
    """The look of one line."""

    colour: str
    dash: Dash = "-"
    marker: str = "o"


_OF_FAMILY = {
    FIXED_GRADIENT: LineLook("#2f7fd6"),
    GRADIENT: LineLook("#1f9fb0", (0, (5, 2)), "s"),
    MOMENTUM: LineLook("#8a6fd1", (0, (3, 1.5)), "^"),
    SGD_MOMENTUM: LineLook("#8a6fd1", (0, (3, 1.5)), "^"),
    ADAPTIVE: LineLook("#3a9a4c", (0, (1, 1)), "v"),
    DECAY: LineLook("#9a8a2f", (0, (1, 2)), "P"),
    UPDATE: LineLook("#d07a1a", (0, (4, 1, 1, 1)), "D"),
    DISPLACEMENT: LineLook("#d84a4a", "-", "X"),
}
_ALL_TASKS = {
    FIXED_GRADIENT: LineLook("#6f7fa6", (0, (5, 1, 1, 1)), "p"),
    GRADIENT: LineLook("#5f8f95", (0, (2, 2)), "d"),
}
"""Of all tasks together, where a family has one for each task as well."""
_STAGES = {
    UNCLIPPED: LineLook("#6b8e23", (0, (4, 2, 1, 2)), "<"),
    DECAYED: LineLook("#b05f95", (0, (6, 1)), ">"),
}
"""Derived from stored rows."""
_OTHER = LineLook("#8f6f5f", (0, (2, 1)), "*")
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
    parsed = parse_source(source)
    if parsed is None:
        return _STAGES.get(source, _OTHER)
    of_all_tasks = _ALL_TASKS.get(parsed.family) if parsed.task is None else None
    return of_all_tasks or _OF_FAMILY.get(parsed.family, _OTHER)


def task_colour(index: int) -> str:
    """Return the colour of a task by its index in the run's order."""
    return TASKS[index % len(TASKS)]


def treatment_look(index: int) -> LineLook:
    """Return the line of an intervention by its index among those of a task: no two differ by colour alone."""
    return LineLook(TASKS[index % len(TASKS)], _TREATMENT_DASHES[index % len(_TREATMENT_DASHES)], "")
