"""Times of several seeds: Kaplan–Meier's estimate where some are known only as "not until t", and Student's t.

Decides that a run without a crossing counts for as long as it was followed, and is never left out. Leaves to others:
what is timed, and intervals. Both are a dozen lines or two, held against published tables by tests: scipy, which has
them, is no dependency of sedscope or of torch, and users would download 35 MB more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CensoredTime:
    """The step at which something happened in one training, or until which it had not."""

    t: float
    """Step of the evaluation that saw it; where it was not reached, of the last evaluation."""
    reached: bool
    cadence: float = 0.0
    """Steps before t within which the true crossing lies; 0 where it was not reached."""

    def is_known_until(self, horizon: float) -> bool:
        """Return whether min(T, horizon) is known: it got there, or was followed that far."""
        return self.reached or self.t >= horizon


@dataclass(frozen=True, slots=True)
class Survival:
    """The share of runs that have not got there, as a step function of t (Kaplan & Meier 1958)."""

    steps: tuple[float, ...]
    """Steps at which it falls, ascending."""
    shares: tuple[float, ...]
    """Share from each of these steps on."""

    @property
    def median(self) -> float | Undefined:
        """The first step at which at most half have not got there."""
        median = next((t for t, share in zip(self.steps, self.shares, strict=True) if share <= 0.5), None)
        return Undefined("more than half of the runs had not got there when they ended") if median is None else median

    def mean_until(self, horizon: float) -> float:
        """Return the area under the curve from 0 to the horizon; beyond the last step it stays where it is."""
        area, last, share = 0.0, 0.0, 1.0
        for t, after in zip(self.steps, self.shares, strict=True):
            if t >= horizon:
                break
            area += share * (t - last)
            last, share = t, after
        return area + share * (horizon - last)


def kaplan_meier(times: Sequence[CensoredTime]) -> Survival:
    """Estimate the curve from one time for each seed; a run that ends at t is still watched for crossings at t."""
    steps = sorted({time.t for time in times if time.reached})
    shares: list[float] = []
    share = 1.0
    for t in steps:
        watched = sum(time.t >= t for time in times)
        share *= 1.0 - sum(time.reached and time.t == t for time in times) / watched
        shares.append(share)
    return Survival(tuple(steps), tuple(shares))


def horizon_of(*groups: Sequence[CensoredTime]) -> float:
    """Return the step up to which the curves of all groups are known, at most the last time of any.

    A curve is known to the end of the run that was followed longest; beyond it too, where that run got there.
    """
    last = [max(time.t for time in times) for times in groups]
    ends = [
        end
        for end, times in zip(last, groups, strict=True)
        if any(time.t == end and not time.reached for time in times)
    ]
    return min([*ends, max(last)])


def mean_until(times: Sequence[CensoredTime], horizon: float) -> float:
    """Return the restricted mean, that of min(T, horizon)."""
    return kaplan_meier(times).mean_until(horizon)


_HALVINGS = 60
"""Each halves the bracket of the angle: 60 leave less than float64's rounding of it."""


@lru_cache(maxsize=256)
def t_quantile(level: float, freedom: int) -> float:
    """Return the t at which P(|T| < t) = level, the central share, for 1 or more degrees of freedom."""
    # t = √ν tan(angle) maps the whole line of t to a bounded bracket, so that halving needs no first guess.
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central_share(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _central_share(angle: float, freedom: int) -> float:
    """Return P(|T| < √ν tan angle): Abramowitz & Stegun 26.7.3 (odd ν) and 26.7.4 (even ν)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for j in range(1, (freedom - odd) // 2 + 1):
        total += term
        term *= cosine**2 * ((2 * j) / (2 * j + 1) if odd else (2 * j - 1) / (2 * j))
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total
