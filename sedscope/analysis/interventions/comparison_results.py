"""The tree that a comparison is: cohorts, their tasks, and in each the groups of runs with what they say.

Decides that the curve of a group ends where its first run ends: further on the mean would be of other runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.outcome import Outcome
from sedscope.analysis.interventions.reference_groups import ReferenceComparison
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.treatment import Treatment
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


@dataclass(frozen=True, slots=True)
class TimeToThreshold:
    """The time that a group took to one threshold."""

    threshold: float
    n: int
    """Seeds whose accuracy is known."""
    reached: int
    """Seeds of which every run got there."""
    mean: Average | Undefined
    """Arithmetic mean of steps; restricted to a horizon where one never got there."""
    median: float | Undefined
    """Median step of Kaplan–Meier's estimate."""


@dataclass(frozen=True, slots=True)
class TreatmentGroup:
    """The runs of one intervention on one task."""

    treatment: Treatment
    label: str
    runs: tuple[Outcome, ...]
    """Runs that have the task."""
    without_task: tuple[Outcome, ...]
    """Runs that ended before the task was named."""
    reaching: tuple[TimeToThreshold, ...]
    """One for each threshold."""
    speedups: tuple[SpeedUp, ...]
    """Over the control, one for each threshold; empty for the control itself."""
    beside: tuple[ReferenceComparison, ...]
    """Speed-ups over `freeze` and over a random subspace."""
    no_freeze: Undefined | None
    """Set where a subspace was kept and `freeze` is missing."""
    norm_kept: tuple[float, float, float] | Undefined
    """Least, median and largest share of the norm let through, over its runs."""
    curve: Curve | Undefined
    """Test accuracy."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """Every intervention on one task; the control first, `freeze` next."""

    task: str
    groups: tuple[TreatmentGroup, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Runs that differ in nothing but seed and intervention."""

    label: str
    """The words that tell its command from those of the others; empty where there is one cohort."""
    command: tuple[str, ...]
    """Command of the training, without the seed."""
    tasks: tuple[TaskComparison, ...]
    notes: tuple[str, ...]
    """Remarks for the reader: other commits or devices among its runs, seeds that ran twice."""


@dataclass(frozen=True, slots=True)
class InterventionComparison:
    """All compared runs, cohort by cohort."""

    cohorts: tuple[Cohort, ...]

    @property
    def has_intervention(self) -> bool:
        """True where some run was intervened on; without one there is nothing to compare."""
        return any(group.treatment.acts for _, _, group in self.groups())

    def groups(self) -> Iterator[tuple[Cohort, str, TreatmentGroup]]:
        """Yield every group with its cohort and task."""
        for cohort in self.cohorts:
            for comparison in cohort.tasks:
                for group in comparison.groups:
                    yield cohort, comparison.task, group
