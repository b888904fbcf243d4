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
    """What is known of a quotient above 0; both ends are the number itself where it is known."""

    low: float | None
    """It lies above this; None where nothing bounds it from below."""
    high: float | None
    """It lies below this."""

    @property
    def exact(self) -> float | None:
        """The number, or None where only bounds are known."""
        return self.low if self.low == self.high else None


def time_quotient(reference: CensoredTime, own: CensoredTime) -> QuotientBounds | Undefined:
    """Time of the reference over the own time: above 1 where the own run was earlier.

    A reference that never got there makes it a lower bound, an own run that never did an upper one.
    """
    if own.t <= 0.0 or reference.t <= 0.0:
        first = "own run" if own.t <= 0.0 else "reference"
        return Undefined(f"the {first} was already there, or ended, at t = 0")
    value = reference.t / own.t
    low = value if own.reached else None
    high = value if reference.reached else None
    return QuotientBounds(low, high)


def geometric_bound(ratios: Sequence[QuotientBounds]) -> QuotientBounds:
    """What is known of the geometric mean of several: an end where every one has that end."""
    return QuotientBounds(_geometric([one.low for one in ratios]), _geometric([one.high for one in ratios]))


def combine_runs_of_seed(times: Sequence[CensoredTime]) -> CensoredTime:
    """Several runs of one seed: their geometric mean, which is only a least time where one never got there."""
    if len(times) == 1:
        return times[0]
    reached = all(one.reached for one in times)
    middle = _geometric([one.t for one in times])
    return CensoredTime(middle or 0.0, reached, max(one.cadence for one in times) if reached else 0.0)


def _geometric(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if min(known) <= 0.0:
        return 0.0
    return math.exp(math.fsum(map(math.log, known)) / len(known))
