"""How much disk a sweep will take, before it is run.

Decides where the size of a cell comes from: from those that are finished, else from the recorder, which projects it
when a training begins. For that one cell is started in a temporary folder and ended after its first step.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Final

from recorders.byte_size import parse_size, size_text
from recorders.format import DERIVED_DIR
from sedscope.sweep.board import cells
from sedscope.sweep.interrupts import Interrupts
from sedscope.sweep.job import Job, Process, end_all
from sedscope.sweep.log import last_words
from sedscope.sweep.state import FINISHED, Planned
from sedscope.sweep.sweep import Sweep
from sedscope.sweep.threads import cores, thread_variables

_PROJECTED: Final = re.compile(r"^sedscope: [\d,]+ steps make about (.+)$", re.MULTILINE)
"""What `recorders.announcement` says where it is told the number of steps."""
_POLL_S: Final = 0.1


def disk_line(sweep: Sweep, out: Path, planned: Sequence[Planned]) -> str:
    """`disk space: about 458 MB for each of 12 cells, 5.5 GB; 20 GB free`, or why that is not known."""
    to_do = [each for each in planned if each.to_do]
    done = [_size(each.cell.path(out)) for each in planned if each.look.state == FINISHED]
    if not to_do:
        return f"disk space: {size_text(sum(done))} taken"
    if done:
        return _line(mean(done), len(to_do), out)
    if sweep.recording.steps is None:
        return "disk space: not known; with --steps N one cell is started up to its first step to project it"
    found = _projected(sweep, _largest(to_do))
    return f"disk space: not known: {found}" if isinstance(found, str) else _line(found, len(to_do), out)


def _line(each: float, number: int, out: Path) -> str:
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free, needed = shutil.disk_usage(there).free, each * number
    enough = "" if needed < free else ", which is too little"
    size = f"about {size_text(each)} for {'each of ' * (number > 1)}{cells(number)}"
    together = "" if number == 1 else f", {size_text(needed)} together"
    return f"disk space: {size}{together}; {size_text(free)} free{enough}"


def _size(path: Path) -> int:
    """Bytes of what was recorded in a run directory; what was derived from it since is no part of a training."""
    files = (file for file in path.rglob("*") if file.relative_to(path).parts[0] != DERIVED_DIR)
    return sum(file.stat(follow_symlinks=False).st_size for file in files if file.is_file())


def _largest(to_do: Sequence[Planned]) -> Planned:
    """One whose rows are stored before and after a projection, where there is any: it needs the most."""
    return next((each for each in to_do if each.cell.intervention.raw_source is not None), to_do[0])


def _projected(sweep: Sweep, planned: Planned) -> float | str:
    """Bytes of a cell, or why the recorder did not come to project them."""
    cell, options = planned.cell, sweep.recording
    with tempfile.TemporaryDirectory(prefix="sedscope-") as name:
        folder = Path(name)
        variables = thread_variables(cores(), os.environ)
        words = cell.words(folder, options, force=False)
        job = Job(cell.name, words, str(Path.cwd()), str(cell.log(folder)), variables)
        text = _said(job)
        reason = last_words(cell.log(folder), 0)
    if text is None:
        return f"{cell.name} ended before its first step: {reason or 'without a word'}"
    return parse_size(text) if options.budget is None else min(parse_size(text), options.budget)


def _said(job: Job) -> str | None:
    """The size that a training says, which is then ended; None where it ends by itself."""
    with Interrupts() as interrupts:
        process = Process(job, own_group=True)
        try:
            return _projection(process, Path(job.log), interrupts)
        finally:
            end_all([process])


def _projection(process: Process, log: Path, interrupts: Interrupts) -> str | None:
    while True:
        interrupts.check()
        ended = process.ended()  # asked first: what it says last is in the log then
        if (found := _PROJECTED.search(log.read_text(errors="replace"))) is not None:
            return found[1]
        if ended is not None:
            return None
        time.sleep(_POLL_S)
