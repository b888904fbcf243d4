"""Several values as one number with its interval, and numbers as words.

Decides that couplings and speed-ups are averaged by their geometric mean, with Student's t on their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sedscope.analysis.constants import LEVEL
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import QuotientBounds, SpeedUp
from sedscope.analysis.result_view.number_text import between, count, signed, span
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate, geometric_mean


def together(values: Sequence[Estimate]) -> Estimate:
    """Return the geometric mean with Student's t on logarithms; a single number has the interval that it came with."""
    if len(values) == 1:
        return values[0]
    logs = np.log([estimate.value for estimate in values])
    middle = float(logs.mean())
    half = t_quantile(LEVEL, len(logs) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Estimate(math.exp(middle), (math.exp(middle - half), math.exp(middle + half)))


def averaged(values: Sequence[Estimate]) -> Estimate:
    """Return the geometric mean of values that are not independent: as wide as they are themselves, on average."""
    middle = geometric_mean([estimate.value for estimate in values])
    ends = [estimate.ends for estimate in values if estimate.ends is not None and estimate.ends[0] > 0.0]
    if len(ends) < len(values):
        return Estimate(middle)
    return Estimate(middle, (geometric_mean([low for low, _ in ends]), geometric_mean([high for _, high in ends])))


def described(values: Sequence[Estimate]) -> str:
    """Return such as `112 [95–130]; 98–121 over 3 values`."""
    if not values:
        return "–"
    mean = with_ends(together(values))
    if len(values) == 1:
        return f"{mean}, 1 value"
    numbers = [estimate.value for estimate in values]
    return f"{mean}; {span(min(numbers), max(numbers))} over {len(numbers)} values"


def with_ends(estimate: Estimate, unit: str = "") -> str:
    """Return such as `0.94× [0.8–1.1]`; the number alone where it has no interval."""
    return f"{signed(estimate.value)}{unit}" + ("" if estimate.ends is None else f" [{between(estimate.ends)}]")


def mean_steps(average: Average) -> str:
    """Return a mean number of optimizer steps with its interval; `≥` where a run never got there."""
    ends = average.ends
    interval = "" if isinstance(ends, Undefined) else f" [{count(round(ends[0]))}–{count(round(ends[1]))}]"
    return f"{'' if average.horizon is None else '≥ '}{count(round(average.value))}{interval}"


def speedup_text(speedup: SpeedUp) -> tuple[str, Estimate | QuotientBounds | None]:
    """Return a speed-up in words and as a number; where a run never grokked, the end of its interval as a bound."""
    average = speedup.average
    if isinstance(average, Undefined):
        return average.reason, None
    ours = average_estimate(average)
    text = f"{average.bound} {with_ends(ours, '×')}, n = {average.n}".lstrip()
    if average.horizon is not None:
        return f"not bounded; of restricted means {text}", None
    if not average.bound:
        return text, ours
    low, high = ours.ends or (ours.value, ours.value)
    return text, QuotientBounds(low, None) if average.bound == ">" else QuotientBounds(None, high)


def bound_text(bound: QuotientBounds) -> str:
    """Return such as `> 2.4×`."""
    ends = (("> ", bound.low), ("< ", bound.high))
    texts = [f"{sign}{signed(value)}×" for sign, value in ends if value is not None]
    return " and ".join(texts) or "unknown: neither grokked"
