"""R of one window at one checkpoint and its series: the one place where R, R̄_k, peak, final and interval are assembled.

Decides how the variants of a source (batches of a fixed gradient, draws of a control on them) become one value: A, R_k
and R̄_k are their geometric means, and R̄_k of each is kept beside them. Serves a whole analysis and the windows within
computed spans alike.
Leaves to others: A of the directions, and the arithmetic (`coupling_ratio`, `interval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, Route, Spread
from sedscope.analysis.spectra.window_svd import WindowSVD, flatness
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.coupling_ratio import (
    CouplingRatio,
    RatioAtCheckpoint,
    baseline,
    coupling_ratio,
    final,
    peak,
)
from sedscope.analysis.statistics.interval import Interval, rbar_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WindowCoupling:
    """The coupling of the directions of one variant's window to the centroids."""

    spectrum: WindowSVD
    A: Floats
    """A(v_k) `[K']`."""
    grouped: GroupedCoupling | None
    """The same per group of probes; None where no interval is wanted."""


def checkpoint_coupling(
    window: Window,
    rank: int,
    variants: Sequence[WindowCoupling | Undefined],
    random: GroupedCoupling | Undefined,
) -> CheckpointCoupling:
    """Return R_k, R̄_k and its interval of one window; undefined as a whole where a variant or the baseline is.

    The window is that of the first variant, `random` the coupling of the random directions.
    """
    couplings = all_defined(variants)
    if isinstance(random, Undefined) or isinstance(couplings, Undefined):
        reason = random if isinstance(random, Undefined) else couplings
        assert isinstance(reason, Undefined)
        return undefined_coupling(window, reason, random if isinstance(random, Undefined) else baseline(random.A))
    base = baseline(random.A)
    n_directions = min(len(coupling.A) for coupling in couplings)
    A = np.stack([coupling.A[:n_directions] for coupling in couplings])
    return CheckpointCoupling(
        window.t,
        window.n_rows,
        window.full,
        geometric_mean(A),
        base,
        mean_ratio(coupling_ratio(A.ravel(), base), len(couplings)),
        _interval(couplings, n_directions, random),
        _flat([flatness(coupling.spectrum, rank) for coupling in couplings]),
        participation=float(np.mean([coupling.spectrum.participation for coupling in couplings])),
        spread=_spread([coupling_ratio(values, base) for values in A]) if len(couplings) > 1 else None,
    )


def undefined_coupling(window: Window, reason: Undefined, base: float | Undefined) -> CheckpointCoupling:
    """Return a checkpoint without a coupling: every quantity but the baseline has the same reason."""
    return CheckpointCoupling(
        window.t,
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


def series_from_points(
    source: str, task: str, window: int, rank: int, route: Route, points: tuple[CheckpointCoupling, ...]
) -> CouplingSeries:
    """Return the series of all checkpoints with its peak and its end."""
    ratios = [RatioAtCheckpoint(point.t, point.n_rows, point.full, point.ratio) for point in points]
    return CouplingSeries(source, task, window, rank, route, points, peak(ratios), final(ratios))


def mean_ratio(ratio: CouplingRatio | Undefined, n_variants: int) -> CouplingRatio | Undefined:
    """Return R_k and R̄_k as geometric means over the variants, from R_k of all variants one after the other."""
    if isinstance(ratio, Undefined):
        return ratio
    by_variant = ratio.R.reshape(n_variants, -1)
    return CouplingRatio(geometric_mean(by_variant), float(geometric_mean(by_variant.mean(axis=1))))


def geometric_mean(values: Floats) -> Floats:
    """Return the geometric mean over the first axis; one value alone is handed on to the letter."""
    with np.errstate(divide="ignore"):
        return np.asarray(values[0] if len(values) == 1 else np.exp(np.log(values).mean(axis=0)))


def all_defined(values: Sequence[T | Undefined]) -> list[T] | Undefined:
    """Return all values, or the first reason why one is missing: a mean over fewer would not be what its name says."""
    reason = next((value for value in values if isinstance(value, Undefined)), None)
    return [value for value in values if not isinstance(value, Undefined)] if reason is None else reason


def _interval(couplings: Sequence[WindowCoupling], n_directions: int, random: GroupedCoupling) -> Interval | Undefined:
    grouped = [coupling.grouped.sums[:n_directions] for coupling in couplings if coupling.grouped is not None]
    if len(grouped) < len(couplings):
        return Undefined("it is being computed")
    return rbar_interval(GroupedCoupling(np.concatenate(grouped), random.counts), random, len(couplings))


def _flat(reasons: Sequence[str | None]) -> str | None:
    """Return why the top K is arbitrary in some variant, and in how many of several."""
    flat = [reason for reason in reasons if reason is not None]
    if not flat:
        return None
    return flat[0] if len(reasons) == 1 else f"{flat[0]} ({len(flat)} of {len(reasons)} batches)"


def _spread(ratios: Sequence[CouplingRatio | Undefined]) -> Spread | None:
    values = [None if isinstance(ratio, Undefined) else ratio.rbar for ratio in ratios]
    defined = [value for value in values if value is not None]
    return Spread(tuple(values), min(defined), max(defined)) if defined else None
