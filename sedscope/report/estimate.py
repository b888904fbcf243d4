"""A number with its 95 % interval, arithmetic on both, and the ratios of a series as such numbers.

Decides how the interval of a sum or quotient follows from those of its parts: by their ends. The parts share probes and
random directions, so their errors are not independent; the ends bound the result whatever they have in common, and are
wider than a joint bootstrap would be. What cannot be computed is an `Undefined`. Two series can be compared at
checkpoints at which both windows are full and both ratios are defined.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.result_view.number_text import Ends, between, signed
from sedscope.analysis.result_view.result_column import Value
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Estimate:
    """A finite number and the ends of its interval."""

    value: float
    ends: Ends | None = None
    """None where no interval is known; both equal to the value where it is exact."""
    remark: str = ""
    """Words that belong beside the number wherever it is shown by itself."""

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """Return a number without uncertainty, such as a constant."""
        return cls(value, (value, value))

    @property
    def is_exact(self) -> bool:
        """True where the interval is the number itself."""
        return self.ends == (self.value, self.value)

    def __str__(self) -> str:
        remark = f" ({self.remark})" if self.remark else ""
        if self.is_exact:
            return f"{self.value:g}".replace("-", "−") + remark
        return f"{signed(self.value)} ({'no interval' if self.ends is None else between(self.ends)}){remark}"


def estimate_of(value: Value) -> Estimate | Undefined:
    """Return the value of a result column as a number with its interval."""
    if value is None or isinstance(value, Undefined):
        return Undefined("it was not measured") if value is None else value
    remark = f"mean over {value.n} checkpoint{'' if value.n == 1 else 's'}" if value.n else ""
    return Estimate(float(value.value), value.ends, at_edge(value.edge) if value.edge else remark)


def at_edge(edge: str) -> str:
    """Return the remark on a peak at an edge of what was seen."""
    return f"at {edge}, an edge of what was seen"


def average_estimate(average: Average) -> Estimate:
    """Return an average over seeds as a number with its interval."""
    return Estimate(average.value, None if isinstance(average.ends, Undefined) else average.ends)


def add(left: Estimate, right: Estimate) -> Estimate | Undefined:
    """Return left + right."""
    return _combined(left, right, lambda a, b: a + b)


def subtract(left: Estimate, right: Estimate) -> Estimate | Undefined:
    """Return left − right."""
    return _combined(left, right, lambda a, b: a - b)


def multiply(left: Estimate, right: Estimate) -> Estimate | Undefined:
    """Return left · right."""
    return _combined(left, right, lambda a, b: a * b)


def divide(left: Estimate, right: Estimate) -> Estimate | Undefined:
    """Return left / right; without an interval where the divisor's holds zero."""
    if right.value == 0.0:
        return Undefined("a division by zero")
    if right.ends is not None and right.ends[0] <= 0.0 <= right.ends[1]:
        right = Estimate(right.value)
    return _combined(left, right, lambda a, b: a / b)


def _combined(left: Estimate, right: Estimate, operation: Callable[[float, float], float]) -> Estimate | Undefined:
    try:
        value = operation(left.value, right.value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        return Undefined("the result is too large for a number")
    if left.ends is None or right.ends is None:
        return Estimate(value)
    corners = [operation(a, b) for a in left.ends for b in right.ends]
    return Estimate(value, (min(corners), max(corners))) if all(map(math.isfinite, corners)) else Estimate(value)


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean of positive numbers."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def estimate(point: CheckpointCoupling) -> Estimate | Undefined:
    """Return R̄_k at a checkpoint with its interval."""
    return estimate_of(RBAR.read(point))


def usable(series: CouplingSeries) -> dict[int, Estimate]:
    """Return R̄_k at every checkpoint with a full window and a defined ratio, by t."""
    estimates = {point.t: estimate(point) for point in series.points if point.full}
    return {t: value for t, value in estimates.items() if isinstance(value, Estimate)}
