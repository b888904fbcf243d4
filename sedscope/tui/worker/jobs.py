"""Questions to the analysis process: a frozen dataclass for each, which answers itself over there.

A job is plain data and hashable: equal jobs have equal answers, so that an answer that is still there need not be asked
for again. `run` is called in the analysis process alone; imports of NumPy, polars and torch stand inside it.
Progress raises where the job was cancelled: nothing here needs to catch it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from sedscope.analysis.progress import AnalysisProgress
    from sedscope.analysis.settings import Settings
    from sedscope.runs import Run

Tell = Callable[["AnalysisProgress"], None]

PREVIEW_CHECKPOINTS = 5
PREVIEW_PROBES = 128
PREVIEW_RANDOM = 6
"""A preview shows where things are after a tenth of the work; its numbers are replaced."""


class Job(Protocol):
    """One question about one state of one run."""

    @property
    def path(self) -> str:
        """The run directory."""
        ...

    @property
    def stamp(self) -> str:
        """`RunData.stamp` of the state that is asked about."""
        ...

    @property
    def title(self) -> str:
        """Two or three words for the progress line."""
        ...

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield answers, each with whether it is final. Called in the analysis process."""
        ...


@dataclass(frozen=True, slots=True)
class SpectrumJob:
    """Rolling spectra of sources; answers are tuples of `SpectrumSeries`."""

    path: str
    stamp: str
    settings: Settings
    sources: tuple[str, ...]
    """Full names. Those that need no model are answered first."""

    title: ClassVar[str] = "Spectra"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield first what is stored, then with the fixed gradients, which need the model."""
        from sedscope.analysis.pipeline.analyse import analyse

        quick = tuple(name for name in self.sources if name in run.sources())
        for sources in dict.fromkeys((quick, self.sources)):
            if sources:
                analysis = analyse(run, self.settings, sources=sources, tasks=(), progress=tell)
                yield analysis.spectra, sources == self.sources


@dataclass(frozen=True, slots=True)
class CouplingJob:
    """The whole analysis of a run; answers are `RunAnalysis`."""

    path: str
    stamp: str
    settings: Settings
    crossed: bool = False

    title: ClassVar[str] = "Coupling"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield a lesser answer where the requested one is not cached, then that one."""
        from sedscope.analysis.pipeline.analyse import analyse, cached_analysis

        cached = cached_analysis(run, self.settings, crossed=self.crossed)
        if cached is not None:
            yield cached, True
            return
        if (table := cached_analysis(run, self.settings.for_a_table(), crossed=self.crossed)) is not None:
            yield table, False
        elif (coarse := coarser(self.settings)) != self.settings:
            yield analyse(run, coarse, crossed=self.crossed, progress=tell), False
        yield analyse(run, self.settings, crossed=self.crossed, progress=tell), True


def coarser(settings: Settings) -> Settings:
    """Return the settings of a preview: few checkpoints, probes and random directions."""
    checkpoints = settings.checkpoints
    return replace(
        settings,
        checkpoints=PREVIEW_CHECKPOINTS if checkpoints is None else min(checkpoints, PREVIEW_CHECKPOINTS),
        probes=min(settings.probes, PREVIEW_PROBES),
        random=min(settings.random, PREVIEW_RANDOM),
    )
