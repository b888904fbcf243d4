"""The plan of an analysis: tasks, sources, which of them go together, and the checkpoints.

Decides the order of sources, the pairing of sources and tasks, and the spacing of checkpoints. Pure; needs no rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recorders.errors import UsageError
from recorders.row_sources import parse_source
from sedscope.analysis.arrays import Ints


def choose(
    what: str, available: Sequence[str], requested: Sequence[str] | None, refused: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the requested names, or all that the run has; `what` is the parameter, for the message.

    Raises:
        UsageError: A name is not known; the message lists the known ones, and reasons why there are no others.
    """
    if requested is None:
        return tuple(available)
    for name in requested:
        if name not in available:
            names = ", ".join(available) or "(the run has none)"
            why = "".join(f"; {reason}" for reason in refused)
            raise UsageError(f"{what}: one of {names} is required, found {name!r}{why}")
    return tuple(dict.fromkeys(requested))


def pair(sources: Sequence[str], tasks: Sequence[str], *, crossed: bool) -> tuple[tuple[str, str], ...]:
    """Return which source is put against the centroids of which task.

    A source of one task goes against that task, crossed against every one; a source of no task against every one.
    """
    pairs = []
    for name in sources:
        source = parse_source(name)
        own = source.task if source is not None else None
        pairs += [(name, task) for task in tasks if crossed or own is None or own == task]
    return tuple(pairs)


def space_checkpoints(steps: Ints, count: int | None) -> Ints:
    """Return `count` of the ascending steps, evenly spaced by position, the first and the last among them.

    A count of None takes all, 1 the last alone.
    """
    if count is None or count >= len(steps):
        return steps
    if count == 1:
        return steps[-1:]
    return steps[np.round(np.linspace(0, len(steps) - 1, count)).astype(np.int64)]
