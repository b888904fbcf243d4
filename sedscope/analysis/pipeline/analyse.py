"""The analysis of one run, from the cache where it can be and computed where it must be.

Every finished piece is kept at once: an interrupt, or an exception raised by `progress`, loses at most the checkpoint
that was being worked on. Leaves to others: the stages of the work (`run_analyser`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.pipeline.run_analyser import RunAnalyser
from sedscope.analysis.pipeline.span_couplings import SpanCouplings
from sedscope.analysis.progress import AnalysisProgress, OnProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.windows import span_of
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


def analyse(
    run: Run,
    settings: Settings,
    sources: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    crossed: bool = False,
    progress: OnProgress | None = None,
) -> RunAnalysis:
    """Return spectra, coupling, rank-90 and milestones of one run.

    Args:
        run: Finished or still being recorded.
        settings: What to compute.
        sources: Full names; None for every source of the run, its controls among them where evidence is wanted.
        tasks: Whose centroids; None for every task of the run.
        crossed: Every source against every task. By default a source of one task goes against that task alone.
        progress: Told after every unit of work. What it raises ends the analysis at once and passes through.

    Raises:
        UsageError: An unknown source or task, or a device that is not there.
        TooLittleDataError: No source has as many rows as the smallest window.
        DamagedError, RefusedError: The run cannot be read.
    """
    return RunAnalyser(run, settings, sources, tasks, crossed, progress or _ignore).analysis()


def cached_analysis(
    run: Run,
    settings: Settings,
    sources: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    crossed: bool = False,
) -> RunAnalysis | None:
    """Return what `analyse` would where it has nothing to compute, else None; raises as `analyse` does."""
    return RunAnalyser(run, settings, sources, tasks, crossed, _ignore).cached_analysis()


def measure_spans(
    run: Run, settings: Settings, sources: Sequence[str], task: str, progress: OnProgress | None = None
) -> SpanCouplings:
    """Return the spans of windows of some sources against one task: R_k of every W and K in them follows without a JVP.

    Args:
        run: Finished or still being recorded.
        settings: W is the largest window that is wanted; K does not matter.
        sources: Full names.
        task: Whose centroids.
        progress: As for `analyse`, whose errors it raises too.
    """
    wide = replace(settings, window=tuple(dict.fromkeys((1, span_of(settings.window)))), rank=(1,))
    return RunAnalyser(run, wide, sources, (task,), True, progress or _ignore).span_couplings()


def rolling_spectra(
    run: Run, settings: Settings, source: str, progress: OnProgress | None = None
) -> RollingSpectra | Undefined:
    """Return the windows of a source with the inner products of their rows; raises as `analyse` does."""
    return RunAnalyser(run, settings, (source,), (), False, progress or _ignore).rolling_spectra()


def probe_couplings(
    run: Run, settings: Settings, source: str, task: str, t: int, progress: OnProgress | None = None
) -> ProbeCouplings | Undefined:
    """Return the coupling of a window's K directions probe by probe at one checkpoint; raises as `analyse` does."""
    return RunAnalyser(run, settings, (source,), (task,), True, progress or _ignore).probe_couplings(t)


def _ignore(_: AnalysisProgress) -> None:
    pass
