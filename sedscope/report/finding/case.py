"""The subject of the finding's rules: the series of one run, task, W and K, two of them over one another, in words.

Decides which source stands for the gradient and which for the trajectory, and where two can be compared. Two numbers
are above or below one another only where the interval of their quotient leaves 1 out.
"""

from __future__ import annotations

from dataclasses import dataclass

from recorders.row_sources import CONTROL_SHUFFLED, ROW_SOURCES, Source
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.result_view.number_text import between, times
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, Measure, divide, usable, why_unusable

_HEADLINES = [row for row in ROW_SOURCES if row.is_headline]
"""From the gradient at fixed examples to the displacement: the ends of this order are what the rules prefer."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run, one task, one W and K, as the rules look at them."""

    run: RunAnalysis
    task: str
    window: int
    rank: int

    def series(self, *sources: str) -> CouplingSeries | None:
        """Return the first of these sources that has a usable checkpoint; else the first that was analysed at all."""
        view = RunView(self.run)
        analysed = [
            series for source in sources if (series := view.find(source, self.task, self.window, self.rank)) is not None
        ]
        return next((series for series in analysed if usable(series)), analysed[0] if analysed else None)

    @property
    def gradient(self) -> CouplingSeries | None:
        """The task's gradient, at fixed examples where the run has it."""
        return self.series(*(row.name(self.task) for row in _HEADLINES if row.sign < 0))

    @property
    def trajectory(self) -> CouplingSeries | None:
        """The movement of the weights."""
        return self.series(*(row.name(self.task) for row in reversed(_HEADLINES) if row.sign > 0))

    @property
    def shuffled(self) -> CouplingSeries | None:
        """The control that knows no labels."""
        return self.series(Source(CONTROL_SHUFFLED, self.task).name)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One series over another, at the last checkpoint where both are usable and over all of them."""

    t: int
    """The last checkpoint where both are usable."""
    above: Estimate
    """Value of the first series at t."""
    below: Estimate
    """Value of the second series at t."""
    factor: Estimate
    """Their quotient at t."""
    lowest: float
    """The least quotient over all shared checkpoints."""
    highest: float
    """The largest quotient over all shared checkpoints."""
    n: int
    """Number of shared checkpoints."""

    @property
    def verdict(self) -> str:
        """The relation by the quotient's interval: `above`, `below`, `equal`, or `open` without one."""
        if self.factor.ends is None:
            return "open"
        low, high = self.factor.ends
        return "above" if low > 1.0 else "below" if high < 1.0 else "equal"


def contrast(
    above: CouplingSeries | None,
    below: CouplingSeries | None,
    measure: Measure = RBAR,
    *,
    names: tuple[str, str] = ("", ""),
) -> Contrast | Undefined:
    """Return the quotient of two series where both can be compared; `names` are theirs in the reason why not."""
    for series, name in zip((above, below), names, strict=True):
        if series is None:
            return Undefined(f"{name} was not analysed")
        if not usable(series, measure):
            return Undefined(f"{series.source}: {why_unusable(series, measure).reason}")
    assert above is not None and below is not None
    ours, theirs = _with_spread(above, measure), _with_spread(below, measure)
    factors = {t: factor for t in ours if t in theirs and isinstance(factor := divide(ours[t], theirs[t]), Estimate)}
    if not factors:
        return Undefined("they share no checkpoint with full windows")
    t, values = max(factors), [factor.value for factor in factors.values()]
    return Contrast(t, ours[t], theirs[t], factors[t], min(values), max(values), len(values))


def _with_spread(series: CouplingSeries, measure: Measure) -> dict[int, Estimate]:
    """Return usable values; where a source was drawn several times, their intervals hold R̄_k of every draw."""
    estimates = usable(series, measure)
    if measure is not RBAR:
        return estimates
    for point in series.points:
        value = estimates.get(point.t)
        if value is not None and value.ends is not None and point.spread is not None:
            ends = min(value.ends[0], point.spread.low), max(value.ends[1], point.spread.high)
            estimates[point.t] = Estimate(value.value, ends)
    return estimates


def factor_words(factor: Estimate) -> str:
    """Return `14× (11–17)`."""
    return times(factor.value, 2) + ("" if factor.ends is None else f" ({between(factor.ends)})")


def over(contrast: Contrast) -> str:
    """Return the range over checkpoints; empty where there is one alone."""
    if contrast.n < 2:
        return ""
    return f"; over {checkpoints(contrast.n)} {times(contrast.lowest, 2)} to {times(contrast.highest, 2)}"


def checkpoints(n: int) -> str:
    """Return `7 checkpoints`."""
    return f"{n} checkpoint{'' if n == 1 else 's'}"
