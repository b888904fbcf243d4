"""R_k, R̄_k, their peak and their end: coupling of SED directions in units of the random baseline.

Decides the baseline (median of random directions) and which checkpoints count. Leaves to others: A (`coupling`),
intervals (`interval`), and which settings make results comparable: R is never compared across selections or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CouplingRatio:
    """R_k of one window."""

    R: Floats
    """A(v_k)/baseline `[K']`, K' = min(K, rank of the window)."""
    rbar: float
    """Mean of R_k over k = 1..K'."""


@dataclass(frozen=True, slots=True)
class RatioAtCheckpoint:
    """One checkpoint's share in a series of R_k."""

    t: int
    n_rows: int
    full: bool
    """The window holds W rows. Short ones count for neither peak nor final."""
    ratio: CouplingRatio | Undefined


@dataclass(frozen=True, slots=True)
class ValueAtStep:
    """A value and the step of the checkpoint that it belongs to."""

    t: int
    value: float


def baseline(random_coupling: Floats) -> float | Undefined:
    """Return the median of A(r_j) `[n]`; of an even number the mean of the two middle values.

    Returns:
        Undefined without directions, when one is NaN or Inf, and when the median is zero.
    """
    if random_coupling.size == 0:
        return Undefined("no random directions were drawn")
    bad = int(np.count_nonzero(~np.isfinite(random_coupling)))
    if bad:
        return Undefined(f"the coupling of {bad} of {random_coupling.size} random directions is NaN or Inf")
    median = float(np.median(random_coupling))
    if median <= 0.0:
        return Undefined("random directions do not move the centroids: the baseline is zero")
    return median


def coupling_ratio(coupling: Floats, base: float | Undefined) -> CouplingRatio | Undefined:
    """Divide A(v_k) `[K']` by the baseline: R_k and R̄_k (arXiv 2604.25143)."""
    if isinstance(base, Undefined):
        return base
    if coupling.size == 0:
        return Undefined("the window has no direction")
    if not np.all(np.isfinite(coupling)):
        return Undefined("the coupling of the window's directions is NaN or Inf")
    with np.errstate(over="ignore"):
        values = coupling / base
    if not np.all(np.isfinite(values)):
        return Undefined(f"the baseline, {base:.3g}, is too small to divide by")
    return CouplingRatio(values, float(values.mean()))


def peak(checkpoints: Sequence[RatioAtCheckpoint]) -> ValueAtStep | Undefined:
    """Return the largest R̄_k among checkpoints with full windows; the earliest of equals."""
    candidates = [
        (point.ratio.rbar, -point.t) for point in checkpoints if point.full and isinstance(point.ratio, CouplingRatio)
    ]
    if not candidates:
        return _why_none(checkpoints)
    value, minus_t = max(candidates)
    return ValueAtStep(-minus_t, value)


def edge_of(t: int, steps: Sequence[int]) -> str:
    """Return which edge of what was seen a peak at t is, in words; empty for none: beyond an edge it may be higher.

    Args:
        t: Checkpoint of the peak.
        steps: Checkpoints with full windows, ascending; t is one of them.
    """
    if t == steps[-1]:
        return "the last checkpoint" if len(steps) > 1 else "the only full window"
    return "the first full window" if t == steps[0] else ""


def final(checkpoints: Sequence[RatioAtCheckpoint]) -> ValueAtStep | Undefined:
    """Return R̄_k of the last checkpoint; undefined, not an earlier one, where its window is short or its ratio is."""
    if not checkpoints:
        return _why_none(checkpoints)
    last = max(checkpoints, key=lambda point: point.t)
    if isinstance(last.ratio, Undefined):
        return Undefined(f"at the last checkpoint, t = {last.t}: {last.ratio.reason}")
    if not last.full:
        return Undefined(f"at the last checkpoint, t = {last.t}, the window is short: {last.n_rows} rows")
    return ValueAtStep(last.t, last.ratio.rbar)


def _why_none(checkpoints: Sequence[RatioAtCheckpoint]) -> Undefined:
    if not checkpoints:
        return Undefined("there are no checkpoints")
    full = [point for point in checkpoints if point.full]
    if not full:
        return Undefined(f"none of {len(checkpoints)} checkpoints has a full window")
    reasons = [point.ratio.reason for point in full if isinstance(point.ratio, Undefined)]
    return Undefined(f"undefined at all {len(full)} checkpoints with full windows; first: {reasons[0]}")
