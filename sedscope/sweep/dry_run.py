"""The list that `--dry-run` prints: every cell with its state, the command of each that would be run, the disk space.

Decides where the size of a cell comes from: from those that are finished, else from the recorder, which projects it
when a training begins. For that one cell is started in a temporary folder and ended after its first step.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Final, TextIO

from recorders.byte_size import parse_size, size_text
from recorders.format import DERIVED_DIR
from sedscope.runs.text import printable
from sedscope.sweep.display.board import cells
from sedscope.sweep.interrupts import Interrupts
from sedscope.sweep.planned_cell import FINISHED, MISSING, PlannedCell
from sedscope.sweep.run import plan_sweep
from sedscope.sweep.sweep import Sweep
from sedscope.sweep.training_job import Process, TrainingJob, cores, end_all, last_words, thread_variables

_PROJECTED: Final = re.compile(r"^sedscope: [\d,]+ steps make about (.+)$", re.MULTILINE)
"""The line of `recorders.announcement` where the number of steps is known."""
_POLL_S: Final = 0.1


def list_cells(sweep: Sweep, out: Path, stream: TextIO | None) -> int:
    """Write the list to `stream`; nothing is recorded."""
    planned = plan_sweep(sweep, out)
    for entry in planned:
        print(f"{entry.outcome.state:<9}  {entry.cell.name}", file=stream)
        if entry.outcome.reason:
            print(f"{'':<9}  {entry.outcome.reason}", file=stream)
        if entry.to_do:
            words = entry.cell.words(out, sweep.recording, force=entry.outcome.state != MISSING)
            print(f"{'':<9}  {printable(shlex.join(['sedscope', *words]), 100_000)}", file=stream)
    print(_summary(planned), file=stream)
    print(disk_line(sweep, out, planned), file=stream)
    return 0


def _summary(planned: Sequence[PlannedCell]) -> str:
    counts = Counter(entry.outcome.state for entry in planned)
    to_do = sum(entry.to_do for entry in planned)
    states = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{cells(len(planned))}: {states}; {to_do} would be run"


def disk_line(sweep: Sweep, out: Path, planned: Sequence[PlannedCell]) -> str:
    """Return `disk space: about 458 MB for each of 12 cells, 5.5 GB together; 20 GB free`, or why it is not known."""
    to_do = [entry for entry in planned if entry.to_do]
    done = [_size(entry.cell.path(out)) for entry in planned if entry.outcome.state == FINISHED]
    if not to_do:
        return f"disk space: {size_text(sum(done))} taken"
    if done:
        return _line(mean(done), len(to_do), out)
    if sweep.recording.steps is None:
        return "disk space: not known; with --steps N one cell is started up to its first step to project it"
    projection = _projected(sweep, _largest(to_do))
    if isinstance(projection, str):
        return f"disk space: not known: {projection}"
    return _line(projection, len(to_do), out)


def _line(cell_size: float, number: int, out: Path) -> str:
    # The sweep's folder may not exist yet: the nearest one that does lies on the same disk.
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free, needed = shutil.disk_usage(existing).free, cell_size * number
    enough = "" if needed < free else ", which is too little"
    size = f"about {size_text(cell_size)} for {'each of ' * (number > 1)}{cells(number)}"
    together = "" if number == 1 else f", {size_text(needed)} together"
    return f"disk space: {size}{together}; {size_text(free)} free{enough}"


def _size(path: Path) -> int:
    """Return the bytes that a training recorded; cached results in its folder do not count."""
    files = (file for file in path.rglob("*") if file.relative_to(path).parts[0] != DERIVED_DIR)
    return sum(file.stat(follow_symlinks=False).st_size for file in files if file.is_file())


def _largest(to_do: Sequence[PlannedCell]) -> PlannedCell:
    """Return a cell whose rows are stored before and after a projection, where there is any: it needs the most."""
    return next((entry for entry in to_do if entry.cell.intervention.raw_source is not None), to_do[0])


def _projected(sweep: Sweep, planned: PlannedCell) -> float | str:
    """Return the bytes of a cell, or why the recorder did not come to project them."""
    cell, options = planned.cell, sweep.recording
    with tempfile.TemporaryDirectory(prefix="sedscope-") as name:
        folder = Path(name)
        variables = thread_variables(cores(), os.environ)
        words = cell.words(folder, options, force=False)
        text = _projected_size(TrainingJob(cell.name, words, str(Path.cwd()), str(cell.log(folder)), variables))
        reason = last_words(cell.log(folder), 0)
    if text is None:
        return f"{cell.name} ended before its first step: {reason or 'without a word'}"
    return parse_size(text) if options.budget is None else min(parse_size(text), options.budget)


def _projected_size(job: TrainingJob) -> str | None:
    """Start a training, return the size that it projects and end it; None where it ends by itself."""
    with Interrupts() as interrupts:
        process = Process(job, own_group=True)
        try:
            while True:
                interrupts.check()
                ended = process.ended()  # before the log is read: its last words are in there then
                if (match := _PROJECTED.search(Path(job.log).read_text(errors="replace"))) is not None:
                    return match[1]
                if ended is not None:
                    return None
                time.sleep(_POLL_S)
        finally:
            end_all([process])
