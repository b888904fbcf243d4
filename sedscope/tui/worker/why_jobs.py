"""Questions of the Why tab beside an analysis: products of rows, and coupling probe by probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sedscope.tui.worker.jobs import Tell

if TYPE_CHECKING:
    from sedscope.analysis.settings import Settings
    from sedscope.runs import Run


@dataclass(frozen=True, slots=True)
class RowsJob:
    """Inner products of a source's rows; the answer is `RollingSpectra`, or why there are none."""

    path: str
    stamp: str
    settings: Settings
    source: str

    title: ClassVar[str] = "Rows"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield one answer."""
        from sedscope.analysis.pipeline.analyse import rolling_spectra

        yield rolling_spectra(run, self.settings, self.source, tell), True


@dataclass(frozen=True, slots=True)
class ProbesJob:
    """Coupling of each probe at one checkpoint; the answer is `ProbeCouplings`, or why there is none."""

    path: str
    stamp: str
    settings: Settings
    source: str
    task: str
    t: int

    title: ClassVar[str] = "Probes"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield one answer."""
        from sedscope.analysis.pipeline.analyse import probe_couplings

        yield probe_couplings(run, self.settings, self.source, self.task, self.t, tell), True
