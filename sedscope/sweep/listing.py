"""What a sweep would do, listed: every cell with its state, and the command of each that would be run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sedscope.runs.text import printable
from sedscope.sweep.board import cells
from sedscope.sweep.disk import disk_line
from sedscope.sweep.run import plan_sweep
from sedscope.sweep.state import MISSING, Planned
from sedscope.sweep.sweep import Sweep


def list_cells(sweep: Sweep, out: Path, stream: TextIO | None) -> int:
    """Write the list to `stream`; nothing is recorded."""
    planned = plan_sweep(sweep, out)
    for each in planned:
        print(f"{each.look.state:<9}  {each.cell.name}", file=stream)
        if each.look.reason:
            print(f"{'':<9}  {each.look.reason}", file=stream)
        if each.to_do:
            words = each.cell.words(out, sweep.recording, force=each.look.state != MISSING)
            print(f"{'':<9}  {printable(shlex.join(['sedscope', *words]), 100_000)}", file=stream)
    print(_summary(planned), file=stream)
    print(disk_line(sweep, out, planned), file=stream)
    return 0


def _summary(planned: Sequence[Planned]) -> str:
    counts = Counter(each.look.state for each in planned)
    to_do = sum(each.to_do for each in planned)
    states = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{cells(len(planned))}: {states}; {to_do} would be run"
