"""From what was measured at each checkpoint to the series that are reported: R_k, R̄_k, peak, final, intervals, rank-90.

No J-product and no file is touched here. Leaves to others: the arithmetic (`ratio`, `interval`, `coupling_gram`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.basis import combinations
from sedscope.analysis.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.couple import Measured
from sedscope.analysis.coupling_gram import in_basis
from sedscope.analysis.groups import Coupling
from sedscope.analysis.interval import Interval, RatioIntervals, ratio_intervals
from sedscope.analysis.ratio import Checkpoint, baseline, final, peak, ratio
from sedscope.analysis.results import CouplingAt, CouplingSeries, RankAt, RankSeries, Route
from sedscope.analysis.rolling import RollingSpectra
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectrum import flatness
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.windows import Window

LEADING_SHARES = 10
"""Principal variances of the centroids that are reported beside rank-90."""


def coupling_series(
    source: str,
    task: str,
    window: int,
    rank: int,
    measured: Sequence[Measured],
    rolling: RollingSpectra | Undefined,
    settings: Settings,
) -> CouplingSeries:
    """R_k of one source against one task for one W and K.

    Args:
        source: Full name.
        task: Whose centroids.
        window: W.
        rank: K.
        measured: Of every checkpoint, in their order.
        rolling: The source's windows; undefined where it has no rows.
        settings: Of the analysis.
    """
    route: Route = "coupling Gram" if settings.through_gram else "directions"
    absent = _why_none(measured, rolling)
    if absent is not None:
        nothing = tuple(_nothing(found.t, Window(found.t, 0, 0, window), absent, found) for found in measured)
        return CouplingSeries(source, task, window, rank, route, nothing, absent, absent)
    assert isinstance(rolling, RollingSpectra)
    points = tuple(_point(source, found, rolling, window, rank, settings) for found in measured)
    checkpoints = [Checkpoint(point.t, point.n_rows, point.full, point.ratio) for point in points]
    return CouplingSeries(source, task, window, rank, route, points, peak(checkpoints), final(checkpoints))


def _why_none(measured: Sequence[Measured], rolling: RollingSpectra | Undefined) -> Undefined | None:
    """The one reason why no checkpoint has a coupling; None where some has, or where reasons differ."""
    if isinstance(rolling, Undefined):
        return rolling
    reasons = {found.failure for found in measured}
    return reasons.pop() if len(reasons) == 1 else None


def rank_series(task: str, measured: Sequence[Measured], absent: Undefined | None) -> RankSeries:
    """rank-90 of a task's centroids over the checkpoints."""
    points = []
    for found in measured:
        centroids = found.centroids
        if isinstance(centroids, CentroidSpectrum):
            shares = centroids.variances[:LEADING_SHARES] / centroids.variances.sum()
            points.append(RankAt(found.t, centroids.rank(), shares))
        else:
            points.append(RankAt(found.t, _why_not(found) if centroids is None else centroids, np.empty(0)))
    n_probes = next((one.centroids.n_probes for one in measured if isinstance(one.centroids, CentroidSpectrum)), 0)
    return RankSeries(task, n_probes, tuple(points), absent)


def _point(
    source: str, found: Measured, rolling: RollingSpectra, size: int, rank: int, settings: Settings
) -> CouplingAt:
    (window,) = rolling.windows([found.t], size)
    spectrum = rolling.spectrum(window)
    if isinstance(spectrum, Undefined):
        return _nothing(found.t, window, spectrum, found)
    coupling = _coupling(source, found, rolling, window, rank, settings)
    if isinstance(coupling, Undefined):
        return _nothing(found.t, window, coupling, found)
    base = _baseline(found)
    return CouplingAt(
        found.t,
        window.n_rows,
        window.full,
        coupling.A,
        base,
        ratio(coupling.A, base),
        _interval(coupling, found),
        flatness(spectrum, rank),
    )


def _coupling(
    source: str, found: Measured, rolling: RollingSpectra, window: Window, rank: int, settings: Settings
) -> Coupling | Undefined:
    """A of the window's K directions: as measured, or from the coupling Gram matrix of the span around it."""
    span, spectrum = found.spans.get(source), rolling.spectrum(window)
    if isinstance(span, Undefined):
        return span
    if isinstance(spectrum, Undefined):
        return spectrum
    if not settings.through_gram:
        return found.couplings.get(source, _why_not(found))
    gram = found.grams.get(source)
    if gram is None or span is None:
        return _why_not(found)
    directions: Floats = in_basis(span.spectrum, span.window, window, combinations(spectrum, rank))
    return gram.coupling(directions)


def _baseline(found: Measured) -> float | Undefined:
    return _why_not(found) if found.baseline is None else baseline(found.baseline.A)


def _interval(coupling: Coupling, found: Measured) -> Interval | Undefined:
    if found.baseline is None:
        return _why_not(found)
    intervals = ratio_intervals(coupling, found.baseline)
    return intervals.rbar if isinstance(intervals, RatioIntervals) else intervals


def _nothing(t: int, window: Window, reason: Undefined, found: Measured) -> CouplingAt:
    return CouplingAt(t, window.n_rows, window.full, reason, _baseline(found), reason, reason, None)


def _why_not(found: Measured) -> Undefined:
    return Undefined("it was not measured") if found.failure is None else found.failure
