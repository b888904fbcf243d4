"""Comparison of opened runs: the order of the steps that lead to the tree of results, and nothing else.

from sedscope import open_run
from sedscope.analysis.interventions import compare_runs
for cohort, task, group in compare_runs([open_run(path) for path in paths]).groups(): …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sedscope.analysis.constants import GROK_ACCURACIES
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
    shared_curve,
)
from sedscope.analysis.interventions.outcome import Outcome, outcome_of, shares
from sedscope.analysis.interventions.reference_groups import (
    NO_FREEZE,
    ReferenceComparison,
    ReferenceKind,
    freeze_of,
    random_of,
)
from sedscope.analysis.interventions.speedup import SpeedUp, Trial, speed_up, trials
from sedscope.analysis.interventions.treatment import CONTROLLED, Treatment, labels
from sedscope.analysis.statistics.survival import CensoredTime, kaplan_meier
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


def compare_runs(runs: Sequence[Run]) -> InterventionComparison:
    """Compare opened runs.

    Raises:
        DamagedError, RefusedError: The scalars of a run cannot be read.
    """
    return compare([outcome_of(run) for run in runs])


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
            speedups=self._over_control(treatment) if treatment.acts else (),
            beside=tuple(self._beside(treatment, freeze)),
            no_freeze=NO_FREEZE if treatment.needs_freeze and freeze is None else None,
            norm_kept=shares([run.norm_kept for run in with_task]),
            curve=shared_curve([outcome.test for outcome in outcomes]),
        )

    def _with_task(self, treatment: Treatment) -> list[Outcome]:
        return [run for run in self._runs if run.treatment.key == treatment.key and run.on(self._task) is not None]

    def _trials(self, treatment: Treatment, threshold: float) -> tuple[Trial, ...]:
        return trials(self._with_task(treatment), self._task, threshold)

    def _time_to(self, runs: Sequence[Outcome], threshold: float) -> TimeToThreshold:
        trial_times = [trial.time for trial in trials(runs, self._task, threshold)]
        times = [time for time in trial_times if isinstance(time, CensoredTime)]
        if not times:
            reason = next(time for time in trial_times if isinstance(time, Undefined))
            return TimeToThreshold(threshold, 0, 0, reason, reason)
        reached = sum(time.reached for time in times)
        return TimeToThreshold(threshold, len(times), reached, mean_step(times), kaplan_meier(times).median)

    def _over_control(self, treatment: Treatment) -> tuple[SpeedUp, ...]:
        has_control = CONTROLLED in self._treatments
        missing_reason = None if has_control else why_no_control(self._runs, self._everyone, self._task)
        return self._over(CONTROLLED, treatment, missing_reason)

    def _over(self, reference: Treatment, own: Treatment, missing_reason: str | None = None) -> tuple[SpeedUp, ...]:
        name = self._labels.get(reference.key, reference.label)
        return tuple(
            speed_up(
                self._trials(reference, threshold),
                self._trials(own, threshold),
                threshold=threshold,
                name=name,
                missing_reason=missing_reason,
            )
            for threshold in GROK_ACCURACIES
        )

    def _beside(self, treatment: Treatment, freeze: Treatment | None) -> Iterator[ReferenceComparison]:
        references: tuple[tuple[ReferenceKind, Treatment | None], ...] = (
            ("freeze", freeze),
            ("random", random_of(treatment, self._treatments)),
        )
        for kind, reference in references:
            if reference is not None:
                yield ReferenceComparison(kind, self._over(reference, treatment))
