"""The course of a sweep: what waits, what runs and what has ended; a step hands over, asks and looks.

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
from sedscope.sweep import board, state
from sedscope.sweep.board import Board, Line
from sedscope.sweep.cell import Cell
from sedscope.sweep.engines.engine import Engine, Ticket
from sedscope.sweep.job import SUCCESS, Job
from sedscope.sweep.log import last_words, size
from sedscope.sweep.state import Look, Planned
from sedscope.sweep.sweep import Sweep
from sedscope.sweep.threads import thread_variables
from sedscope.sweep.watch import Progress, Watch

LOOK_S: Final = 1.0
"""How often a growing run directory is looked at."""


@dataclass
class _Active:
    """A cell that was handed over."""

    cell: Cell
    ticket: Ticket
    watch: Watch
    log_size: int
    """Of the log before."""
    began: float | None = None
    """When the log began to grow: until then it waits in somebody's queue."""
    looked: float = 0.0
    ended: float | None = None


class Course:
    """All cells of a sweep while it runs.

    Args:
        sweep: What is run.
        out: Its folder.
        planned: Every cell, with what its run directory says at the start.
        engine: Where it is run.
        clock: Seconds.
    """

    def __init__(
        self,
        sweep: Sweep,
        out: Path,
        planned: Sequence[Planned],
        engine: Engine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sweep, self._out, self._engine, self._clock = sweep, out, engine, clock
        self._variables = thread_variables(engine.threads, os.environ)
        self._looks = {each.cell.name: each.look for each in planned}
        self._lines = {each.cell.name: _line(each) for each in planned}
        self._waiting = [each.cell for each in planned if each.to_do]
        self._active: list[_Active] = []

    # --- what is shown ----------------------------------------------------------------------------------------------

    def about(self) -> str:
        """How it is run, in words."""
        threads = self._variables["OMP_NUM_THREADS"]
        each = f"{threads} thread{'' if threads == '1' else 's'} each"
        at_a_time = "" if self._engine.slots is None else f"{self._engine.slots} at a time, "
        return f"{self._engine.name}: {at_a_time}{each}"

    def board(self) -> Board:
        """Every cell as it stands."""
        return Board(self._out, tuple(self._lines.values()), self._remaining())

    # --- what happens -----------------------------------------------------------------------------------------------

    def goes_on(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._waiting or self._active)

    def step(self) -> None:
        """Ask after what was handed over, and hand over what there is room for."""
        for active in list(self._active):
            self._ask(active)
        slots = self._engine.slots
        room = len(self._waiting) if slots is None else slots - len(self._active)
        chosen, self._waiting = self._waiting[:room], self._waiting[room:]
        if chosen:
            self._hand_over(chosen)

    def stop(self) -> None:
        """End whatever runs; what has not finished waits for the next time."""
        try:
            self._engine.stop()
        finally:
            self._settle()

    def _settle(self) -> None:
        for active in self._active:
            is_done = self._look(active.cell).state == state.FINISHED
            self._set(active, board.FINISHED if is_done else board.WAITING)
        self._active.clear()

    def _hand_over(self, cells: Sequence[Cell]) -> None:
        logs = [size(cell.log(self._out)) for cell in cells]
        tickets = self._engine.submit([self._job(cell) for cell in cells])
        steps = self._sweep.recording.steps
        for cell, ticket, log_size in zip(cells, tickets, logs, strict=True):
            watch = Watch(cell.path(self._out), steps, self._looks[cell.name].run_id, self._clock)
            self._active.append(_Active(cell, ticket, watch, log_size))

    def _job(self, cell: Cell) -> Job:
        out = self._out.absolute()
        # A job may begin hours after it was handed over: what is recorded by then, by whomever, is not replaced.
        words = cell.words(out, self._sweep.recording, force=self._looks[cell.name].state != state.MISSING)
        return Job(cell.name, words, str(Path.cwd()), str(cell.log(out)), self._variables)

    def _ask(self, active: _Active) -> None:
        now = self._clock()
        if active.began is None and size(active.cell.log(self._out)) > active.log_size:
            active.began = now
        how = active.ticket.ended()
        if how is not None:
            active.ended = active.ended or now
            self._end(active, how)
        elif active.began is not None and now - active.looked >= LOOK_S:
            active.looked = now
            self._set(active, board.RUNNING)

    def _end(self, active: _Active, how: str) -> None:
        found = self._look(active.cell)
        if found.state == state.FINISHED:
            self._set(active, board.FINISHED)
        elif how == SUCCESS and self._clock() - (active.ended or 0.0) < self._engine.patience_s:
            return
        else:
            self._set(active, board.FAILED, self._reason(active, how, found))
        self._active.remove(active)

    def _look(self, cell: Cell) -> Look:
        try:
            return state.look(cell, self._out, self._sweep.recording)
        except SedscopeError as error:
            return Look(state.DAMAGED, str(error))

    def _reason(self, active: _Active, how: str, found: Look) -> str:
        """How it ended and its last words; where it ended well, what is wrong with the run."""
        words = last_words(active.cell.log(self._out), active.log_size)
        if how != SUCCESS:
            return f"{how}: {words}" if words else how
        return found.reason or words or "nothing was recorded"

    def _set(self, active: _Active, new: str, reason: str = "") -> None:
        seconds = None if active.began is None else (active.ended or self._clock()) - active.began
        line = replace(
            self._lines[active.cell.name],
            state=new,
            progress=active.watch.look(),
            seconds=seconds,
            reason=reason,
            log=active.cell.log(self._out) if new == board.FAILED else None,
        )
        self._lines[line.name] = line

    # --- how long it takes ------------------------------------------------------------------------------------------

    def _remaining(self) -> float | None:
        """Until the last cell ends, taken that cells take as long as those that have ended."""
        running = [line for line in self._lines.values() if line.state == board.RUNNING]
        whole = self._whole(running)
        left = [_left(line, whole) for line in running] + [whole] * self._n_waiting()
        known = [seconds for seconds in left if seconds is not None]
        if not known or len(known) < len(left):
            return None
        return max(max(known), sum(known) / (self._engine.slots or len(known)))

    def _n_waiting(self) -> int:
        return sum(line.state == board.WAITING for line in self._lines.values())

    def _whole(self, running: Sequence[Line]) -> float | None:
        """Seconds that a whole cell takes, from those that ended, else from the rate of those that run."""
        ended = [line.seconds for line in self._lines.values() if line.state == board.FINISHED and line.seconds]
        if ended:
            return mean(ended)
        rates = [line.progress.rate for line in running if line.progress.rate]
        steps = self._sweep.recording.steps
        return steps / mean(rates) if rates and steps else None


def _left(line: Line, whole: float | None) -> float | None:
    if line.progress.remaining_s is not None or whole is None:
        return line.progress.remaining_s
    return max(0.0, whole - (line.seconds or 0.0))


def _line(planned: Planned) -> Line:
    """The line of a cell that has not been handed over."""
    found = planned.look
    if planned.to_do:
        return Line(planned.cell.name, board.WAITING)
    if found.state == state.FINISHED:
        return Line(planned.cell.name, board.FINISHED, Progress(found.last_t))
    return Line(planned.cell.name, board.SKIPPED, reason=found.reason)
