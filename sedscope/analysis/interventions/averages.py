"""Means over seeds with their 95 % intervals: of steps, of quotients, and of both where some runs never got there.

Decides the intervals: Student's t over seeds, on logarithms for quotients. A percentile bootstrap over three seeds
spans no more than their least and largest value, which holds the truth three times in four; t holds it 19 times in 20.
A crossing is seen at the next evaluation, so the truth lies earlier by up to the cadence, for all seeds alike where
they spread less than that: the interval is widened to the root of t² + cadence², and the spread is taken to be at least
what rounding alone makes. One seed has no interval. A quotient of which every seed has a bound on the same side is that
bound, and its interval is open on that side. Where times are restricted to a horizon, a run that ended before it
without getting there counts in the mean, but says nothing about the spread: the interval is of the other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sedscope.analysis.constants import LEVEL
from sedscope.analysis.statistics.survival import CensoredTime, horizon_of, mean_until, t_quantile
from sedscope.analysis.undefined import Undefined

Bound = Literal["", ">", "<"]
ONE_SEED = Undefined("one seed has no interval")
TOO_SHORT = Undefined("fewer than two seeds were followed far enough for an interval")
AT_ONCE = Undefined("the first evaluation was already there, so that nothing bounds how early it was")
_UNIFORM = 12.0
"""A uniform error over a stretch of length c has the variance c²/12."""


@dataclass(frozen=True, slots=True)
class Average:
    """One number for several seeds."""

    value: float
    ends: tuple[float, float] | Undefined
    """Low and high end of its 95 % interval."""
    n: int
    """Seeds."""
    horizon: float | None = None
    """Set where some runs never got there: t up to which all were followed; the average is then of min(T, horizon)."""
    bound: Bound = ""
    """Set where runs that never got there leave only that the average is larger, or smaller, than the value."""


def mean_of(values: Sequence[float], cadences: Sequence[float]) -> Average:
    """Compute the arithmetic mean of numbers that are never negative, so that its interval is not either.

    There is one value for each seed, at least one; cadences are the stretches that they were rounded up within.
    """
    value, earlier = math.fsum(values) / len(values), math.fsum(cadences) / len(values)
    half = _half_width(values, [cadence**2 / _UNIFORM for cadence in cadences], n_seeds=len(values))
    return Average(value, _above_zero(value, half, earlier, math.inf), len(values))


def mean_step(times: Sequence[CensoredTime]) -> Average | Undefined:
    """Compute the arithmetic mean of steps, one for each seed; restricted to a horizon where a run never got there.

    Undefined where none got there.
    """
    if all(time.reached for time in times):
        return mean_of([time.t for time in times], [time.cadence for time in times])
    if not any(time.reached for time in times):
        longest = max(time.t for time in times)
        return Undefined(f"no run got there; the longest was followed to t = {longest:,.0f}")
    horizon = horizon_of(times)
    value = mean_until(times, horizon)
    followed = [time for time in times if time.is_known_until(horizon)]
    restricted = [min(time.t, horizon) for time in followed]
    half = _half_width(restricted, [time.cadence**2 / _UNIFORM for time in followed], n_seeds=len(times))
    earlier = math.fsum(time.cadence for time in times) / len(times)
    return Average(value, _above_zero(value, half, earlier, horizon), len(times), horizon)


def geometric_mean(pairs: Sequence[tuple[CensoredTime, CensoredTime]]) -> Average | None:
    """Compute the geometric mean of quotients first / second above 0; the t interval is on logarithms.

    Returns:
        Its bound where all firsts or all seconds are known; None where neither are.
    """
    knows_first, knows_second = (all(pair[side].reached for pair in pairs) for side in (0, 1))
    if not knows_first and not knows_second:
        return None
    logs = [math.log(first.t / second.t) for first, second in pairs]
    value = math.fsum(logs) / len(logs)
    half = _half_width(logs, [_rounding(*pair) for pair in pairs], n_seeds=len(pairs))
    earlier = [math.fsum(_earlier(pair[side].cadence / pair[side].t) for pair in pairs) / len(pairs) for side in (0, 1)]
    ends = _around(value, half, *earlier)
    if not isinstance(ends, Undefined):
        ends = ends[0] if knows_second else 0.0, ends[1] if knows_first else math.inf
    bound: Bound = "<" if not knows_second else "" if knows_first else ">"
    return Average(math.exp(value), ends, len(pairs), bound=bound)


def restricted_quotient(pairs: Sequence[tuple[CensoredTime, CensoredTime]]) -> Average | Undefined:
    """Compute the restricted mean of the firsts over that of the seconds, up to the horizon of both.

    There is a pair for each seed, at least one. The interval is a paired t interval on the logarithm of the quotient,
    linearised in the times.
    """
    firsts, seconds = [first for first, _ in pairs], [second for _, second in pairs]
    horizon = horizon_of(firsts, seconds)
    if not any(time.reached and time.t <= horizon for time in (*firsts, *seconds)):
        return Undefined(f"no run got there up to t = {horizon:,.0f}, to which both groups were followed")
    above, below = mean_until(firsts, horizon), mean_until(seconds, horizon)
    if above <= 0.0 or below <= 0.0:
        return Undefined("a group was there at t = 0")
    followed = [(a, b) for a, b in pairs if a.is_known_until(horizon) and b.is_known_until(horizon)]
    rounding = [((a.cadence / above) ** 2 + (b.cadence / below) ** 2) / _UNIFORM for a, b in followed]
    differences = [min(a.t, horizon) / above - min(b.t, horizon) / below for a, b in followed]
    half = _half_width(differences, rounding, n_seeds=len(pairs))
    earlier = [
        _earlier(math.fsum(time.cadence for time in times) / len(times) / mean)
        for times, mean in ((firsts, above), (seconds, below))
    ]
    return Average(above / below, _around(math.log(above / below), half, *earlier), len(pairs), horizon)


def _earlier(share: float) -> float:
    """Return by how much the logarithm of a time falls where the time does by this share; inf where it may be 0."""
    return math.inf if share >= 1.0 else -math.log1p(-share)


def _rounding(first: CensoredTime, second: CensoredTime) -> float:
    """Return the variance that rounding up to the next evaluation gives the logarithm of a quotient."""
    return ((first.cadence / first.t) ** 2 + (second.cadence / second.t) ** 2) / _UNIFORM


def _half_width(values: Sequence[float], rounding: Sequence[float], *, n_seeds: int) -> float | Undefined:
    """Return half the width of the t interval of a mean, its variance at least that of rounding.

    Values are of the seeds that are known, among `n_seeds`; rounding gives each of them a variance.
    """
    n = len(values)
    if n < 2:
        return ONE_SEED if n_seeds < 2 else TOO_SHORT
    variance = max(float(np.var(values, ddof=1)), math.fsum(rounding) / n)
    return t_quantile(LEVEL, n - 1) * math.sqrt(variance / n)


def _above_zero(value: float, half: float | Undefined, earlier: float, most: float) -> tuple[float, float] | Undefined:
    """Return the ends of the interval of a mean between 0 and `most` that can be smaller than seen by `earlier`."""
    if isinstance(half, Undefined):
        return half
    return max(0.0, value - math.hypot(half, earlier)), min(most, value + half)


def _around(middle: float, half: float | Undefined, first: float, second: float) -> tuple[float, float] | Undefined:
    """Return the ends of an interval of a logarithm, as quotients.

    Args:
        middle: Logarithm of the quotient first / second.
        half: Half the width of its t interval.
        first: By how much the logarithm of the first time can be smaller than it was seen.
        second: The same of the second time, which the quotient is divided by.
    """
    if isinstance(half, Undefined):
        return half
    if math.inf in (first, second):
        return AT_ONCE
    try:
        return math.exp(middle - math.hypot(half, first)), math.exp(middle + math.hypot(half, second))
    except OverflowError:
        return Undefined("the interval is too wide for a number")
