"""The scheduler of a sweep: cells that wait, run or have ended; each poll looks after them and hands over the next.

Decides the state of each cell from its ticket and its run directory, and how long the rest will take.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Final

from recorders.errors import SedscopeError
from recorders.format import STATE_DAMAGED
from sedscope.sweep import planned_cell
from sedscope.sweep.cell import SweepCell
from sedscope.sweep.display import board
from sedscope.sweep.display.board import Board, CellLine
from sedscope.sweep.display.watch import TrainingProgress, Watch
from sedscope.sweep.engines.engine import Engine, Ticket
from sedscope.sweep.planned_cell import CellOutcome, PlannedCell, cell_outcome
from sedscope.sweep.sweep import Sweep
from sedscope.sweep.training_job import SUCCESS, TrainingJob, last_words, log_size, thread_variables

WATCH_EVERY_S: Final = 1.0
"""Seconds between two looks at a growing run directory."""


@dataclass
class _ActiveCell:
    """A cell that was handed over."""

    cell: SweepCell
    ticket: Ticket
    watch: Watch
    earlier_log: int
    """Bytes of the log before."""
    began_at: float | None = None
    """Time at which the log began to grow: until then it waits in somebody's queue."""
    watched_at: float = 0.0
    ended_at: float | None = None


class Scheduler:
    """All cells of a sweep while it runs.

    Args:
        sweep: The sweep.
        out: Its folder.
        planned: Every cell, with the outcome in its run directory at the start.
        engine: Runs the cells.
        clock: Returns seconds.
    """

    def __init__(
        self,
        sweep: Sweep,
        out: Path,
        planned: Sequence[PlannedCell],
        engine: Engine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sweep, self._out, self._engine, self._clock = sweep, out, engine, clock
        self._variables = thread_variables(engine.threads, os.environ)
        self._before = {entry.cell.name: entry.outcome for entry in planned}
        self._lines = {entry.cell.name: _line(entry) for entry in planned}
        self._waiting = [entry.cell for entry in planned if entry.to_do]
        self._active: list[_ActiveCell] = []

    def about(self) -> str:
        """Return where and how the cells run, in words."""
        threads = self._variables["OMP_NUM_THREADS"]
        each = f"{threads} thread{'' if threads == '1' else 's'} each"
        at_a_time = "" if self._engine.slots is None else f"{self._engine.slots} at a time, "
        return f"{self._engine.name}: {at_a_time}{each}"

    def board(self) -> Board:
        """Return the board of all cells."""
        return Board(self._out, tuple(self._lines.values()), self._remaining())

    def goes_on(self) -> bool:
        """Return whether any cell waits or runs."""
        return bool(self._waiting or self._active)

    def poll(self) -> None:
        """Look after the cells that were handed over, and hand over as many as there is room for."""
        for active in list(self._active):
            self._poll_cell(active)
        slots = self._engine.slots
        room = len(self._waiting) if slots is None else slots - len(self._active)
        chosen, self._waiting = self._waiting[:room], self._waiting[room:]
        if chosen:
            self._hand_over(chosen)

    def stop(self) -> None:
        """End every cell that runs; those that have not finished wait for the next time."""
        try:
            self._engine.stop()
        finally:
            self._settle()

    def _settle(self) -> None:
        for active in self._active:
            is_done = self._outcome(active.cell).state == planned_cell.FINISHED
            self._set(active, board.FINISHED if is_done else board.WAITING)
        self._active.clear()

    def _hand_over(self, cells: Sequence[SweepCell]) -> None:
        logs = [log_size(cell.log(self._out)) for cell in cells]
        tickets = self._engine.submit([self._job(cell) for cell in cells])
        steps = self._sweep.recording.steps
        for cell, ticket, earlier_log in zip(cells, tickets, logs, strict=True):
            watch = Watch(cell.path(self._out), steps, self._before[cell.name].run_id, self._clock)
            self._active.append(_ActiveCell(cell, ticket, watch, earlier_log))

    def _job(self, cell: SweepCell) -> TrainingJob:
        out = self._out.absolute()
        # A job may begin hours after it was handed over: what is recorded by then, by whomever, is not replaced.
        words = cell.words(out, self._sweep.recording, force=self._before[cell.name].state != planned_cell.MISSING)
        return TrainingJob(cell.name, words, str(Path.cwd()), str(cell.log(out)), self._variables)

    def _poll_cell(self, active: _ActiveCell) -> None:
        now = self._clock()
        if active.began_at is None and log_size(active.cell.log(self._out)) > active.earlier_log:
            active.began_at = now
        how = active.ticket.ended()
        if how is not None:
            active.ended_at = active.ended_at or now
            self._end(active, how)
        elif active.began_at is not None and now - active.watched_at >= WATCH_EVERY_S:
            active.watched_at = now
            self._set(active, board.RUNNING)

    def _end(self, active: _ActiveCell, how: str) -> None:
        outcome = self._outcome(active.cell)
        if outcome.state == planned_cell.FINISHED:
            self._set(active, board.FINISHED)
        elif how == SUCCESS and self._clock() - (active.ended_at or 0.0) < self._engine.patience_s:
            return
        else:
            self._set(active, board.FAILED, self._reason(active, how, outcome))
        self._active.remove(active)

    def _outcome(self, cell: SweepCell) -> CellOutcome:
        try:
            return cell_outcome(cell, self._out, self._sweep.recording)
        except SedscopeError as error:
            return CellOutcome(STATE_DAMAGED, str(error))

    def _reason(self, active: _ActiveCell, how: str, outcome: CellOutcome) -> str:
        """Return how it ended and its last words; where it ended well, why the run counts as failed all the same."""
        words = last_words(active.cell.log(self._out), active.earlier_log)
        if how != SUCCESS:
            return f"{how}: {words}" if words else how
        return outcome.reason or words or "nothing was recorded"

    def _set(self, active: _ActiveCell, new: str, reason: str = "") -> None:
        seconds = None if active.began_at is None else (active.ended_at or self._clock()) - active.began_at
        line = replace(
            self._lines[active.cell.name],
            state=new,
            progress=active.watch.poll(),
            seconds=seconds,
            reason=reason,
            log=active.cell.log(self._out) if new == board.FAILED else None,
        )
        self._lines[line.name] = line

    def _remaining(self) -> float | None:
        """Return seconds until the last cell ends, if cells take as long as those that have ended."""
        running = [line for line in self._lines.values() if line.state == board.RUNNING]
        cell_s = self._cell_seconds(running)
        left = [_left(line, cell_s) for line in running] + [cell_s] * self._n_waiting()
        remaining_s = [seconds for seconds in left if seconds is not None]
        if not remaining_s or len(remaining_s) < len(left):
            return None
        # The cell that runs longest, or all of them spread evenly over the slots.
        return max(max(remaining_s), sum(remaining_s) / (self._engine.slots or len(remaining_s)))

    def _n_waiting(self) -> int:
        return sum(line.state == board.WAITING for line in self._lines.values())

    def _cell_seconds(self, running: Sequence[CellLine]) -> float | None:
        """Return the seconds that a cell takes, from those that ended, else from the rate of those that run."""
        ended = [line.seconds for line in self._lines.values() if line.state == board.FINISHED and line.seconds]
        if ended:
            return mean(ended)
        rates = [line.progress.rate for line in running if line.progress.rate]
        steps = self._sweep.recording.steps
        return steps / mean(rates) if rates and steps else None


def _left(line: CellLine, cell_s: float | None) -> float | None:
    if line.progress.remaining_s is not None or cell_s is None:
        return line.progress.remaining_s
    return max(0.0, cell_s - (line.seconds or 0.0))


def _line(planned: PlannedCell) -> CellLine:
    """Return the line of a cell that has not been handed over."""
    outcome = planned.outcome
    if planned.to_do:
        return CellLine(planned.cell.name, board.WAITING)
    if outcome.state == planned_cell.FINISHED:
        return CellLine(planned.cell.name, board.FINISHED, TrainingProgress(outcome.last_t))
    return CellLine(planned.cell.name, board.SKIPPED, reason=outcome.reason)
