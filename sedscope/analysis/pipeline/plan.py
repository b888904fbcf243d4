"""What one analysis will look at: tasks, sources, which go together, and the checkpoints.

Decides the order of sources, the pairing of sources and tasks, and the spacing of checkpoints. Pure; needs no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from recorders.errors import UsageError
from recorders.format import (
    ADAPTIVE,
    CONTROL_COTANGENT,
    CONTROL_PER_EXAMPLE,
    CONTROL_SHUFFLED,
    DECAY,
    DISPLACEMENT,
    FIXED_GRADIENT,
    GRADIENT,
    MOMENTUM,
    RAW_GRADIENT,
    RAW_UPDATE,
    SGD_MOMENTUM,
    UPDATE,
    Source,
    parse_source,
)
from sedscope.analysis.arrays import Ints
from sedscope.analysis.sources.stage_rows import DECAYED, UNCLIPPED

_FAMILIES = (
    FIXED_GRADIENT,
    CONTROL_SHUFFLED,
    CONTROL_COTANGENT,
    CONTROL_PER_EXAMPLE,
    RAW_GRADIENT,
    GRADIENT,
    MOMENTUM,
    SGD_MOMENTUM,
    ADAPTIVE,
    DECAY,
    DECAYED,
    RAW_UPDATE,
    UPDATE,
    DISPLACEMENT,
)
"""From the gradient at fixed examples to what the weights did: the order in which the optimizer makes them."""


def fixed_gradient_sources(tasks: Sequence[str]) -> tuple[str, ...]:
    """`fixed_gradient/<task>` of every task; with several tasks their sum as well, the aggregated control."""
    own = tuple(Source(FIXED_GRADIENT, task).name for task in tasks)
    return own + ((FIXED_GRADIENT,) if len(tasks) > 1 else ())


def ordered(sources: Iterable[str]) -> tuple[str, ...]:
    """Sources in the order in which they are always shown: by family, a task's own before the whole."""

    def place(name: str) -> tuple[int, int, str]:
        source = parse_source(name)
        if source is not None:
            return _FAMILIES.index(source.family), 0 if source.task is not None else 2, name
        if name == UNCLIPPED:  # the sum of the tasks' gradients, before the optimizer receives it
            return _FAMILIES.index(GRADIENT), 1, name
        return _FAMILIES.index(name) if name in _FAMILIES else len(_FAMILIES), 2, name

    return tuple(sorted(dict.fromkeys(sources), key=place))


def choose(what: str, known: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The asked names, or all that are known.

    Args:
        what: The parameter, for the message.
        known: Names that the run has.
        asked: Names from the user; None for all.

    Raises:
        UsageError: A name is not known; the message lists the known ones.
    """
    if asked is None:
        return tuple(known)
    for name in asked:
        if name not in known:
            raise UsageError(f"{what}: one of {', '.join(known) or '(the run has none)'} is required, found {name!r}")
    return tuple(dict.fromkeys(asked))


def pair(sources: Sequence[str], tasks: Sequence[str], *, crossed: bool) -> tuple[tuple[str, str], ...]:
    """Which source is put against the centroids of which task.

    A source of one task goes against that task, crossed against every one; a source of no task against every one.
    """
    pairs = []
    for name in sources:
        source = parse_source(name)
        own = source.task if source is not None else None
        pairs += [(name, task) for task in tasks if crossed or own is None or own == task]
    return tuple(pairs)


def space_checkpoints(steps: Ints, count: int | None) -> Ints:
    """`count` of the steps, evenly spaced by position, the first and the last among them.

    Args:
        steps: Where weights were kept `[n]`, ascending.
        count: How many; None for all, 1 for the last alone.
    """
    if count is None or count >= len(steps):
        return steps
    if count == 1:
        return steps[-1:]
    return steps[np.round(np.linspace(0, len(steps) - 1, count)).astype(np.int64)]
