"""Rows of a source as all of the analysis takes them: steps, a reader, and a digest of what they are made of.

Decides this interface, and serves rows that the run stores or derives. Leaves to others: rows that are computed
(`computed_rows`, `stage_rows`), and windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recorders.row_sources import row_source
from sedscope.analysis.arrays import Ints, Rows
from sedscope.analysis.spectra.gram import RowReader
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The rows of one source, read only when they are needed."""

    name: str
    steps: Ints
    """Recorded t of each row `[n]`, ascending."""
    n_columns: int
    """P."""
    read: RowReader
    identity: Callable[[int, int], str]
    """Digest of everything that rows `start:stop` are made of: a key for what is computed from them."""

    @property
    def end_at_t(self) -> bool:
        """True where a row describes the interval that ends at its step."""
        row = row_source(self.name)
        return row is not None and row.ends_at_t


def recorded_rows(run: Run, name: str) -> SourceRows | Undefined:
    """Open rows that the run stores, or that its reader derives from the weights."""
    steps = run.steps(name)
    if len(steps) == 0:
        return Undefined(f"{name}: no committed rows yet")

    def read(start: int, stop: int, columns: slice, /) -> Rows:
        return run.rows(name, steps[start:stop], columns)

    def identity(start: int, stop: int) -> str:
        return run.identity("rows", name, steps[start:stop])

    return SourceRows(name, steps, run.manifest.P, read, identity)


def task_identity(run: Run, task: str) -> list[str]:
    """Return the digests of the probe and the feature program of a task that has both."""
    probe = run.probe(task)
    program = None if probe is None else probe.program
    return [run.identity("probe", task), run.identity("program", program)]
