"""Ratios of a series with their intervals, and where two series can be compared.

Decides what counts as comparable: checkpoints at which both windows are full and both ratios are defined.
"""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.result_view.result_column import ResultColumn
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, estimate_of

Measure = ResultColumn[CheckpointCoupling]
"""One of the ratios of a checkpoint: R̄_k, R^logit, R^matched."""


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
