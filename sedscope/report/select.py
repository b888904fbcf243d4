"""Looking things up in an analysis: the series of a source, its value at a step, and where two series can be compared.

Decides what counts as comparable: checkpoints at which both windows are full and both ratios are defined.
"""

from __future__ import annotations

from typing import Literal

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RunAnalysis
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate

Kind = Literal["rbar", "rbar_logit", "rbar_matched"]
KINDS: tuple[Kind, ...] = ("rbar", "rbar_logit", "rbar_matched")


def find(run: RunAnalysis, source: str, task: str, window: int, rank: int) -> CouplingSeries | None:
    """The series of a source against a task; None where it was not put together."""
    wanted = (source, task, window, rank)
    return next((one for one in run.coupling if (one.source, one.task, one.window, one.rank) == wanted), None)


def bases(run: RunAnalysis) -> tuple[tuple[int, int], ...]:
    """Every W and K of the analysis, in their order."""
    return tuple(dict.fromkeys((one.window, one.rank) for one in run.coupling))


def ratio_of(point: CheckpointCoupling, kind: Kind) -> tuple[CouplingRatio | Undefined, Interval | Undefined]:
    """The ratio of one kind and the interval of its mean."""
    match kind:
        case "rbar":
            return point.ratio, point.interval
        case "rbar_logit":
            return point.logit, point.logit_interval
        case "rbar_matched":
            return point.matched, point.matched_interval


def estimate(point: CheckpointCoupling, kind: Kind = "rbar") -> Estimate | Undefined:
    """R̄_k, or its logit or matched kin, with its interval."""
    ratio, interval = ratio_of(point, kind)
    return ratio if isinstance(ratio, Undefined) else Estimate.measured(ratio.rbar, interval)


def usable(series: CouplingSeries, kind: Kind = "rbar") -> dict[int, Estimate]:
    """Every checkpoint with a full window and a ratio, by t."""
    found = {point.t: estimate(point, kind) for point in series.points if point.full}
    return {t: value for t, value in found.items() if isinstance(value, Estimate)}


def why_unusable(series: CouplingSeries, kind: Kind = "rbar") -> Undefined:
    """Why no checkpoint is usable."""
    full = [point for point in series.points if point.full]
    if not full:
        return series.peak if isinstance(series.peak, Undefined) else Undefined("no window is full")
    reasons = [found.reason for point in full if isinstance(found := estimate(point, kind), Undefined)]
    return Undefined(reasons[0] if reasons else "it was not measured")


def n_flat(series: CouplingSeries) -> tuple[int, int]:
    """At how many checkpoints with full windows the subspace is arbitrary, and of how many."""
    full = [point for point in series.points if point.full and isinstance(point.ratio, CouplingRatio)]
    return sum(point.flat is not None for point in full), len(full)
