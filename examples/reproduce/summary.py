"""Several values as one number with its interval, and numbers as words.

Decides that couplings and speed-ups are averaged by their geometric mean, with Student's t on their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.time_quotients import QuotientBounds
from sedscope.analysis.statistics.interval import LEVEL
from sedscope.analysis.statistics.student import t_quantile
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, between, geometric_mean, signed
from sedscope.report.figures import count, span


def together(values: Sequence[Estimate]) -> Estimate:
    """Geometric mean of positive numbers with Student's t on their logarithms; one keeps the interval that it has."""
    if len(values) == 1:
        return values[0]
    logs = np.log([one.value for one in values])
    middle = float(logs.mean())
    half = t_quantile(LEVEL, len(logs) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Estimate(math.exp(middle), (math.exp(middle - half), math.exp(middle + half)))


def averaged(values: Sequence[Estimate]) -> Estimate:
    """Geometric mean of values that are not independent: as wide as they are themselves, on average."""
    middle = geometric_mean([one.value for one in values])
    ends = [one.ends for one in values if one.ends is not None and one.ends[0] > 0.0]
    if len(ends) < len(values):
        return Estimate(middle)
    return Estimate(middle, (geometric_mean([low for low, _ in ends]), geometric_mean([high for _, high in ends])))


def described(values: Sequence[Estimate]) -> str:
    """`112 [95–130]; 98–121 over 3 runs`."""
    if not values:
        return "–"
    one = with_ends(together(values))
    if len(values) == 1:
        return f"{one}, 1 value"
    each = [value.value for value in values]
    return f"{one}; {span(min(each), max(each))} over {len(each)} values"


def with_ends(one: Estimate, unit: str = "") -> str:
    """`0.94× [0.8–1.1]`; the number alone where it has no interval."""
    return f"{signed(one.value)}{unit}" + ("" if one.ends is None else f" [{between(one.ends)}]")


def mean_steps(one: Average) -> str:
    """A mean number of optimizer steps with its interval; `≥` where a run never got there."""
    ends = "" if isinstance(one.ends, Undefined) else f" [{count(round(one.ends[0]))}–{count(round(one.ends[1]))}]"
    return f"{'' if one.horizon is None else '≥ '}{count(round(one.value))}{ends}"


def speedup_text(one: SpeedUp) -> tuple[str, Estimate | QuotientBounds | None]:
    """In words, and as a number where it is one: a run that never grokked leaves a bound alone."""
    if one.bound is not None:
        known = one.bound.low is not None or one.bound.high is not None
        return bound_text(one.bound), one.bound if known else None
    if isinstance(one.average, Undefined):
        return one.average.reason, None
    ours = average_of(one.average)
    return f"{with_ends(ours, '×')}, n = {one.average.n}", ours


def bound_text(bound: QuotientBounds) -> str:
    """`> 2.4×`."""
    ends = (("> ", bound.low), ("< ", bound.high))
    known = [f"{sign}{signed(value)}×" for sign, value in ends if value is not None]
    return " and ".join(known) or "unknown: neither grokked"


def average_of(one: Average) -> Estimate:
    """A mean over seeds as the comparison holds it."""
    return Estimate(one.value, None if isinstance(one.ends, Undefined) else one.ends)
