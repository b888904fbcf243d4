"""When a task was memorised and when it was grokked, from its evaluated accuracies.

Decides the thresholds' meaning: the first *evaluated* t at which (accuracy − chance) / (1 − chance) is at or above
them, where that is not t = 0. Leaves to others: which metric is a task's test accuracy, and what its chance is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES, MEMORISED_ACCURACY
from sedscope.analysis.undefined import Undefined

AT_START = Undefined("the accuracy was there at t = 0 already, before any training")


@dataclass(frozen=True, slots=True)
class Crossing:
    """The first evaluation at or above a threshold."""

    t: int
    threshold: float
    cadence: int | Undefined
    """Steps since the evaluation before: the true crossing lies within them."""


def first_crossing(t: Ints, value: Floats, threshold: float, metric: str) -> Crossing | Undefined:
    """Return the first evaluated t whose value is at least the threshold. NaN and Inf reach none.

    Args:
        t: Steps of the evaluations `[m]`, ascending.
        value: Measured values `[m]`.
        threshold: Least value, in the unit of the values.
        metric: Name of the metric, for the reason.

    Raises:
        UsageError: Lengths differ or steps do not ascend.
    """
    if t.shape != value.shape or np.any(np.diff(t) <= 0):
        raise UsageError(f"{metric}: needs one value for each of its ascending steps; found {t.shape}, {value.shape}")
    if t.size == 0:
        return Undefined(f"{metric} was never logged")
    finite = value[np.isfinite(value)]
    hits = np.flatnonzero(np.isfinite(value) & (value >= threshold))
    if hits.size == 0:
        highest = f"highest {finite.max():.3g}" if finite.size else "all NaN or Inf"
        return Undefined(f"{metric} never reached {threshold:g} in {t.size} evaluations ({highest})")
    first = int(hits[0])
    cadence = int(t[first] - t[first - 1]) if first else Undefined(f"{metric}: the first evaluation is already there")
    return Crossing(int(t[first]), threshold, cadence)


@dataclass(frozen=True, slots=True)
class Grokking:
    """The milestones of one task."""

    grok: tuple[Crossing | Undefined, ...]
    """First evaluations with test accuracy 0.5 and 0.98 above chance, in this order."""
    memorised: Crossing | Undefined
    """First evaluation with train accuracy 0.99 above chance."""
    delay: int | Undefined
    """Grok step (0.5) minus memorisation step, in steps; undefined where the task was not memorised before."""
    chance: float | Undefined
    """Accuracy of guessing; undefined where accuracies stand as they were logged, with the reason."""

    @property
    def accuracy(self) -> str:
        """The accuracy that the thresholds are of, in words."""
        return "accuracy as logged" if isinstance(self.chance, Undefined) else "accuracy above chance"

    def accuracy_at(self, threshold: float) -> float:
        """Return the accuracy, as a script logs it, that a threshold stands for."""
        return threshold if isinstance(self.chance, Undefined) else self.chance + threshold * (1.0 - self.chance)


def grokking(
    test: tuple[Ints, Floats], train: tuple[Ints, Floats], *, task: str, chance: float | Undefined
) -> Grokking:
    """Find the milestones of a task.

    Args:
        test: Steps `[m]` and accuracies `[m]` of its test evaluations; may be empty.
        train: The same of its train evaluations.
        task: Its name, for reasons.
        chance: Accuracy of guessing, at least 0 and below 1; undefined for the published definition, which takes
            accuracies as they were logged (arXiv 2604.25143).
    """
    guessing = 0.0 if isinstance(chance, Undefined) else chance
    above = "" if isinstance(chance, Undefined) else " above chance"

    def milestone(evaluations: tuple[Ints, Floats], threshold: float, what: str) -> Crossing | Undefined:
        t, accuracy = evaluations
        name = f"{what} accuracy of {task}{above}"
        crossing = first_crossing(t, (accuracy - guessing) / (1.0 - guessing), threshold, name)
        return AT_START if isinstance(crossing, Crossing) and crossing.t == 0 else crossing

    grok = tuple(milestone(test, threshold, "test") for threshold in GROK_ACCURACIES)
    memorised = milestone(train, MEMORISED_ACCURACY, "train")
    return Grokking(grok, memorised, _delay(grok[0], memorised), chance)


def _delay(grok: Crossing | Undefined, memorised: Crossing | Undefined) -> int | Undefined:
    if isinstance(grok, Undefined):
        return grok
    if isinstance(memorised, Undefined):
        return memorised
    if grok.t <= memorised.t:
        return Undefined(f"memorisation did not come first: memorised at t = {memorised.t}, grokked at t = {grok.t}")
    return grok.t - memorised.t


@dataclass(frozen=True, slots=True)
class Phases:
    """The checkpoints of a training, apart by a task's milestones."""

    before: tuple[int, ...] | Undefined
    """From the memorisation step up to the grok step."""
    at_grok: tuple[int, ...] | Undefined
    """The checkpoint that is nearest to the grok step, the earlier of two; it is in neither of the others."""
    after: tuple[int, ...] | Undefined
    """After the grok step."""

    @classmethod
    def of(cls, checkpoints: Sequence[int], grokking: Grokking) -> Phases:
        """Split ascending checkpoints by the grok step at 0.5 and the memorisation step."""
        grok = grokking.grok[0]
        if isinstance(grok, Undefined):
            return cls(grok, grok, grok)
        nearest = min(checkpoints, key=lambda t: abs(t - grok.t), default=grok.t)
        others = [t for t in checkpoints if t != nearest]
        # Without a delay nothing lies between memorisation and grok step, for the same reason.
        delay = grokking.delay
        before = delay if isinstance(delay, Undefined) else tuple(t for t in others if grok.t - delay <= t < grok.t)
        return cls(before, (nearest,), tuple(t for t in others if t > grok.t))
