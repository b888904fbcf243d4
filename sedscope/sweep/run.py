"""Run a sweep: hand over the cells that are missing, watch them and report their end; or plan it without running any.

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
from sedscope.runs.text import printable_path
from sedscope.sweep import sweep_file
from sedscope.sweep.display.board import Board, Reporter
from sedscope.sweep.engines.engine import Engine, LocalEngine
from sedscope.sweep.interrupts import Interrupts
from sedscope.sweep.planned_cell import PlannedCell, cell_outcome
from sedscope.sweep.scheduler import Scheduler
from sedscope.sweep.sweep import Sweep


def plan_sweep(sweep: Sweep, out: Path) -> tuple[PlannedCell, ...]:
    """Return every cell with the outcome in its run directory; nothing is written.

    Raises:
        RefusedError: The folder holds another sweep, or a cell's directory another run.
        UsageError: The folder is a run itself.
    """
    _refuse_run(out)
    cells = sweep.cells()
    sweep_file.merged(out, sweep, cells)
    return tuple(PlannedCell(cell, cell_outcome(cell, out, sweep.recording)) for cell in cells)


def run_sweep(sweep: Sweep, out: Path, engine: Engine | None = None, reporter: Reporter | None = None) -> Board:
    """Run the cells that are missing, and return the board of all cells.

    Args:
        sweep: What to run.
        out: The folder for its run directories, made where it is missing.
        engine: Where to run it; None: here, one at a time.
        reporter: Shows the board; None: nothing is shown.

    Raises:
        RefusedError: The folder holds another sweep, or a cell's directory another run.
        InputOutputError: Another sweep is running in this folder, or it cannot be written.
        KeyboardInterrupt: After Ctrl-C, when every training has ended.
    """
    _refuse_run(out)
    lock = _lock(out)
    try:
        planned = plan_sweep(sweep, out)
        manifest, is_new = sweep_file.merged(out, sweep, [entry.cell for entry in planned])
        if is_new:
            sweep_file.write(out, manifest)
        engine = engine or LocalEngine()
        return _run(Scheduler(sweep, out, planned, engine), engine.tick_s, reporter or Reporter())
    finally:
        lock.release()


def _run(scheduler: Scheduler, tick_s: float, reporter: Reporter) -> Board:
    try:
        with Interrupts() as interrupts:
            reporter.begin(scheduler.board(), scheduler.about())
            try:
                while scheduler.goes_on():
                    interrupts.check()
                    scheduler.poll()
                    reporter.update(scheduler.board())
                    time.sleep(tick_s)
            finally:
                scheduler.stop()
            interrupts.check()  # a signal that came when all was done: whoever called may have more to do
    finally:
        reporter.end(scheduler.board())
    return scheduler.board()


def _refuse_run(out: Path) -> None:
    if (out / RUN_FILE).exists():
        raise UsageError(f"out: {printable_path(out)} must be a folder for runs; it is a run itself")


def _lock(out: Path) -> RunLock:
    """Lock the folder, since two sweeps in it would start the same cells."""
    shown = printable_path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"out: {shown}: {error.strerror}") from error
    if (other := holder(out)) is not None:
        raise InputOutputError(f"{shown}: another sweep is running in this folder: {other}")
    return RunLock.acquire(out)
