"""One pair of runs: how many times earlier one got there than the other, or the bound that is all that is known.

Decides what a run without a crossing leaves of a quotient, and that several runs of one seed count as one. Leaves to
others: which runs are a pair, and what several pairs say together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class QuotientBounds:
    """Bounds on a quotient above 0; both are the number itself where it is known."""

    low: float | None
    """It lies above this; None where nothing bounds it from below."""
    high: float | None
    """It lies below this."""

    @property
    def exact(self) -> float | None:
        """The number, or None where only bounds are known."""
        return self.low if self.low == self.high else None


def time_quotient(reference: CensoredTime, own: CensoredTime) -> QuotientBounds | Undefined:
    """Divide the time of the reference by the own time: above 1 where the own run was earlier.

    A reference that never got there makes it a lower bound, an own run that never did an upper one.
    """
    if own.t <= 0.0 or reference.t <= 0.0:
        first = "own run" if own.t <= 0.0 else "reference"
        return Undefined(f"the {first} was already there, or ended, at t = 0")
    value = reference.t / own.t
    low = value if own.reached else None
    high = value if reference.reached else None
    return QuotientBounds(low, high)


def geometric_bound(quotients: Sequence[QuotientBounds]) -> QuotientBounds:
    """Return bounds on the geometric mean of several quotients: an end where every quotient has that end."""
    lows, highs = [quotient.low for quotient in quotients], [quotient.high for quotient in quotients]
    return QuotientBounds(_geometric_mean(lows), _geometric_mean(highs))


def combine_runs_of_seed(times: Sequence[CensoredTime]) -> CensoredTime:
    """Combine runs of one seed: their geometric mean, which is only a least time where one never got there."""
    if len(times) == 1:
        return times[0]
    reached = all(time.reached for time in times)
    mean = _geometric_mean([time.t for time in times])
    return CensoredTime(mean or 0.0, reached, max(time.cadence for time in times) if reached else 0.0)


def _geometric_mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None
    if min(numbers) <= 0.0:
        return 0.0
    return math.exp(math.fsum(map(math.log, numbers)) / len(numbers))
