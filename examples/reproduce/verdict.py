"""From a published number, ours and a control to plain words.

Decides the rules, which the page states in `RULES`. A number that agrees says nothing about what it was taken to show:
where a control gives the same, the verdict is the control's. Leaves to others: which control belongs to which claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sedscope.report.estimate import Estimate

SLACK: Final = 1.25
"""A published number comes without an interval: it is taken to mean itself up to this factor, both ways."""
COUPLING_LEAST: Final = 1.25
"""Couplings closer than this are not told apart: another fixed batch or draw can make as much."""
STEPS_LEAST: Final = 1.1
"""The same of grok steps."""

AGREES: Final = "agrees"
DISAGREES: Final = "disagrees"
UNDECIDED: Final = "undecided"
NOT_RUN: Final = "not run"
NOTHING_PUBLISHED: Final = "nothing published"
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
    " controls the strongest counts.",
    "Intervals are over seeds and operations (Student's t on logarithms) where there are two runs or more. With one run"
    " that of a coupling is over probes and random directions alone, and a grok step or a speed-up has none. The"
    " operations of one run share a training: they are averaged first, and count as one value.",
    "**not run**: the recordings are not there.",
)
"""The rules in words."""


@dataclass(frozen=True)
class Control:
    """What a control says about a claim."""

    name: str
    """In words, as they follow "cannot be told apart from"."""
    factor: Estimate
    """Ours over the control's; for speed-ups, how many times earlier than the control."""
    least: float
    """A factor that counts."""

    @property
    def is_exceeded(self) -> bool:
        """Whether ours is told apart from it."""
        ends = self.factor.ends
        return self.factor.value >= self.least and (ends is None or ends[0] > 1.0)

    @property
    def exceeds(self) -> bool:
        """Whether the control gives more than ours."""
        ends = self.factor.ends
        return self.factor.value <= 1.0 / self.least and (ends is None or ends[1] < 1.0)


def number(low: float | None, high: float | None, ours: Estimate | None) -> str:
    """What our number says about a published range; `low` None where nothing was published."""
    if ours is None:
        return NOT_RUN
    if low is None or high is None:
        return NOTHING_PUBLISHED
    least, most = low / SLACK, high * SLACK
    if least <= ours.value <= most:
        return AGREES
    side = "higher" if ours.value > most else "lower"
    if ours.ends is None:
        return f"{UNDECIDED}: ours is {side}, and one seed has no interval"
    if ours.ends[0] <= most and ours.ends[1] >= least:
        return f"{UNDECIDED}: ours is {side}, and our interval reaches it"
    return f"{DISAGREES}: ours is {side}"


def verdict(low: float | None, high: float | None, ours: Estimate | None, controls: tuple[Control, ...] = ()) -> str:
    """The words of one claim.

    Args:
        low: The least that was published; None where nothing was.
        high: The most.
        ours: What was measured; None where nothing was.
        controls: Those that ours must exceed for the claim to mean anything.
    """
    words = number(low, high, ours)
    if ours is None or not controls:
        return words
    strongest = min(controls, key=lambda one: one.factor.value)
    seeds = " on one seed" if strongest.factor.ends is None else ""
    if strongest.is_exceeded:
        return f"{words}; {APART} {strongest.name}{seeds}"
    alone = "" if words == NOTHING_PUBLISHED else f"; the number itself {words}"
    if strongest.exceeds:
        return f"{NO_MORE} {strongest.name}, which gives more{seeds}{alone}"
    return f"{NOT_APART} {strongest.name}{alone}"


def tally(verdicts: Sequence[str]) -> str:
    """How many published numbers came out, and how many of them a control gives as well, in one sentence or two."""
    run = [one for one in verdicts if not one.startswith(NOT_RUN)]
    counts = {
        DISAGREES: sum(DISAGREES in one for one in run),
        UNDECIDED: sum(UNDECIDED in one for one in run),
    }
    found = {"agree": len(run) - sum(counts.values()), "disagree": counts[DISAGREES], UNDECIDED: counts[UNDECIDED]}
    numbers = ", ".join(f"{count} {'are ' if word == UNDECIDED else ''}{word}" for word, count in found.items())
    missing = f"; {len(verdicts) - len(run)} were not run" if len(run) < len(verdicts) else ""
    matched = sum(one.startswith((NOT_APART, NO_MORE)) for one in run)
    controlled = matched + sum(one.count(APART) > one.count(NOT_APART) for one in run)
    controls = (
        f" A control stands beside {controlled} of them, and gives as much or more for {matched}." if controlled else ""
    )
    return f"Of {len(run)} published numbers that were measured, {numbers}{missing}.{controls}"
