"""Sources that are made several times over: controls drawn anew, fixed gradients of further batches.

Decides how many variants a source has and which one stands for it alone: the first; and that a further batch is the
next examples of the batch drawing, disjoint from the batches before. A part of the pool keeps the drawing's order.
Leaves to others: making their rows (`computed_rows`) and what is made of several (`assemble_series`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recorders.row_sources import ROW_SOURCES, names_of, row_source
from sedscope.analysis.arrays import Ints
from sedscope.analysis.settings import Part, Settings
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe


@dataclass(frozen=True, slots=True)
class Variant:
    """A source drawn once, or taken on one fixed batch."""

    source: str
    """Full name."""
    index: int = 0
    """Number of the draw of a control, or of the batch of a fixed gradient, from 0; 0 for every other source."""


@dataclass(frozen=True, slots=True)
class GradientKind:
    """One gradient at fixed examples of one task."""

    family: str
    """Family of a source that is computed by running the model again, such as `fixed_gradient`."""
    index: int
    """Number of the draw of a control, or of the batch of a fixed gradient."""

    @property
    def batch(self) -> int:
        """Number of the fixed batch that it is taken on: what is drawn anew keeps to the first one."""
        return 0 if self.is_drawn else self.index

    @property
    def is_drawn(self) -> bool:
        """True where its variants are draws on one batch; otherwise they are batches."""
        return any(row.family == self.family and row.varied_by == "draws" for row in ROW_SOURCES)


def varied_by(source: str) -> Literal["draws", "batches"] | None:
    """Return what tells the variants of a source apart; None for a source that there is once."""
    row = row_source(source)
    return None if row is None else row.varied_by


def variants_of(source: str, settings: Settings) -> tuple[Variant, ...]:
    """Return every variant that the settings ask for, in order."""
    varied = varied_by(source)
    count = 1 if varied is None else settings.draws if varied == "draws" else settings.batches
    return tuple(Variant(source, index) for index in range(count))


def is_control(source: str) -> bool:
    """Return whether the source is one that knows less than a gradient does."""
    row = row_source(source)
    return row is not None and row.is_control


def is_computed(source: str) -> bool:
    """Return whether its rows come from running the model again."""
    row = row_source(source)
    return row is not None and row.derived_from == "program"


def computed_sources(tasks: Sequence[str]) -> tuple[str, ...]:
    """Return every source of these tasks whose rows come from running the model again."""
    return tuple(names_of((row for row in ROW_SOURCES if row.derived_from == "program"), tasks))


def control_sources(task: str) -> tuple[str, ...]:
    """Return the controls of a task."""
    return tuple(row.name(task) for row in ROW_SOURCES if row.is_control)


def fixed_batch(probe: Probe, size: int, index: int = 0, pool_part: Part = "all") -> Ints | Undefined:
    """Return the positions in the pool of one fixed batch.

    Args:
        probe: Probe of the task.
        size: Examples of a batch. The first batch holds fewer where the pool does; a further one must be as large.
        index: Number of the batch, from 0.
        pool_part: Part of the pool that is drawn from: all of it, or the examples that training does or does not see.

    Returns:
        `[size]`; undefined where the probe does not say which examples are trained on, or holds too few.
    """
    order = _drawing_of(probe, pool_part)
    if isinstance(order, Undefined):
        return order
    whose = f"task {probe.task}: the {pool_part} part of" if pool_part != "all" else f"task {probe.task}:"
    if len(order) == 0:
        return Undefined(f"{whose} the batch drawing holds no example")
    if index and (index + 1) * size > len(order):
        return Undefined(f"{whose} the batch drawing holds {len(order)} examples, fewer than {index + 1} × {size}")
    return order[index * size : (index + 1) * size]


def _drawing_of(probe: Probe, pool_part: Part) -> Ints | Undefined:
    """Return the positions of a part of the pool in the order of the batch drawing."""
    if pool_part == "all":
        return probe.batch_order
    if probe.train is None:
        return Undefined(
            f"task {probe.task}: the probe does not say which examples are trained on;"
            " add train=… to sedscope.probe in the script"
        )
    members = probe.train if pool_part == "train" else ~probe.train
    return np.asarray(probe.batch_order[members[probe.batch_order]])
