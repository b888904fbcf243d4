"""Asking for whole spans, so that other W and K are answered in the viewer itself, at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sedscope.tui.worker.jobs import Tell

if TYPE_CHECKING:
    from sedscope.analysis.settings import Settings
    from sedscope.runs import Run


@dataclass(frozen=True, slots=True)
class SpansJob:
    """Coupling Gram matrices of some sources; the answer is a `SpanCouplings`."""

    path: str
    stamp: str
    settings: Settings
    """W is the largest that will be asked for; K does not matter."""
    sources: tuple[str, ...]
    task: str

    title: ClassVar[str] = "Other W and K"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield one answer."""
        from sedscope.analysis.pipeline.analyse import measure_spans

        yield measure_spans(run, self.settings, self.sources, self.task, tell), True
