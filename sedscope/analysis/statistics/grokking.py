"""When a task was memorised and when it was grokked, from its evaluated accuracies.

Decides the thresholds' meaning: the first *evaluated* t at or above them. Leaves to others: which metric is a task's
test accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES, MEMORISED_ACCURACY
from sedscope.analysis.undefined import Undefined


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
    """First evaluations with test accuracy 0.5 and 0.98, in this order."""
    memorised: Crossing | Undefined
    """First evaluation with train accuracy 0.99."""
    delay: int | Undefined
    """Grok step (0.5) minus memorisation step, in steps; negative where the task generalised first."""


def grokking(test: tuple[Ints, Floats], train: tuple[Ints, Floats], *, task: str) -> Grokking:
    """Find the milestones of a task from (steps, accuracy) of its test and train evaluations; either may be empty."""
    grok = tuple(first_crossing(*test, accuracy, f"test accuracy of {task}") for accuracy in GROK_ACCURACIES)
    memorised = first_crossing(*train, MEMORISED_ACCURACY, f"train accuracy of {task}")
    return Grokking(grok, memorised, _delay(grok[0], memorised))


def _delay(grok: Crossing | Undefined, memorised: Crossing | Undefined) -> int | Undefined:
    if isinstance(grok, Undefined):
        return grok
    if isinstance(memorised, Undefined):
        return memorised
    return grok.t - memorised.t
