"""Runs as the screen knows them: plain frozen objects that a background thread makes and nobody changes.

They hold no widget and no open run, so that they can be handed between threads and compared. All text in them went
through `sedscope.runs`, which made it printable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recorders.format import STATE_CRASHED, STATE_DAMAGED, STATE_FINISHED, STATE_NOT_BEGUN, STATE_RECORDING

if TYPE_CHECKING:
    from sedscope.analysis.pipeline.results import TaskMetrics
    from sedscope.runs.manifest import Manifest
    from sedscope.runs.scalars import Series

SIGNS = {
    STATE_RECORDING: "●",
    STATE_FINISHED: "✓",
    STATE_CRASHED: "✗",
    STATE_NOT_BEGUN: "✗",
    STATE_DAMAGED: "▲",
}
STYLES = {
    STATE_RECORDING: "$success",
    STATE_FINISHED: "$foreground 60%",
    STATE_CRASHED: "$warning",
    STATE_NOT_BEGUN: "$warning",
    STATE_DAMAGED: "$error",
}


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the table of runs."""

    path: Path
    name: str
    state: str
    """`recorders.format.STATE_…`; damaged also where the run cannot be opened at all."""
    reason: str = ""
    """Why it is damaged, how it crashed, or who records it."""
    tasks: tuple[str, ...] = ()
    last_t: int | None = None
    n_rows: int | None = None
    """Recorded t with a row; of the source that has most."""
    P: int | None = None
    size: int | None = None
    """Bytes of the run directory; None until it was counted."""
    grok: tuple[tuple[str, int | None], ...] | None = None
    """Grok step of each task, None where it has none; None as a whole until it was looked for."""
    intervention: str = ""
    seed: str = ""
    created: str = ""
    """Start in UTC, to the minute."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row source of a run."""

    name: str
    n_rows: int
    stored: bool
    """False where the weights give it."""


@dataclass(frozen=True, slots=True, eq=False)
class RunData:
    """Everything that the tabs show of one run without an analysis; a new one replaces it when the run grows."""

    path: Path
    name: str
    state: str
    stamp: str
    """Changes exactly when the run does: results carry it, so that nobody shows an old one as new."""
    manifest: Manifest
    tasks: tuple[str, ...]
    last_t: int | None
    steps: tuple[int, ...]
    """Every recorded t, ascending: where the step cursor can stand."""
    sources: tuple[SourceRow, ...]
    """Sources that need no model: stored, or derived from the weights."""
    known_sources: tuple[str, ...]
    """Every source that an analysis can be asked for, in the order in which they are shown."""
    scalars: Mapping[str, Series]
    """Scalar → (t [m], value [m])."""
    milestones: tuple[TaskMetrics, ...]
    end_reason: str | None = None
    holder: str = ""
    """Who is recording it."""
    n_sessions: int = 1
    n_checkpoints: int = 0
    size: int | None = None
    notes: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    unprobed: Mapping[str, str] = field(default_factory=dict)
    """Task → why its features cannot be studied."""
