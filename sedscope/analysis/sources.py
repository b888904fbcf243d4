"""Rows of every source for the analysis: stored and derived ones from the run, fixed gradients computed and spooled.

Decides what a fixed gradient's rows depend on and where they are held while an analysis needs them. Leaves to others:
stored and derived rows (`sedscope.runs`), the gradients themselves (`workbench`), and windows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from recorders.format import DISPLACEMENT, FIXED_GRADIENT, parse_source
from sedscope.analysis.arrays import Ints, Rows
from sedscope.analysis.cache import digest
from sedscope.analysis.gram import RowReader
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.unknown import why_no_program, why_no_weights
from sedscope.runs import Run

if TYPE_CHECKING:
    from sedscope.analysis.workbench import Workbench

SPOOL_FROM_BYTES = 256 << 20
"""Fixed gradients of one task that take more than this wait in a file without a name instead of in memory."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The rows of one source, read only when asked for."""

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
        """A row describes the interval that ends at its step."""
        return self.name == DISPLACEMENT


def recorded_rows(run: Run, name: str) -> SourceRows | Undefined:
    """Rows that the run stores, or that its reader derives from the weights."""
    steps = run.steps(name)
    if len(steps) == 0:
        return Undefined(f"{name}: no committed rows yet")

    def read(start: int, stop: int, columns: slice, /) -> Rows:
        return run.rows(name, steps[start:stop], columns)

    def identity(start: int, stop: int) -> str:
        return run.identity("rows", name, steps[start:stop])

    return SourceRows(name, steps, run.manifest.P, read, identity)


class FixedGradients:
    """`fixed_gradient/<task>` and their sum at every step with weights; computed once, and only if rows are read."""

    def __init__(self, run: Run, settings: Settings, tasks: Sequence[str]) -> None:
        """Nothing is computed yet.

        Args:
            run: Where weights, programs and probes come from.
            settings: Batch, precision and device.
            tasks: Every task of the run: the sum is over them.
        """
        self._run = run
        self._settings = settings
        self._tasks = tuple(tasks)
        self._steps = run.weight_steps()
        self._held: dict[str, Rows] = {}

    def source(self, name: str) -> SourceRows | Undefined:
        """The rows of one task's gradient or of their sum; undefined where a task's model cannot be run again."""
        tasks = self._tasks_of(name)
        reasons = (why_no_weights(self._run), *(why_no_program(self._run, task) for task in tasks))
        absent = next((reason for reason in reasons if reason is not None), None)
        if absent is not None:
            return absent

        def read(start: int, stop: int, columns: slice, /) -> Rows:
            return sum_rows([self._held[task][start:stop, columns] for task in tasks])

        def identity(start: int, stop: int) -> str:
            return digest(self._dependencies(tasks, self._steps[start:stop]))

        return SourceRows(name, self._steps, self._run.manifest.P, read, identity)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """The tasks whose gradients these sources need and that are not computed yet."""
        needed = dict.fromkeys(task for name in names for task in self._tasks_of(name))
        return tuple(task for task in needed if task not in self._held)

    def compute(self, bench: Workbench, task: str, progress: Callable[[int, int], None]) -> None:
        """Computes the gradient of one task at every step.

        Args:
            bench: Weights, program and probes.
            task: Whose loss.
            progress: Told how many of how many steps are done.

        Raises:
            SedscopeError: The model cannot be run, or weights are damaged; nothing is held then.
        """
        from sedscope.analysis.parallel import Tick, run_pieces

        rows = _spool((len(self._steps), self._run.manifest.P), np.dtype(self._settings.precision))

        def piece(position: int, t: int, tick: Tick) -> None:
            rows[position] = bench.fixed_gradient(t, task)
            tick(1)

        done = count()
        pieces = [partial(piece, position, int(t)) for position, t in enumerate(self._steps)]
        run_pieces(pieces, bench.workers, lambda _: progress(next(done) + 1, len(pieces)))
        self._held[task] = rows

    def _tasks_of(self, name: str) -> tuple[str, ...]:
        source = parse_source(name)
        own = source.task if source is not None and source.family == FIXED_GRADIENT else None
        return self._tasks if own is None else (own,)

    def _dependencies(self, tasks: Sequence[str], steps: Ints) -> dict[str, object]:
        return {
            "weights": self._run.identity("weights", steps=steps),
            "selected": [parameter.name for parameter in self._run.manifest.selected],
            "tasks": [task_identity(self._run, task) for task in tasks],
            "batch": self._settings.batch,
            "precision": self._settings.precision,
            "device": self._settings.device,
        }


def task_identity(run: Run, task: str) -> list[str]:
    """Digests of the probe and the feature program of a task that has both."""
    probe = run.probe(task)
    program = None if probe is None else probe.program
    return [run.identity("probe", task), run.identity("program", program)]


def sum_rows(parts: Sequence[Rows]) -> Rows:
    """Their sum in the order of the tasks, in the rows' own precision; one part is handed on as it is."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _spool(shape: tuple[int, int], dtype: np.dtype[np.floating]) -> Rows:
    """Zeros to be filled: in memory, or in a nameless file that goes when nobody holds it any more."""
    if shape[0] * shape[1] * dtype.itemsize <= SPOOL_FROM_BYTES:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="sedscope-") as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
