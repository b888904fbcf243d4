"""Rows that come from running the model again: fixed gradients and their controls, computed and spooled when needed.

Decides at which steps each kind has rows (a fixed gradient on the first batch wherever there are weights, the others
where the window of some checkpoint reaches), what they depend on, and where they wait while an analysis needs them.
Leaves to others: the gradients themselves (`batch_gradients`) and windows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from recorders.row_sources import FIXED_GRADIENT, parse_source
from sedscope.analysis.arrays import Ints, Rows
from sedscope.analysis.cache import digest
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batches import gradient_examples
from sedscope.analysis.sources.variants import GradientKind, Variant
from sedscope.analysis.spectra.source_rows import SourceRows, task_identity
from sedscope.analysis.spectra.windows import place_windows, span_of
from sedscope.analysis.undefined import Undefined, why_no_program, why_no_weights
from sedscope.runs import Run

if TYPE_CHECKING:
    from sedscope.analysis.features.checkpoint_models import CheckpointModels

SPOOL_FROM_BYTES = 256 << 20
"""Rows beyond this, over all kinds and tasks, wait in files without a name instead of in memory."""


class ComputedRows:
    """The computed sources of one run; each kind of gradient is computed once, and only if its rows are read."""

    def __init__(self, run: Run, settings: Settings, tasks: Sequence[str], checkpoints: Ints) -> None:
        """Decide the steps of every kind of gradient; nothing is computed yet.

        Takes every task of the run, for the aggregated fixed gradient is over them, and the steps that windows are seen
        from.
        """
        self._run = run
        self._settings = settings
        self._tasks = tuple(tasks)
        self._every = run.weight_steps()
        self._near = _within_windows(self._every, checkpoints, settings)
        self._held: dict[tuple[str, GradientKind], Rows] = {}
        self._identity = cache(partial(task_identity, run))
        """Digests of a task's probe and program, which are read once."""

    def source(self, variant: Variant) -> SourceRows | Undefined:
        """Return the rows of one variant; undefined where the model cannot be run again or there is no such batch."""
        tasks, kind = self._parts(variant)
        for task in tasks:
            if (reason := self._why_not(task, kind)) is not None:
                return reason
        steps = self._steps(kind)

        def read(start: int, stop: int, columns: slice, /) -> Rows:
            return sum_rows([self._held[task, kind][start:stop, columns] for task in tasks])

        def identity(start: int, stop: int) -> str:
            return digest(self._dependencies(tasks, kind, steps[start:stop]))

        return SourceRows(variant.source, steps, self._run.manifest.P, read, identity)

    def missing(self, variants: Iterable[Variant]) -> dict[str, tuple[GradientKind, ...]]:
        """Return by task the kinds that these variants need and that are not computed yet."""
        needed: dict[str, dict[GradientKind, None]] = {}
        for variant in variants:
            tasks, kind = self._parts(variant)
            for task in tasks:
                if (task, kind) not in self._held:
                    needed.setdefault(task, {})[kind] = None
        return {task: tuple(kinds) for task, kinds in needed.items()}

    def compute(
        self, models: CheckpointModels, task: str, kinds: Sequence[GradientKind], progress: Callable[[int, int], None]
    ) -> None:
        """Compute gradients of one task at every step where they have rows; one forward pass serves all of a batch.

        `progress` is called with the number of finished gradients and that of all.

        Raises:
            SedscopeError: The model cannot be run, or weights are damaged; nothing is held then.
        """
        from sedscope.analysis.parallel import Tick, run_pieces
        from sedscope.analysis.sources.batch_gradients import checkpoint_gradients

        rows = {kind: self._spool(len(self._steps(kind))) for kind in kinds}

        def piece(t: int, row_of: Mapping[GradientKind, int], tick: Tick) -> None:
            for kind, gradient in checkpoint_gradients(models, self._settings, t, task, tuple(row_of)).items():
                rows[kind][row_of[kind]] = gradient
                tick(1)

        indices = {kind: {t: row for row, t in enumerate(self._steps(kind).tolist())} for kind in kinds}
        at_step = [(t, {kind: indices[kind][t] for kind in kinds if t in indices[kind]}) for t in self._every.tolist()]
        pieces = [partial(piece, t, row_of) for t, row_of in at_step if row_of]
        done, total = count(1), sum(len(row_of) for _, row_of in at_step)
        run_pieces(pieces, models.workers, lambda _: progress(next(done), total))
        self._held |= {(task, kind): gradients for kind, gradients in rows.items()}

    def _parts(self, variant: Variant) -> tuple[tuple[str, ...], GradientKind]:
        """The tasks whose gradients add up to a variant, and their kind."""
        parsed = parse_source(variant.source)
        assert parsed is not None  # only what the registry knows is computed
        tasks = self._tasks if parsed.task is None else (parsed.task,)
        return tasks, GradientKind(parsed.family, variant.index)

    def _why_not(self, task: str, kind: GradientKind) -> Undefined | None:
        for reason in (why_no_weights(self._run), why_no_program(self._run, task)):
            if reason is not None:
                return reason
        probe = self._run.probe(task)
        assert probe is not None  # or there would be no program
        examples = gradient_examples(probe, kind, self._settings)
        return examples if isinstance(examples, Undefined) else None

    def _steps(self, kind: GradientKind) -> Ints:
        return self._every if kind.family == FIXED_GRADIENT and kind.index == 0 else self._near

    def _dependencies(self, tasks: Sequence[str], kind: GradientKind, steps: Ints) -> dict[str, object]:
        return {
            "weights": self._run.identity("weights", steps=steps),
            "selected": [parameter.name for parameter in self._run.manifest.selected],
            "tasks": [self._identity(task) for task in tasks],
            "names": list(tasks) if kind.is_drawn else None,
            "kind": [kind.family, kind.index],
            **self._settings.of_scope("rows"),
        }

    def _spool(self, n_rows: int) -> Rows:
        """Return zeros to be filled: in memory, or in a nameless file that goes when nobody holds it any more."""
        shape, dtype = (n_rows, self._run.manifest.P), np.dtype(self._settings.precision)
        held = sum(rows.nbytes for rows in self._held.values() if not isinstance(rows, np.memmap))
        if held + shape[0] * shape[1] * dtype.itemsize <= SPOOL_FROM_BYTES:
            return np.zeros(shape, dtype)
        with tempfile.TemporaryFile(prefix="sedscope-") as file:
            return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def sum_rows(rows_of_tasks: Sequence[Rows]) -> Rows:
    """Return the sum of the tasks' rows in their order, in the rows' own precision; a single task's are handed on."""
    total = rows_of_tasks[0]
    for rows in rows_of_tasks[1:]:
        total = total + rows
    return total


def _within_windows(steps: Ints, checkpoints: Ints, settings: Settings) -> Ints:
    """Return the steps within the window of some checkpoint; every window among them is what it is among all steps."""
    size = span_of(settings.window) if settings.through_gram else settings.window[0]
    within = np.zeros(len(steps), dtype=bool)
    for window in place_windows(steps, checkpoints, size, settings.align):
        within[window.start : window.stop] = True
    return np.asarray(steps[within])
