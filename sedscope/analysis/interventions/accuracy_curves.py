"""Accuracy of a group over t: the mean of its runs and their range as a band.

Decides that mean and band end where the first run ends: further on the mean would be of other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Curve:
    """The test accuracy of several runs, at every t at which all of them were evaluated."""

    t: Ints
    """Steps `[m]`."""
    mean: Floats
    """Mean of the runs `[m]`."""
    low: Floats
    """The least of the runs `[m]`."""
    high: Floats
    """The largest `[m]`."""
    n: int
    """Runs."""


def shared_curve(curves: Sequence[tuple[Ints, Floats]]) -> Curve | Undefined:
    """Compute mean and range of (t, accuracy) of runs; runs that were never evaluated do not enter."""
    evaluated = [(t[np.isfinite(value)], value[np.isfinite(value)]) for t, value in curves if len(t)]
    if not evaluated:
        return Undefined("test accuracy was never logged")
    steps = reduce(np.intersect1d, (t for t, _ in evaluated))
    if len(steps) == 0:
        return Undefined("its runs were never evaluated at the same t")
    values = np.array([value[np.searchsorted(t, steps)] for t, value in evaluated])
    return Curve(steps, values.mean(axis=0), values.min(axis=0), values.max(axis=0), len(evaluated))
