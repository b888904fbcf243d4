"""The outcome of a cell, read from its run directory alone.

Decides which cells are done: those whose recorded script came to its own end, with the same command and intervention.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorders.errors import RefusedError
from recorders.format import (
    END_EXCEPTION,
    END_FINISHED,
    RUN_FILE,
    STATE_CRASHED,
    STATE_DAMAGED,
    STATE_FINISHED,
    STATE_NOT_BEGUN,
    STATE_RECORDING,
)
from recorders.recording_options import RecordingOptions
from recorders.store.lock import holder
from recorders.store.run_folder import is_remnant
from sedscope.runs import Run
from sedscope.runs.find import open_or_error
from sedscope.runs.summary import NOT_BEGUN
from sedscope.runs.text import printable, printable_json, printable_path
from sedscope.sweep.cell import SweepCell

FINISHED: Final = STATE_FINISHED
STOPPED: Final = "stopped"
"""Ctrl-C or a signal ended the recording in order."""
MISSING: Final = "missing"

TO_DO: Final = frozenset({MISSING, STATE_CRASHED, STOPPED})
"""States of a cell that is run. One that is damaged may be worth more than its repetition: it is left alone."""

_ENDS: Final = {END_EXCEPTION: "the script ended with an error", None: "the recorder was killed"}


@dataclass(frozen=True)
class CellOutcome:
    """The state of a cell's run directory at one moment."""

    state: str
    """finished, stopped, crashed, damaged, recording or missing."""
    reason: str = ""
    """Why it is not finished, in words."""
    last_t: int | None = None
    """The last t of which anything is known."""
    run_id: str | None = None
    """The id in `run.json`; another recording has another."""


@dataclass(frozen=True)
class PlannedCell:
    """A cell, and the outcome in its run directory."""

    cell: SweepCell
    outcome: CellOutcome

    @property
    def to_do(self) -> bool:
        """True where it would be run now."""
        return self.outcome.state in TO_DO


def cell_outcome(cell: SweepCell, out: Path, options: RecordingOptions) -> CellOutcome:
    """Read the outcome of a cell from its run directory.

    Raises:
        RefusedError: It holds a run, but not this cell's.
    """
    path = cell.path(out)
    if not (path / RUN_FILE).is_file():
        if holder(path) is not None:
            return CellOutcome(STATE_RECORDING, f"being recorded by {holder(path)}")
        if path.is_dir() and is_remnant(path):
            return CellOutcome(STATE_CRASHED, "the recorder was killed before the recording began")
        return CellOutcome(MISSING)
    opened = open_or_error(path)
    if opened.run is None:  # a newer format among them: whatever lies there is not ours to replace
        return CellOutcome(STATE_DAMAGED, str(opened.error))
    run = opened.run
    _check_same(cell, run, options)
    return CellOutcome(*_state(run), run.last_t, run.manifest.run_id)


def _state(run: Run) -> tuple[str, str]:
    if run.state == STATE_DAMAGED:
        return run.state, f"{run.damage[0]}; sedscope check {printable_path(run.path)}"
    if run.state == STATE_RECORDING:
        return run.state, f"being recorded by {run.holder}"
    if run.state == STATE_NOT_BEGUN:
        return STATE_CRASHED, NOT_BEGUN
    if run.state == STATE_CRASHED:
        return run.state, _ENDS.get(run.end_reason, run.end_reason or "")
    return (FINISHED, "") if run.end_reason == END_FINISHED else (STOPPED, run.end_reason or "")


def _check_same(cell: SweepCell, run: Run, options: RecordingOptions) -> None:
    """Refuse a run with another command, intervention or cadence than the cell's, both as printable text."""
    _expect(run, "command", list(run.manifest.command), [printable(word) for word in cell.recorded_command])
    _expect(run, "every", run.manifest.recording.every, options.every)
    required = printable_json(cell.intervention.describe())
    recorded = run.manifest.intervention if isinstance(run.manifest.intervention, dict) else {}
    shared = [name for name in required if name in recorded] or list(required)  # another version may hold more
    _expect(run, "intervention", {key: recorded.get(key) for key in shared}, {key: required[key] for key in shared})


def _expect(run: Run, what: str, recorded: Any, required: Any) -> None:
    if recorded != required:
        where = printable_path(run.path)
        difference = f"{what} must be {printable(repr(required), 300)}, found {printable(repr(recorded), 300)}"
        raise RefusedError(f"{where}: holds the run of another sweep: {difference}; choose another --out")
