"""Sources that are made several times over: controls drawn anew, fixed gradients of further batches.

Decides how many variants a source has and which one stands for it alone: the first. Leaves to others: the examples of
a batch (`batches`), making the rows (`computed_rows`) and what is made of several variants (`window_coupling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recorders.row_sources import ROW_SOURCES, names_of, row_source
from sedscope.analysis.settings import Settings


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
    """Number of the fixed batch, and of the draw of a control."""

    @property
    def is_drawn(self) -> bool:
        """True where random numbers beside the batch make it what it is."""
        return any(row.family == self.family and row.varied_by == "draws" for row in ROW_SOURCES)


def varied_by(source: str) -> Literal["draws", "batches"] | None:
    """Return what tells the variants of a source apart; None for a source that there is once."""
    row = row_source(source)
    return None if row is None else row.varied_by


def variants_of(source: str, settings: Settings, *, one_batch: bool = False) -> tuple[Variant, ...]:
    """Return every variant that the settings ask for, in order.

    Args:
        source: Full name.
        settings: With the number of batches.
        one_batch: Whether the pool is one batch, so that there is nothing to vary but the draws of a control.
    """
    varied = varied_by(source)
    count = 1 if varied is None or (one_batch and varied == "batches") else settings.batches
    return tuple(Variant(source, index) for index in range(count))


def is_control(source: str) -> bool:
    """Return whether the source is one that knows less than a gradient does."""
    row = row_source(source)
    return row is not None and row.is_control


def is_computed(source: str) -> bool:
    """Return whether its rows come from running the model again."""
    row = row_source(source)
    return row is not None and row.derived_from == "program"


def is_near_checkpoints(source: str) -> bool:
    """Return whether its rows are computed in the windows of the checkpoints alone, of every variant."""
    row = row_source(source)
    return row is not None and (row.is_control or row.on_request)


def computed_sources(tasks: Sequence[str], *, on_request: bool = False) -> tuple[str, ...]:
    """Return every source of these tasks whose rows come from running the model again; or those on request alone."""
    rows = (row for row in ROW_SOURCES if row.derived_from == "program" and row.on_request == on_request)
    return tuple(names_of(rows, tasks))


def control_sources(task: str) -> tuple[str, ...]:
    """Return the controls of a task."""
    return tuple(row.name(task) for row in ROW_SOURCES if row.is_control)
