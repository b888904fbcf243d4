"""What became of a cell, told by its run directory alone.

Decides which cells are done: those whose recorded script came to its own end, with the same command and intervention.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorders.errors import RefusedError, SedscopeError
from recorders.format import (
    END_EXCEPTION,
    END_FINISHED,
    RUN_FILE,
    STATE_CRASHED,
    STATE_DAMAGED,
    STATE_FINISHED,
    STATE_RECORDING,
)
from recorders.recording_options import RecordingOptions
from sedscope.runs import Run, open_run
from sedscope.runs.text import printable, printable_json
from sedscope.sweep.cell import Cell

FINISHED: Final = STATE_FINISHED
CRASHED: Final = STATE_CRASHED
DAMAGED: Final = STATE_DAMAGED
RECORDING: Final = STATE_RECORDING
STOPPED: Final = "stopped"
"""Ctrl-C or a signal ended the recording in order."""
MISSING: Final = "missing"

TO_DO: Final = frozenset({MISSING, CRASHED, STOPPED})
"""States of a cell that is run. One that is damaged may be worth more than its repetition: it is left alone."""

_ENDS: Final = {END_EXCEPTION: "the script ended with an error", None: "the recorder was killed"}


@dataclass(frozen=True)
class Look:
    """A cell's run directory at one moment."""

    state: str
    """finished, stopped, crashed, damaged, recording or missing."""
    reason: str = ""
    """Why it is not finished, in words."""
    last_t: int | None = None
    """The last t of which anything is known."""
    run_id: str | None = None
    """That of `run.json`; another recording has another."""


@dataclass(frozen=True)
class Planned:
    """A cell, and what its run directory says."""

    cell: Cell
    look: Look

    @property
    def to_do(self) -> bool:
        """Whether it would be run now."""
        return self.look.state in TO_DO


def look(cell: Cell, out: Path, options: RecordingOptions) -> Look:
    """What the run directory says now.

    Raises:
        RefusedError: It holds a run, but not this cell's.
    """
    path = cell.path(out)
    if not (path / RUN_FILE).is_file():
        return Look(MISSING)
    try:
        run = open_run(path)
    except SedscopeError as error:  # a newer format among them: whatever lies there is not ours to replace
        return Look(DAMAGED, str(error))
    _check_same(cell, run, options)
    return Look(*_state(run), run.last_t, run.manifest.run_id)


def _state(run: Run) -> tuple[str, str]:
    if run.state == STATE_DAMAGED:
        return DAMAGED, f"{run.damage[0]}; sedscope check {printable(str(run.path), 4096)}"
    if run.state == STATE_RECORDING:
        return RECORDING, f"being recorded by {run.holder}"
    if run.state == STATE_CRASHED:
        return CRASHED, _ENDS.get(run.end_reason, run.end_reason or "")
    return (FINISHED, "") if run.end_reason == END_FINISHED else (STOPPED, run.end_reason or "")


def _check_same(cell: Cell, run: Run, options: RecordingOptions) -> None:
    """A cell is its command, its intervention and its cadence; texts of a run are printable, so these must be, too."""
    _expect(run, "command", list(run.manifest.command), [printable(word) for word in cell.recorded_command])
    _expect(run, "every", run.manifest.recording.every, options.every)
    asked = printable_json(cell.intervention.describe())
    found = run.manifest.intervention if isinstance(run.manifest.intervention, dict) else {}
    shared = [name for name in asked if name in found] or list(asked)  # another version may tell more
    _expect(run, "intervention", {name: found.get(name) for name in shared}, {name: asked[name] for name in shared})


def _expect(run: Run, what: str, found: Any, required: Any) -> None:
    if found != required:
        where = printable(str(run.path), 4096)
        shown = f"{what} must be {printable(repr(required), 300)}, found {printable(repr(found), 300)}"
        raise RefusedError(f"{where}: holds the run of another sweep: {shown}; choose another --out")
