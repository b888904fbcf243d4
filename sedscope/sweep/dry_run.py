"""The list that `--dry-run` prints: every cell with its state, and the command of each that would be run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sedscope.runs.text import printable
from sedscope.sweep.disk import disk_line
from sedscope.sweep.display.board import cells
from sedscope.sweep.planned_cell import MISSING, PlannedCell
from sedscope.sweep.run import plan_sweep
from sedscope.sweep.sweep import Sweep


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
