"""Questions to the analysis process: a frozen dataclass for each, which answers itself over there.

A job is plain data and hashable: equal jobs have equal answers, so that an answer that is still there need not be asked
for again. `run` is called in the analysis process alone; imports of NumPy, polars and torch stand inside it.
Progress raises where the job was cancelled: nothing here needs to catch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sedscope.analysis.progress import OnProgress
    from sedscope.analysis.settings import Settings
    from sedscope.runs import Run

PREVIEW_CHECKPOINTS = 5
PREVIEW_PROBES = 128
PREVIEW_RANDOM = 6
PREVIEW_BATCHES = 1
"""A preview shows where things are after a tenth of the work; its numbers are replaced."""


@dataclass(frozen=True, slots=True)
class Job:
    """One question about one state of one run, and the settings to answer it with."""

    path: str
    """The run directory."""
    stamp: str
    """`RunData.stamp` of the state that is asked about."""
    settings: Settings

    title: ClassVar[str]
    """Two or three words for the progress line."""

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        """Yield answers, each with whether it is final. Called in the analysis process."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SpectrumJob(Job):
    """Rolling spectra of sources; answers are tuples of `SpectrumSeries`."""

    sources: tuple[str, ...]
    """Full names. Those that need no model are answered first."""

    title: ClassVar[str] = "Spectra"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        """Yield first what is stored, then with the fixed gradients, which need the model."""
        from sedscope.analysis.pipeline.analyse import analyse

        quick = tuple(name for name in self.sources if name in run.sources())
        for sources in dict.fromkeys((quick, self.sources)):
            if sources:
                analysis = analyse(run, self.settings, sources=sources, tasks=(), progress=tell)
                yield analysis.spectra, sources == self.sources


@dataclass(frozen=True, slots=True)
class CouplingJob(Job):
    """The whole analysis of a run; answers are `RunAnalysis`."""

    crossed: bool = False

    title: ClassVar[str] = "Coupling"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
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


@dataclass(frozen=True, slots=True)
class VerdictJob(Job):
    """The verdicts on a run that was analysed before; answers are tuples of their words, empty where it was not."""

    title: ClassVar[str] = "Verdict"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        """Yield one answer, from the cache alone; one without words is not final, since an analysis may follow."""
        from sedscope.analysis.pipeline.analyse import cached_analysis
        from sedscope.analysis.result_view.verdict import headline_verdicts

        analysis = cached_analysis(run, self.settings) or cached_analysis(run, self.settings.for_a_table())
        words = () if analysis is None else tuple(verdict.words for verdict in headline_verdicts(analysis))
        yield words, bool(words)


@dataclass(frozen=True, slots=True)
class SpansJob(Job):
    """Coupling Gram matrices of some sources, which answer other W and K; the answer is a `SpanCouplings`.

    W of the settings is the largest that will be asked for; K does not matter.
    """

    sources: tuple[str, ...]
    task: str

    title: ClassVar[str] = "Other W and K"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        from sedscope.analysis.pipeline.analyse import measure_spans

        yield measure_spans(run, self.settings, self.sources, self.task, tell), True


@dataclass(frozen=True, slots=True)
class RowsJob(Job):
    """Inner products of a source's rows; the answer is `RollingSpectra`, or why there are none."""

    source: str

    title: ClassVar[str] = "Rows"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        from sedscope.analysis.pipeline.analyse import rolling_spectra

        yield rolling_spectra(run, self.settings, self.source, tell), True


@dataclass(frozen=True, slots=True)
class ProbesJob(Job):
    """Coupling of each probe at one checkpoint; the answer is `ProbeCouplings`, or why there is none."""

    source: str
    task: str
    t: int

    title: ClassVar[str] = "Probes"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        from sedscope.analysis.pipeline.analyse import probe_couplings

        yield probe_couplings(run, self.settings, self.source, self.task, self.t, tell), True


@dataclass(frozen=True, slots=True)
class CompareJob(Job):
    """Runs side by side; answers are tuples of `ComparedRun`, in the order of `paths`.

    `path` is the first of them, `stamp` the state of the list of runs.
    """

    paths: tuple[str, ...]

    title: ClassVar[str] = "Compare"

    def run(self, run: Run, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        """Yield the metrics of all runs with cached couplings; of the others a coarse R̄, then the requested one."""
        from sedscope.tui.worker.compared_run import metrics_of, with_coupling

        runs = [with_coupling(metrics_of(Path(path)), self.settings, None) for path in self.paths]
        missing = [index for index, compared in enumerate(runs) if not compared.is_whole]
        yield tuple(runs), False
        for settings in dict.fromkeys((coarser(self.settings), self.settings)):
            for index in missing:
                runs[index] = with_coupling(runs[index], settings, tell)
                yield tuple(runs), False
        yield tuple(replace(compared, final=True) for compared in runs), True


def coarser(settings: Settings) -> Settings:
    """Return the settings of a preview: few checkpoints, probes, random directions and batches."""
    checkpoints = settings.checkpoints
    return replace(
        settings,
        checkpoints=PREVIEW_CHECKPOINTS if checkpoints is None else min(checkpoints, PREVIEW_CHECKPOINTS),
        probes=min(settings.probes, PREVIEW_PROBES),
        random=min(settings.random, PREVIEW_RANDOM),
        batches=min(settings.batches, PREVIEW_BATCHES),
    )
