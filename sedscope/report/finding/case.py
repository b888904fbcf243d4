"""What the rules of the finding look at: the series of one run, task, W and K, and two of them over one another.

Decides which source stands for the gradient and which for the trajectory, and where two can be compared. Two numbers
are above or below one another only where the interval of their quotient leaves 1 out.
"""

from __future__ import annotations

from dataclasses import dataclass

from recorders.format import CONTROL_SHUFFLED, DISPLACEMENT, FIXED_GRADIENT, GRADIENT, UPDATE, Source
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, divide
from sedscope.report.select import Kind, find, usable, why_unusable


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at: one run, one task, one W and K."""

    run: RunAnalysis
    task: str
    window: int
    rank: int

    def series(self, *sources: str) -> CouplingSeries | None:
        """The first of these sources that has a usable checkpoint; else the first that is there at all."""
        found = [
            one for name in sources if (one := find(self.run, name, self.task, self.window, self.rank)) is not None
        ]
        return next((one for one in found if usable(one)), found[0] if found else None)

    @property
    def gradient(self) -> CouplingSeries | None:
        """Of the task, at fixed examples where it is known."""
        own = (Source(FIXED_GRADIENT, self.task).name, Source(GRADIENT, self.task).name)
        return self.series(*own, GRADIENT)

    @property
    def trajectory(self) -> CouplingSeries | None:
        """What the weights did."""
        return self.series(DISPLACEMENT, UPDATE)

    @property
    def shuffled(self) -> CouplingSeries | None:
        """The control that knows no labels."""
        return self.series(Source(CONTROL_SHUFFLED, self.task).name)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One series over another, at the last checkpoint where both are usable and over all of them."""

    t: int
    above: Estimate
    below: Estimate
    factor: Estimate
    lowest: float
    highest: float
    n: int

    @property
    def verdict(self) -> str:
        """`above`, `below`, `equal`, or `open` where no interval is known."""
        if self.factor.ends is None:
            return "open"
        low, high = self.factor.ends
        return "above" if low > 1.0 else "below" if high < 1.0 else "equal"


def contrast(
    above: CouplingSeries | None, below: CouplingSeries | None, kind: Kind = "rbar", *, what: tuple[str, str] = ("", "")
) -> Contrast | Undefined:
    """The quotient of two series where both can be compared."""
    for series, name in zip((above, below), what, strict=True):
        if series is None:
            return Undefined(f"{name} was not analysed")
        if not usable(series, kind):
            return Undefined(f"{series.source}: {why_unusable(series, kind).reason}")
    assert above is not None and below is not None
    ours, theirs = _with_spread(above, kind), _with_spread(below, kind)
    factors = {t: one for t in ours if t in theirs and isinstance(one := divide(ours[t], theirs[t]), Estimate)}
    if not factors:
        return Undefined("they share no checkpoint with full windows")
    t, values = max(factors), [one.value for one in factors.values()]
    return Contrast(t, ours[t], theirs[t], factors[t], min(values), max(values), len(values))


def _with_spread(series: CouplingSeries, kind: Kind) -> dict[int, Estimate]:
    """Usable values; where a source was drawn several times, their intervals hold R̄_k of every draw."""
    found = usable(series, kind)
    if kind != "rbar":
        return found
    for point in series.points:
        value = found.get(point.t)
        if value is not None and value.ends is not None and point.spread is not None:
            ends = min(value.ends[0], point.spread.low), max(value.ends[1], point.spread.high)
            found[point.t] = Estimate(value.value, ends)
    return found
