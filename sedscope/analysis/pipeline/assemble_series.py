"""From what was measured at each checkpoint to the series that are reported: R_k, R̄_k, peak, final, intervals, rank-90.

Decides how the variants of a source (draws of a control, batches of a fixed gradient) become one series: every number
is their mean, and R̄_k of each is kept beside it. No JVP and no file is touched here. Leaves to others: the
arithmetic (`coupling_ratio`, `interval`, `coupling_gram`) and the second measures (`second_measures`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sedscope.analysis.coupling.coupling_gram import in_basis
from sedscope.analysis.coupling.response import join_responses
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.pipeline.checkpoint_result import CheckpointResult
from sedscope.analysis.pipeline.results import (
    CheckpointCoupling,
    CheckpointRank,
    CouplingSeries,
    RankSeries,
    Route,
    Spread,
)
from sedscope.analysis.pipeline.second_measures import VariantResult, alignment, energy, matched_ratio, measured_or_not
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant, variants_of
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.sed_directions import combinations
from sedscope.analysis.spectra.window_svd import flatness
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.coupling_ratio import (
    CouplingRatio,
    RatioAtCheckpoint,
    baseline,
    coupling_ratio,
    final,
    peak,
)
from sedscope.analysis.statistics.interval import Interval, RatioIntervals, ratio_intervals
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined

LEADING_SHARES = 10
"""Principal variances of the centroids that are reported beside rank-90."""

Rolling = Mapping[Variant, "RollingSpectra | Undefined"]


def coupling_series(
    source: str,
    task: str,
    window: int,
    rank: int,
    measured: Sequence[CheckpointResult],
    rolling: Rolling,
    settings: Settings,
) -> CouplingSeries:
    """R_k of one source against one task for one W and K.

    Args:
        source: Full name.
        task: Whose centroids.
        window: W.
        rank: K.
        measured: Of every checkpoint, in their order.
        rolling: Windows of every variant; undefined where it has no rows.
        settings: Of the analysis.
    """
    route: Route = "coupling Gram" if settings.through_gram else "directions"
    absent = _why_none(measured, rolling[Variant(source)])
    if absent is not None:
        nothing = tuple(_nothing(found.t, Window(found.t, 0, 0, window), absent, found) for found in measured)
        return CouplingSeries(source, task, window, rank, route, nothing, absent, absent)
    points = tuple(_point(source, found, rolling, window, rank, settings) for found in measured)
    checkpoints = [RatioAtCheckpoint(point.t, point.n_rows, point.full, point.ratio) for point in points]
    return CouplingSeries(source, task, window, rank, route, points, peak(checkpoints), final(checkpoints))


def _why_none(measured: Sequence[CheckpointResult], rolling: RollingSpectra | Undefined) -> Undefined | None:
    """The one reason why no checkpoint has a coupling; None where some has, or where reasons differ."""
    if isinstance(rolling, Undefined):
        return rolling
    reasons = {found.failure for found in measured}
    return reasons.pop() if len(reasons) == 1 else None


def rank_series(task: str, measured: Sequence[CheckpointResult], absent: Undefined | None) -> RankSeries:
    """rank-90 of a task's centroids over the checkpoints."""
    points = []
    for found in measured:
        centroids = found.centroids
        if isinstance(centroids, CentroidSpectrum):
            shares = centroids.variances[:LEADING_SHARES] / centroids.variances.sum()
            points.append(CheckpointRank(found.t, centroids.rank(), shares))
        else:
            points.append(CheckpointRank(found.t, _why_not(found) if centroids is None else centroids, np.empty(0)))
    n_probes = next((one.centroids.n_probes for one in measured if isinstance(one.centroids, CentroidSpectrum)), 0)
    return RankSeries(task, n_probes, tuple(points), absent)


def _point(
    source: str, found: CheckpointResult, rolling: Rolling, size: int, rank: int, settings: Settings
) -> CheckpointCoupling:
    """One checkpoint of a source: the mean over its variants."""
    first = rolling[Variant(source)]
    assert isinstance(first, RollingSpectra)
    (window,) = first.windows([found.t], size)
    if found.baseline is None:
        return _nothing(found.t, window, _why_not(found), found)
    variants = variants_of(source, settings)
    made = [_made(variant, found, rolling[variant], size, rank, settings) for variant in variants]
    whole = measured_or_not(made)
    if isinstance(whole, Undefined):
        return _nothing(found.t, window, whole, found)
    base = baseline(found.baseline.response.centroids.A)
    n_directions = min(len(one.response.centroids.sums) for one in whole)
    responses = [one.response.select(0, n_directions) for one in whole]
    every = join_responses(responses)
    ratios = [coupling_ratio(response.centroids.A, base) for response in responses]
    matched, matched_interval = matched_ratio(whole, n_directions, found)
    return CheckpointCoupling(
        found.t,
        window.n_rows,
        window.full,
        np.mean([response.centroids.A for response in responses], axis=0),
        base,
        _mean(coupling_ratio(every.centroids.A, base), len(whole)),
        _interval(every.centroids, found.baseline.response.centroids),
        next((one.flat for one in whole if one.flat is not None), None),
        participation=float(np.mean([one.spectrum.participation for one in whole])),
        logit=_mean(coupling_ratio(every.output.A, baseline(found.baseline.response.output.A)), len(whole)),
        logit_interval=_interval(every.output, found.baseline.response.output),
        matched=matched,
        matched_interval=matched_interval,
        energy=np.mean([energy(one)[:n_directions] for one in whole], axis=0),
        alignment=alignment(source, whole, n_directions, found),
        spread=_spread(ratios) if len(variants) > 1 else None,
    )


def _made(
    variant: Variant,
    found: CheckpointResult,
    rolling: RollingSpectra | Undefined,
    size: int,
    rank: int,
    settings: Settings,
) -> VariantResult | Undefined:
    """What the K directions of one variant's window do: as measured, or from the span around the window."""
    span = found.spans.get(variant)
    if isinstance(rolling, Undefined):
        return rolling
    if isinstance(span, Undefined):
        return span
    (window,) = rolling.windows([found.t], size)
    spectrum = rolling.spectrum(window)
    if isinstance(spectrum, Undefined):
        return spectrum
    answer = found.responses.get(variant)
    if span is None or answer is None:
        return _why_not(found)
    inner = combinations(spectrum, rank)
    coefficients = in_basis(span.spectrum, span.window, window, inner) if settings.through_gram else None
    return VariantResult(spectrum, answer, coefficients, answer.directions(coefficients), flatness(spectrum, rank))


def _mean(whole: CouplingRatio | Undefined, n_variants: int) -> CouplingRatio | Undefined:
    """R_k as the mean over the variants, from those of all variants one after the other."""
    if isinstance(whole, Undefined):
        return whole
    return CouplingRatio(whole.R.reshape(n_variants, -1).mean(axis=0), whole.rbar)


def _spread(ratios: Sequence[CouplingRatio | Undefined]) -> Spread | None:
    values = [None if isinstance(one, Undefined) else one.rbar for one in ratios]
    known = [value for value in values if value is not None]
    return Spread(tuple(values), min(known), max(known)) if known else None


def _interval(directions: GroupedCoupling, random: GroupedCoupling) -> Interval | Undefined:
    intervals = ratio_intervals(directions, random)
    return intervals.rbar if isinstance(intervals, RatioIntervals) else intervals


def _nothing(t: int, window: Window, reason: Undefined, found: CheckpointResult) -> CheckpointCoupling:
    """A checkpoint without a coupling: every part of it has the same reason."""
    base = _why_not(found) if found.baseline is None else baseline(found.baseline.response.centroids.A)
    return CheckpointCoupling(
        t,
        window.n_rows,
        window.full,
        A=reason,
        baseline=base,
        ratio=reason,
        interval=reason,
        flat=None,
        participation=reason,
        logit=reason,
        logit_interval=reason,
        matched=reason,
        matched_interval=reason,
        energy=reason,
        alignment=reason,
    )


def _why_not(found: CheckpointResult) -> Undefined:
    return Undefined("it was not measured") if found.failure is None else found.failure
