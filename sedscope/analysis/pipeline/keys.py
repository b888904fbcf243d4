"""What each kept result of a checkpoint depends on.

Decides the keys of the cache: everything that could change the numbers is in them, and nothing that could not. Leaves
to others: storing (`cache`) and the shape of entries (`checkpoint_result`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.parameter_blocks import BLOCK_RANDOM
from sedscope.analysis.pipeline.checkpoint_result import Span
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.source_rows import SourceRows, task_identity
from sedscope.runs import Run


class Keys:
    """The keys of one run under one set of settings."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self._run = run
        self._settings = settings
        self._tasks: dict[str, list[str]] = {}

    def centroids(self, t: int, task: str) -> dict[str, object]:
        """Of the centroids at a checkpoint; every other key holds it."""
        settings = self._settings
        if task not in self._tasks:
            self._tasks[task] = task_identity(self._run, task)
        return {
            "weights": self._run.identity("weights", steps=[t]),
            "task": self._tasks[task],
            "probes": settings.probes,
            "centroid": settings.centroid,
            "precision": settings.precision,
            "device": settings.device,
        }

    def baseline(self, t: int, task: str, next_t: int | None) -> Key:
        """Of the random directions, and the shift of the centroids."""
        return {**self._products(t, task), **self._next(next_t), "random": self._settings.random}

    def span(self, t: int, task: str, next_t: int | None, span: Span, rows: SourceRows) -> Key:
        """Of the directions of a span and of the row at the checkpoint."""
        row = None if span.row is None else rows.identity(span.row, span.row + 1)
        of = {"rows": rows.identity(span.window.start, span.window.stop), "directions": span.size, "row": row}
        return {**self._products(t, task), **self._next(next_t), **of, "source": span.variant.source}

    def random_blocks(self, t: int, task: str) -> Key:
        """Of the block-wise products of the random directions."""
        of = {"random": min(BLOCK_RANDOM, self._settings.random), "block_probes": self._settings.block_probes}
        return {**self._products(t, task), **of, "blocks": self._blocks()}

    def block_couplings(self, t: int, task: str, span: Span, rows: SourceRows) -> Key:
        """Of a span's directions restricted to each block."""
        of = {"rows": rows.identity(span.window.start, span.window.stop), "directions": span.size}
        probes = {"block_probes": self._settings.block_probes}
        return {**self._products(t, task), **of, **probes, "blocks": self._blocks()}

    def angles(self, spans: Sequence[tuple[Span, SourceRows]]) -> Key:
        """Of the inner products between the directions of several spans."""
        of = [[rows.identity(span.window.start, span.window.stop), span.size] for span, rows in spans]
        return {"spans": of}

    def _products(self, t: int, task: str) -> dict[str, object]:
        settings = self._settings
        selected = [parameter.name for parameter in self._run.manifest.selected]
        epsilon = settings.epsilon if settings.method == "central" else None
        return {**self.centroids(t, task), "selected": selected, "method": settings.method, "epsilon": epsilon}

    def _next(self, next_t: int | None) -> dict[str, object]:
        return {"next": None if next_t is None else self._run.identity("weights", steps=[next_t])}

    def _blocks(self) -> list[list[object]]:
        return [[block.name, block.offset, block.size] for block in self._run.manifest.blocks]
