"""Looking things up in an analysis: the series of a source, its value at a step, and where two series can be compared.

Decides what counts as comparable: checkpoints at which both windows are full and both ratios are defined.
"""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.result_view.result_column import ResultColumn
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, estimate_of

Measure = ResultColumn[CheckpointCoupling]
"""One of the ratios of a checkpoint: R̄_k, R^logit, R^matched."""


def find(run: RunAnalysis, source: str, task: str, window: int, rank: int) -> CouplingSeries | None:
    """Return the series of a source against a task; None where it was not put together."""
    key = (source, task, window, rank)
    return next((each for each in run.coupling if (each.source, each.task, each.window, each.rank) == key), None)


def bases(run: RunAnalysis) -> tuple[tuple[int, int], ...]:
    """Return every W and K of the analysis, in their order."""
    return tuple(dict.fromkeys((series.window, series.rank) for series in run.coupling))


def estimate(point: CheckpointCoupling, measure: Measure = RBAR) -> Estimate | Undefined:
    """Return a ratio at a checkpoint with its interval."""
    return estimate_of(measure.read(point))


def usable(series: CouplingSeries, measure: Measure = RBAR) -> dict[int, Estimate]:
    """Return the ratio at every checkpoint with a full window and a defined ratio, by t."""
    estimates = {point.t: estimate(point, measure) for point in series.points if point.full}
    return {t: value for t, value in estimates.items() if isinstance(value, Estimate)}


def why_unusable(series: CouplingSeries, measure: Measure = RBAR) -> Undefined:
    """Return why no checkpoint is usable."""
    full = [point for point in series.points if point.full]
    if not full:
        return series.peak if isinstance(series.peak, Undefined) else Undefined("no window is full")
    reasons = [value.reason for point in full if isinstance(value := estimate(point, measure), Undefined)]
    return Undefined(reasons[0] if reasons else "it was not measured")


def n_flat(series: CouplingSeries) -> tuple[int, int]:
    """Return at how many checkpoints with full windows the subspace is arbitrary, and of how many."""
    full = [point for point in series.points if point.full and isinstance(point.ratio, CouplingRatio)]
    return sum(point.flat is not None for point in full), len(full)
