"""Comparison of opened runs: the tree of results, and the order of the steps that lead to it.

The tree is cohorts, their tasks, and in each the groups of runs with what they say. The curve of a group ends where its
first run ends: further on the mean would be of other runs.

from sedscope import open_run
from sedscope.analysis.interventions import compare_runs
for cohort, task, group in compare_runs([open_run(path) for path in paths]).groups(): …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions.averages import Average, mean_step
from sedscope.analysis.interventions.cohorts import (
    cohort_labels,
    cohorts_of,
    command_of,
    notes_on,
    treatments_of,
    why_no_control,
)
from sedscope.analysis.interventions.outcome import Outcome, outcome_of, shares
from sedscope.analysis.interventions.speedup import (
    NO_FREEZE,
    ReferenceComparison,
    SpeedUp,
    freeze_of,
    random_of,
    speed_up,
    trials,
)
from sedscope.analysis.interventions.treatment import CONTROLLED, Treatment, labels
from sedscope.analysis.settings import GrokDefinition
from sedscope.analysis.statistics.grokking import Grokking
from sedscope.analysis.statistics.survival import CensoredTime, kaplan_meier
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


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

    @property
    def milestones(self) -> Grokking:
        """Milestones of the first run: those of every run are of the same accuracy."""
        outcome = self.groups[0].runs[0].on(self.task)
        assert outcome is not None
        return outcome.grokking


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


def compare_runs(runs: Sequence[Run], definition: GrokDefinition = "above-chance") -> InterventionComparison:
    """Compare opened runs, by this definition of their milestones.

    Raises:
        DamagedError, RefusedError: The scalars or targets of a run cannot be read.
    """
    return compare([outcome_of(run, definition) for run in runs])


def compare(outcomes: Sequence[Outcome]) -> InterventionComparison:
    """Compare runs, as far as they share everything but seed and intervention."""
    cohorts = cohorts_of(outcomes)
    return InterventionComparison(
        tuple(
            Cohort(label, command_of(runs), tuple(_tasks(runs, outcomes)), tuple(notes_on(runs)))
            for runs, label in zip(cohorts, cohort_labels(cohorts), strict=True)
        )
    )


def _tasks(runs: Sequence[Outcome], everyone: Sequence[Outcome]) -> Iterator[TaskComparison]:
    for task in dict.fromkeys(outcome.task for run in runs for outcome in run.tasks):
        yield _Task(runs, everyone, task).comparison()


class _Task:
    """One task of one cohort."""

    def __init__(self, runs: Sequence[Outcome], everyone: Sequence[Outcome], task: str) -> None:
        self._runs, self._everyone, self._task = runs, everyone, task
        self._treatments = treatments_of([run for run in runs if run.on(task) is not None])
        self._labels = labels(self._treatments)

    def comparison(self) -> TaskComparison:
        return TaskComparison(self._task, tuple(self._group(treatment) for treatment in self._treatments))

    def _group(self, treatment: Treatment) -> TreatmentGroup:
        all_runs = [run for run in self._runs if run.treatment.key == treatment.key]
        with_task = self._with_task(treatment)
        outcomes = [outcome for run in with_task if (outcome := run.on(self._task)) is not None]
        freeze = freeze_of(treatment, self._treatments)
        return TreatmentGroup(
            treatment=treatment,
            label=self._labels[treatment.key],
            runs=tuple(with_task),
            without_task=tuple(run for run in all_runs if run not in with_task),
            reaching=tuple(self._time_to(with_task, threshold) for threshold in GROK_ACCURACIES),
            speedups=self._over(CONTROLLED, treatment) if treatment.acts else (),
            beside=tuple(self._beside(treatment, freeze)),
            no_freeze=NO_FREEZE if treatment.needs_freeze and freeze is None else None,
            norm_kept=shares([run.norm_kept for run in with_task]),
            curve=shared_curve([outcome.test for outcome in outcomes]),
        )

    def _with_task(self, treatment: Treatment) -> list[Outcome]:
        return [run for run in self._runs if run.treatment.key == treatment.key and run.on(self._task) is not None]

    def _time_to(self, runs: Sequence[Outcome], threshold: float) -> TimeToThreshold:
        trial_times = [trial.time for trial in trials(runs, self._task, threshold)]
        times = [time for time in trial_times if isinstance(time, CensoredTime)]
        if not times:
            reason = next(time for time in trial_times if isinstance(time, Undefined))
            return TimeToThreshold(threshold, 0, 0, reason, reason)
        reached = sum(time.reached for time in times)
        return TimeToThreshold(threshold, len(times), reached, mean_step(times), kaplan_meier(times).median)

    def _over(self, reference: Treatment, own: Treatment) -> tuple[SpeedUp, ...]:
        missing_reason = None
        if reference not in self._treatments:
            missing_reason = why_no_control(self._runs, self._everyone, self._task)
        name = self._labels.get(reference.key, reference.label)
        return tuple(
            speed_up(
                trials(self._with_task(reference), self._task, threshold),
                trials(self._with_task(own), self._task, threshold),
                threshold=threshold,
                name=name,
                missing_reason=missing_reason,
            )
            for threshold in GROK_ACCURACIES
        )

    def _beside(self, treatment: Treatment, freeze: Treatment | None) -> Iterator[ReferenceComparison]:
        if freeze is not None:
            yield ReferenceComparison("freeze", self._over(freeze, treatment))
        random = random_of(treatment, self._treatments)
        if random is not None:
            yield ReferenceComparison("random", self._over(random, treatment))
