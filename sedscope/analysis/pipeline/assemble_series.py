"""The series that are reported, from what was measured at each checkpoint: R_k with its second measures, rank-90.

No JVP and no file is touched here. Leaves to others: R itself (`window_coupling`), the second measures
(`second_measures`), and the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedscope.analysis.constants import LEADING_SHARES
from sedscope.analysis.coupling.response import join_responses
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.checkpoint_results import CheckpointResult
from sedscope.analysis.pipeline.results import CheckpointCoupling, CheckpointRank, CouplingSeries, RankSeries, Route
from sedscope.analysis.pipeline.second_measures import VariantResult, alignment, energy, matched_ratio
from sedscope.analysis.pipeline.span import Rolling
from sedscope.analysis.pipeline.window_coupling import (
    WindowCoupling,
    all_defined,
    checkpoint_coupling,
    mean_ratio,
    series_from_points,
    undefined_coupling,
)
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.coupling_ratio import baseline, coupling_ratio
from sedscope.analysis.statistics.interval import rbar_interval
from sedscope.analysis.undefined import Undefined


def coupling_series(
    context: AnalysisContext,
    source: str,
    task: str,
    window: int,
    rank: int,
    results: Sequence[CheckpointResult],
    rolling: Rolling,
) -> CouplingSeries:
    """Return R_k of one source against one task over the checkpoints, for one W (`window`) and K (`rank`)."""
    route: Route = "coupling Gram" if context.settings.through_gram else "directions"
    first = rolling[Variant(source)]
    reason = first if isinstance(first, Undefined) else _shared_reason(results)
    if isinstance(first, Undefined) or reason is not None:
        assert reason is not None
        points = tuple(
            undefined_coupling(Window(result.t, 0, 0, window), reason, result.baseline) for result in results
        )
        return CouplingSeries(source, task, window, rank, route, points, reason, reason)
    variants = context.variants(source)
    points = tuple(_point(variants, result, first.window(result.t, window), rolling, rank) for result in results)
    return series_from_points(source, task, window, rank, route, points)


def rank_series(task: str, results: Sequence[CheckpointResult], reason: Undefined | None) -> RankSeries:
    """Return rank-90 of a task's centroids over the checkpoints.

    `reason` says why the model cannot be run for the task; it is None where it can.
    """
    points, n_probes = [], 0
    for result in results:
        centroids = result.centroids
        if isinstance(centroids, CentroidSpectrum):
            shares = centroids.variances[:LEADING_SHARES] / centroids.variances.sum()
            points.append(CheckpointRank(result.t, centroids.rank(), shares))
            n_probes = n_probes or centroids.n_probes
        else:
            points.append(CheckpointRank(result.t, centroids, np.empty(0)))
    return RankSeries(task, n_probes, tuple(points), reason)


def _shared_reason(results: Sequence[CheckpointResult]) -> Undefined | None:
    """Return the one reason why no checkpoint has a coupling; None where some has, or where reasons differ."""
    reasons = {result.random if isinstance(result.random, Undefined) else None for result in results}
    return reasons.pop() if len(reasons) == 1 else None


def _point(
    variants: Sequence[Variant], result: CheckpointResult, window: Window, rolling: Rolling, rank: int
) -> CheckpointCoupling:
    """Return one checkpoint of a source with its second measures: ratios as R_k, the others as means over variants."""
    of_variants = [_variant_result(variant, result, rolling[variant], window.size, rank) for variant in variants]
    couplings = [
        variant
        if isinstance(variant, Undefined)
        else WindowCoupling(variant.spectrum, variant.response.centroids.A, variant.response.centroids)
        for variant in of_variants
    ]
    point = checkpoint_coupling(window, rank, couplings, result.random_coupling)
    measured = all_defined(of_variants)
    if isinstance(measured, Undefined) or isinstance(result.random, Undefined) or isinstance(point.A, Undefined):
        return point
    n_directions, random = len(point.A), result.random.output
    output = join_responses([variant.response.select(0, n_directions) for variant in measured]).output
    matched, matched_interval = matched_ratio(measured, n_directions, result)
    return replace(
        point,
        logit=mean_ratio(coupling_ratio(output.A, baseline(random.A)), len(measured)),
        logit_interval=rbar_interval(output, random, len(measured)),
        matched=matched,
        matched_interval=matched_interval,
        energy=np.mean([energy(variant)[:n_directions] for variant in measured], axis=0),
        alignment=alignment(variants[0].source, measured, n_directions, result),
    )


def _variant_result(
    variant: Variant,
    result: CheckpointResult,
    rolling: RollingSpectra | Undefined,
    size: int,
    rank: int,
) -> VariantResult | Undefined:
    """Return what the K directions of one variant's window do: as measured, or from the span around the window."""
    response = result.response(variant)
    if isinstance(rolling, Undefined):
        return rolling
    if isinstance(response, Undefined):
        return response
    directions = rolling.window_in(result.basis(variant), result.t, size, rank)
    if isinstance(directions, Undefined):
        return directions
    spectrum, coefficients = directions
    return VariantResult(spectrum, response, coefficients, response.directions(coefficients))
