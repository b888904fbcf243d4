"""Sets of sources that share a picture, and the colour that a source keeps in all of them.

Decides the sets of the Coupling and Why tabs. Pure: names in, names out.
"""

from __future__ import annotations

from collections.abc import Sequence

from recorders.row_sources import (
    FIXED_GRADIENT,
    OTHER_HUE,
    ROW_SOURCES,
    Source,
    parse_source,
    row_source,
)
from sedscope.analysis.sources.variants import control_sources, is_computed, is_control

MAIN, STAGES, CONTROLS = "main", "stages", "controls"
CONTROL_COLOUR = OTHER_HUE


def sets_of(available: Sequence[str], task: str | None) -> dict[str, tuple[str, ...]]:
    """Name of a set → its sources, among those that are known; a source alone is a set of its own name.

    Args:
        available: Sources in their order.
        task: Whose features; a task's own sources are those of this one. None where the run has none.
    """
    mine = [name for name in available if task is None or (own := task_of(name)) is None or own == task]
    chain = [name for name in mine if not is_computed(name)]
    sets = {
        MAIN: _main(available, task),
        STAGES: tuple(chain),
        CONTROLS: _present(mine, [Source(FIXED_GRADIENT, task).name, *([] if task is None else control_sources(task))]),
    }
    nonempty = {name: sources for name, sources in sets.items() if sources}
    return nonempty | {name: (name,) for name in mine}


def colours(sources: Sequence[str]) -> dict[str, int]:
    """Place in the palette of every source of a picture: by family, so that it looks alike everywhere.

    Where two of one family meet, the later one takes the first place that is free.
    """
    wished = {name: OTHER_HUE if (row := row_source(name)) is None else row.hue for name in sources}
    assigned: dict[str, int] = {}
    for name in sources:
        taken = {*assigned.values(), *(wished[other] for other in sources if other not in assigned and other != name)}
        free = (index for index in range(len(sources) + CONTROL_COLOUR + 1) if index not in taken)
        assigned[name] = wished[name] if wished[name] not in assigned.values() and not is_control(name) else next(free)
    return assigned


def family(source: str) -> str:
    """Return the name without its task."""
    parsed = parse_source(source)
    return source if parsed is None else parsed.family


def task_of(source: str) -> str | None:
    """Return the task that a source belongs to; None where it is of all."""
    parsed = parse_source(source)
    return None if parsed is None else parsed.task


def _main(available: Sequence[str], task: str | None) -> tuple[str, ...]:
    """Return the gradient at fixed examples and on the batch, the update, and the displacement."""
    several = sum(family(name) == FIXED_GRADIENT and name != FIXED_GRADIENT for name in available) > 1
    headline: dict[str, str] = {}
    for row in (row for row in ROW_SOURCES if row.is_headline):
        # With several tasks a task's own gradient, otherwise what the optimizer received.
        if row.family not in headline or not several:
            headline[row.family] = Source(row.family, task if row.has_own_task else None).name
    return _present(available, list(headline.values()))


def _present(available: Sequence[str], requested: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in requested if name in available)
