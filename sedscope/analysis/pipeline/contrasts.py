"""Gradient sources over what they are read against: each control, what the weights did, the gradient of all tasks.

Decides which pairs are compared, and that the interval of a quotient is a paired one: both sides have probes, random
directions and fixed batches in common. Leaves to others: what may be claimed (`result_view.verdict`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from recorders.row_sources import FIXED_GRADIENT, ROW_SOURCES, RowSource
from sedscope.analysis.pipeline.results import (
    NOT_MEASURED,
    CheckpointCoupling,
    Contrast,
    CouplingSeries,
    Measure,
    Quotient,
)
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.statistics.interval import Interval, quotient_ends
from sedscope.analysis.undefined import Undefined

MOVEMENTS = tuple(row.pattern for row in reversed(ROW_SOURCES) if row.is_headline and row.sign > 0)
"""The movement of the weights: displacement, else the update."""


def gradient_sources(task: str) -> tuple[str, ...]:
    """Return the full names of the gradients of a task, by the order of the registry; averages are none of them."""
    return tuple(row.name(task) for row in ROW_SOURCES if _is_gradient(row))


def _is_gradient(row: RowSource) -> bool:
    return row.sign < 0 and not (row.is_control or row.is_momentum or row.raw_of)


def contrasts(series: Sequence[CouplingSeries]) -> Iterator[Contrast]:
    """Yield the contrasts of one task at one W and K.

    Args:
        series: Every source against the task, its intervals with their draws.
    """
    by_source = {each.source: each for each in series}
    task = series[0].task
    movements = [by_source[name] for name in MOVEMENTS if name in by_source]
    # The movement of the weights is the first with a number, else the first: its reason is then that of the contrast.
    movements.sort(key=lambda each: not _values(each, "rbar"))
    controls = [by_source[name] for name in control_sources(task) if name in by_source]
    for source in gradient_sources(task):
        if source not in by_source:
            continue
        gradient = by_source[source]
        for control in controls:
            yield contrast(gradient, control, "rbar")
        for movement in movements[:1]:
            yield from (contrast(gradient, movement, measure) for measure in _FIELDS)
        if source == f"{FIXED_GRADIENT}/{task}" and FIXED_GRADIENT in by_source:
            yield contrast(gradient, by_source[FIXED_GRADIENT], "rbar")


def contrast(above: CouplingSeries, below: CouplingSeries, measure: Measure) -> Contrast:
    """Return one series over another; undefined, with the reason, where no checkpoint can be compared."""
    quotient = _quotient(above, below, measure)
    return Contrast(above.source, below.source, above.task, above.window, above.rank, measure, quotient)


def without_draws(series: CouplingSeries) -> CouplingSeries:
    """Return the series as it is kept: its intervals without their draws, which are a hundred times as large."""
    return replace(series, points=tuple(_without_draws(point) for point in series.points))


def _without_draws(point: CheckpointCoupling) -> CheckpointCoupling:
    rbar, logit, matched = (
        replace(interval, draws=None) if isinstance(interval, Interval) else interval
        for interval in (point.interval, point.logit_interval, point.matched_interval)
    )
    return replace(point, interval=rbar, logit_interval=logit, matched_interval=matched)


_FIELDS: dict[Measure, tuple[str, str]] = {
    "rbar": ("ratio", "interval"),
    "rbar_logit": ("logit", "logit_interval"),
    "rbar_matched": ("matched", "matched_interval"),
}
"""The ratio of a checkpoint and its interval, by measure."""


def _quotient(above: CouplingSeries, below: CouplingSeries, measure: Measure) -> Quotient | Undefined:
    ours, theirs = _values(above, measure), _values(below, measure)
    for series, values in ((above, ours), (below, theirs)):
        if not values:
            return _why_no_value(series, measure)
    shared = [t for t in ours if t in theirs]
    if not shared:
        return Undefined("they share no checkpoint with full windows")
    quotients = {t: ours[t][1] / theirs[t][1] for t in shared if theirs[t][1] > 0.0}
    if not quotients:
        return Undefined(f"{below.source} is zero")
    t, n = max(quotients), len(quotients)
    ends = _ends(ours[t][0], theirs[t][0], measure)
    lowest, highest = min(quotients.values()), max(quotients.values())
    return Quotient(t, ours[t][1], theirs[t][1], quotients[t], ends, lowest, highest, n)


def _values(series: CouplingSeries, measure: Measure) -> dict[int, tuple[CheckpointCoupling, float]]:
    """Return each checkpoint with a full window and a defined ratio, with that ratio, by t."""
    ratios = [(point, getattr(point, _FIELDS[measure][0])) for point in series.points if point.full]
    return {point.t: (point, ratio.rbar) for point, ratio in ratios if isinstance(ratio, CouplingRatio)}


def _why_no_value(series: CouplingSeries, measure: Measure) -> Undefined:
    reasons = [getattr(point, _FIELDS[measure][0]) for point in series.points if point.full]
    reason = reasons[0] if reasons else series.peak
    if reason == NOT_MEASURED:
        return NOT_MEASURED
    return Undefined(f"{series.source}: {reason.reason if isinstance(reason, Undefined) else 'no window is full'}")


def _ends(above: CheckpointCoupling, below: CheckpointCoupling, measure: Measure) -> tuple[float, float] | Undefined:
    intervals = [getattr(point, _FIELDS[measure][1]) for point in (above, below)]
    for interval in intervals:
        if isinstance(interval, Undefined):
            return interval
    return quotient_ends(*intervals)
