"""From opened runs to the tree of a comparison: the order of the steps, and nothing else.

from sedscope import open_run
from sedscope.analysis.interventions import compare_runs
for cohort, task, group in compare_runs([open_run(path) for path in paths]).groups(): …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sedscope.analysis.interventions.accuracy_curves import shared_curve
from sedscope.analysis.interventions.averages import mean_step
from sedscope.analysis.interventions.cohorts import (
    cohort_labels,
    cohorts_of,
    command_of,
    notes_on,
    treatments_of,
    why_no_control,
)
from sedscope.analysis.interventions.comparison_results import (
    Cohort,
    InterventionComparison,
    TaskComparison,
    TimeToThreshold,
    TreatmentGroup,
)
from sedscope.analysis.interventions.norm_share import shares
from sedscope.analysis.interventions.outcome import Outcome, outcome_of
from sedscope.analysis.interventions.reference_groups import NO_FREEZE, Kind, ReferenceComparison, freeze_of, random_of
from sedscope.analysis.interventions.speedup import SpeedUp, Trial, speed_up, trials
from sedscope.analysis.interventions.treatment import CONTROLLED, Treatment, labels
from sedscope.analysis.statistics.grokking import GROK_ACCURACIES
from sedscope.analysis.statistics.survival import CensoredTime, kaplan_meier
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


def compare_runs(runs: Sequence[Run]) -> InterventionComparison:
    """Opened runs beside one another.

    Raises:
        DamagedError, RefusedError: The scalars of a run cannot be read.
    """
    return compare([outcome_of(run) for run in runs])


def compare(outcomes: Sequence[Outcome]) -> InterventionComparison:
    """Runs beside one another, as far as they share everything but seed and intervention."""
    found = cohorts_of(outcomes)
    return InterventionComparison(
        tuple(
            Cohort(label, command_of(runs), tuple(_tasks(runs, outcomes)), tuple(notes_on(runs)))
            for runs, label in zip(found, cohort_labels(found), strict=True)
        )
    )


def _tasks(runs: Sequence[Outcome], everyone: Sequence[Outcome]) -> Iterator[TaskComparison]:
    for task in dict.fromkeys(task.task for one in runs for task in one.tasks):
        yield _Task(runs, everyone, task).comparison()


class _Task:
    """One task of one cohort."""

    def __init__(self, runs: Sequence[Outcome], everyone: Sequence[Outcome], task: str) -> None:
        self._runs, self._everyone, self._task = runs, everyone, task
        self._treatments = treatments_of([one for one in runs if one.on(task) is not None])
        self._labels = labels(self._treatments)

    def comparison(self) -> TaskComparison:
        return TaskComparison(self._task, tuple(self._group(one) for one in self._treatments))

    def _group(self, treatment: Treatment) -> TreatmentGroup:
        all_runs = [one for one in self._runs if one.treatment.key == treatment.key]
        mine = self._mine(treatment)
        outcomes = [task for one in mine if (task := one.on(self._task)) is not None]
        freeze = freeze_of(treatment, self._treatments)
        return TreatmentGroup(
            treatment=treatment,
            label=self._labels[treatment.key],
            runs=tuple(mine),
            without_task=tuple(one for one in all_runs if one not in mine),
            reaching=tuple(self._reaching(mine, threshold) for threshold in GROK_ACCURACIES),
            speedups=self._over_control(treatment) if treatment.acts else (),
            beside=tuple(self._beside(treatment, freeze)),
            no_freeze=NO_FREEZE if treatment.needs_freeze and freeze is None else None,
            norm_kept=shares([one.norm_kept for one in mine]),
            curve=shared_curve([one.test for one in outcomes]),
        )

    def _mine(self, treatment: Treatment) -> list[Outcome]:
        return [one for one in self._runs if one.treatment.key == treatment.key and one.on(self._task) is not None]

    def _trials(self, treatment: Treatment, threshold: float) -> tuple[Trial, ...]:
        return trials(self._mine(treatment), self._task, threshold)

    def _reaching(self, mine: Sequence[Outcome], threshold: float) -> TimeToThreshold:
        found = [one.time for one in trials(mine, self._task, threshold)]
        times = [one for one in found if isinstance(one, CensoredTime)]
        if not times:
            absent = next(one for one in found if isinstance(one, Undefined))
            return TimeToThreshold(threshold, 0, 0, absent, absent)
        reached = sum(one.reached for one in times)
        return TimeToThreshold(threshold, len(times), reached, mean_step(times), kaplan_meier(times).median)

    def _over_control(self, treatment: Treatment) -> tuple[SpeedUp, ...]:
        has_control = CONTROLLED in self._treatments
        absent = None if has_control else why_no_control(self._runs, self._everyone, self._task)
        return self._over(CONTROLLED, treatment, absent)

    def _over(self, reference: Treatment, own: Treatment, absent: str | None = None) -> tuple[SpeedUp, ...]:
        name = self._labels.get(reference.key, reference.label)
        return tuple(
            speed_up(
                self._trials(reference, threshold),
                self._trials(own, threshold),
                threshold=threshold,
                name=name,
                absent=absent,
            )
            for threshold in GROK_ACCURACIES
        )

    def _beside(self, treatment: Treatment, freeze: Treatment | None) -> Iterator[ReferenceComparison]:
        references: tuple[tuple[Kind, Treatment | None], ...] = (
            ("freeze", freeze),
            ("random", random_of(treatment, self._treatments)),
        )
        for kind, one in references:
            if one is not None:
                yield ReferenceComparison(kind, self._over(one, treatment))
