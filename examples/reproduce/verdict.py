"""Verdicts: a published number, ours and a control put into plain words.

Decides the rules, which the page states in `RULES`. A number that agrees says nothing about what it was taken to show:
where a control gives the same, the verdict is the control's. Leaves to others: which control belongs to which claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sedscope.analysis.interventions.speedup import QuotientBounds
from sedscope.report.estimate import Estimate

SLACK: Final = 1.25
"""A published number comes without an interval: it is taken to mean itself up to this factor, both ways."""
COUPLING_LEAST: Final = 1.25
"""Couplings closer than this are not told apart: another fixed batch or draw can make as much."""
STEPS_LEAST: Final = 1.1
"""Grok steps closer than this factor are not told apart."""
REPEATS: Final = 8
"""Seeds that a removal from the update needs before it is told apart from anything: its trainings are chaotic in the
rounding, so that float32 and float64 subtraction part within a hundred steps."""

AGREES: Final = "agrees"
DISAGREES: Final = "disagrees"
UNDECIDED: Final = "undecided"
NOT_RUN: Final = "not run"
NOTHING_PUBLISHED: Final = "nothing published"
NO_NUMBER: Final = "no number"
APART: Final = "told apart from"
NOT_APART: Final = f"cannot be {APART}"
NO_MORE: Final = "no more than"

RULES: Final = (
    "**agrees**: our value lies in the published range, which is widened by a factor of"
    f" {SLACK:g} at both ends since it was published without an interval. **disagrees**: neither our value nor our 95 %"
    " interval reaches it. **undecided**: our value does not, but the interval does, or there is none.",
    "**cannot be told apart from …**: whatever the number is, the control that is named gives as much. What is"
    " measured is told apart from a control where it exceeds it by a factor of"
    f" {COUPLING_LEAST:g} (couplings) or {STEPS_LEAST:g} (speed-ups), and the 95 % interval of that factor, where there"
    " is one, leaves 1 out. **no more than …**: the control gives more, by such a factor. Of several"
    " controls the strongest counts that ours is not told apart from. A run that never grokked leaves a bound of a"
    " speed-up, whose 95 % limit is judged. Removal from the update is chaotic in the rounding of the subtraction: it"
    f" is told apart from nothing before {REPEATS} seeds are paired.",
    "Intervals are over seeds and operations (Student's t on logarithms) where there are two runs or more. With one run"
    " that of a coupling is over probes and random directions alone, and a grok step or a speed-up has none. The"
    " operations of one run share a training: they are averaged first, and count as one value.",
    "**not run**: the recordings are not there.",
)
"""The rules in words."""


@dataclass(frozen=True)
class Control:
    """A control of a claim: ours over the control's number."""

    name: str
    """In words, as they follow "cannot be told apart from"."""
    factor: Estimate | QuotientBounds
    """Ours over the control's; for speed-ups, how many times earlier than the control. A Ratio is a bound."""
    least: float
    """A factor that counts."""
    seeds_lacking: int = 0
    """Seeds that are missing until a factor counts at all; 0 where it does."""

    @property
    def value(self) -> float:
        """The factor; of a bound the end that there is, and 1 where there is none."""
        if isinstance(self.factor, Estimate):
            return self.factor.value
        return next((end for end in (self.factor.high, self.factor.low) if end is not None), 1.0)

    @property
    def is_exceeded(self) -> bool:
        """True where ours is told apart from it."""
        if self.seeds_lacking:
            return False
        if isinstance(self.factor, QuotientBounds):
            return self.factor.low is not None and self.factor.low >= self.least
        ends = self.factor.ends
        return self.factor.value >= self.least and (ends is None or ends[0] > 1.0)

    @property
    def exceeds(self) -> bool:
        """True where the control gives more than ours."""
        if self.seeds_lacking:
            return False
        if isinstance(self.factor, QuotientBounds):
            return self.factor.high is not None and self.factor.high <= 1.0 / self.least
        ends = self.factor.ends
        return self.factor.value <= 1.0 / self.least and (ends is None or ends[1] < 1.0)

    @property
    def seeds(self) -> str:
        """The words ` on one seed` where that is all, else nothing."""
        return " on one seed" if isinstance(self.factor, Estimate) and self.factor.ends is None else ""


def number(low: float | None, high: float | None, ours: Estimate | QuotientBounds | None) -> str:
    """Return the verdict on a published range by our number or its bound; `low` None where nothing was published."""
    if ours is None:
        return NOT_RUN
    if low is None or high is None:
        return NOTHING_PUBLISHED
    least, most = low / SLACK, high * SLACK
    if isinstance(ours, QuotientBounds):
        return _bound(least, most, ours)
    if least <= ours.value <= most:
        return AGREES
    side = "higher" if ours.value > most else "lower"
    if ours.ends is None:
        return f"{UNDECIDED}: ours is {side}, and one seed has no interval"
    if ours.ends[0] <= most and ours.ends[1] >= least:
        return f"{UNDECIDED}: ours is {side}, and our interval reaches it"
    return f"{DISAGREES}: ours is {side}"


def _bound(least: float, most: float, ours: QuotientBounds) -> str:
    if ours.low is not None and ours.low > most:
        return f"{DISAGREES}: ours is higher"
    if ours.high is not None and ours.high < least:
        return f"{DISAGREES}: ours is lower"
    return f"{UNDECIDED}: a run never grokked, and what bounds ours reaches it"


def verdict(
    low: float | None, high: float | None, ours: Estimate | QuotientBounds | None, controls: tuple[Control, ...] = ()
) -> str:
    """Return the verdict on one claim.

    Args:
        low: The least that was published; None where nothing was.
        high: The most.
        ours: What was measured, or what bounds it; None where nothing was.
        controls: Those that ours must exceed for the claim to mean anything.
    """
    words = number(low, high, ours)
    if ours is None or not controls:
        return words
    equals = [control for control in controls if not control.is_exceeded]
    strongest = min(equals or controls, key=lambda control: control.value)
    if not equals:
        return f"{words}; {APART} {strongest.name}{strongest.seeds}"
    alone = "" if words == NOTHING_PUBLISHED else f"; the number itself {words}"
    if strongest.exceeds:
        return f"{NO_MORE} {strongest.name}, which gives more{strongest.seeds}{alone}"
    lacking = strongest.seeds_lacking
    yet = f" yet: rounding alone moves these trainings, and {lacking} more seeds are needed" if lacking else ""
    return f"{NOT_APART} {strongest.name}{yet}{alone}"


def tally(verdicts: Sequence[str]) -> str:
    """Return in a sentence or two how many published numbers came out, and how many of them a control gives as well."""
    run = [text for text in verdicts if not text.startswith(NOT_RUN)]
    undecided, disagree = (sum(word in text for text in run) for word in (UNDECIDED, DISAGREES))
    agree = sum(bool(re.search(rf"\b{AGREES}", text)) for text in run)
    numbers = f"{agree} agree, {disagree} disagree, {undecided} are {UNDECIDED}"
    numbers += f", {none} gave no number" if (none := sum(text.startswith(NO_NUMBER) for text in run)) else ""
    missing = f"; {len(verdicts) - len(run)} were not run" if len(run) < len(verdicts) else ""
    matched = sum(text.startswith((NOT_APART, NO_MORE)) for text in run)
    controlled = matched + sum(text.count(APART) > text.count(NOT_APART) for text in run)
    controls = (
        f" A control stands beside {controlled} of them, and gives as much or more for {matched}." if controlled else ""
    )
    return f"Of {len(run)} published numbers that were measured, {numbers}{missing}.{controls}"
