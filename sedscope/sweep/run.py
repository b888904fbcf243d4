"""Running a sweep: hand over what is missing, watch it, say what became of it; plan it without running anything.

Decides what is missing (from the run directories), what a failing cell means (nothing for the others), and that an
interrupted sweep ends its trainings and can be taken up by the same command. Where trainings run is the engine's
decision, how it is shown the reporter's.
"""

from __future__ import annotations

import time
from pathlib import Path

from recorders.errors import InputOutputError, UsageError
from recorders.format import RUN_FILE
from recorders.store.lock import RunLock, holder
from sedscope.runs.text import printable
from sedscope.sweep import manifest, state
from sedscope.sweep.board import Board, Reporter, Silent
from sedscope.sweep.course import Course
from sedscope.sweep.engines.engine import Engine
from sedscope.sweep.engines.local import LocalEngine
from sedscope.sweep.interrupts import Interrupts
from sedscope.sweep.state import Planned
from sedscope.sweep.sweep import Sweep


def plan_sweep(sweep: Sweep, out: Path) -> tuple[Planned, ...]:
    """Every cell with the state of its run directory; nothing is written.

    Raises:
        RefusedError: The folder holds another sweep, or a cell's directory another run.
        UsageError: The folder is a run itself.
    """
    _refuse_run(out)
    cells = sweep.cells()
    manifest.merged(out, sweep, cells)
    return tuple(Planned(cell, state.look(cell, out, sweep.recording)) for cell in cells)


def run_sweep(sweep: Sweep, out: Path, engine: Engine | None = None, reporter: Reporter | None = None) -> Board:
    """Run what is missing, and return what became of every cell.

    Args:
        sweep: What to run.
        out: The folder for its run directories, made where it is missing.
        engine: Where to run it; None: here, one at a time.
        reporter: What shows it; None: nothing.

    Raises:
        RefusedError: As `plan_sweep`.
        InputOutputError: Another sweep is running in this folder, or it cannot be written.
        KeyboardInterrupt: After Ctrl-C, when every training has ended.
    """
    _refuse_run(out)
    lock = _lock(out)
    try:
        planned = plan_sweep(sweep, out)
        content, is_new = manifest.merged(out, sweep, [each.cell for each in planned])
        if is_new:
            manifest.write(out, content)
        engine = engine or LocalEngine()
        return _run(Course(sweep, out, planned, engine), engine.tick_s, reporter or Silent())
    finally:
        lock.release()


def _run(course: Course, tick_s: float, reporter: Reporter) -> Board:
    try:
        with Interrupts() as interrupts:
            reporter.begin(course.board(), course.about())
            _follow(course, tick_s, reporter, interrupts)
            interrupts.check()  # one that came when all was done: whoever called may have more to do
    finally:
        reporter.end(course.board())
    return course.board()


def _follow(course: Course, tick_s: float, reporter: Reporter, interrupts: Interrupts) -> None:
    try:
        while course.goes_on():
            interrupts.check()
            course.step()
            reporter.update(course.board())
            time.sleep(tick_s)
    finally:
        course.stop()


def _refuse_run(out: Path) -> None:
    if (out / RUN_FILE).exists():
        raise UsageError(f"out: {printable(str(out), 4096)} must be a folder for runs; it is a run itself")


def _lock(out: Path) -> RunLock:
    """One sweep at a time in a folder: two would start the same cells."""
    shown = printable(str(out), 4096)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"out: {shown}: {error.strerror}") from error
    if (other := holder(out)) is not None:
        raise InputOutputError(f"{shown}: another sweep is running in this folder: {other}")
    return RunLock.acquire(out)
