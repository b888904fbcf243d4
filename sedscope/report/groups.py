"""Runs that differ in nothing but the seed or had the same done to them, and what they say together.

Decides which runs belong together (same recipe, selection and sources; different seeds), which sources stand for an
intervention, and that there is no mean where one of the runs has no value. R is never averaged over anything else.
Leaves to others: the interval (`analysis.interventions.averages`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recorders.row_sources import ROW_SOURCES
from sedscope.analysis.interventions import TreatmentGroup
from sedscope.analysis.interventions.averages import mean_of
from sedscope.analysis.interventions.outcome import difference, without_seed
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate
from sedscope.report.facts import Reported


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs of one recipe, by seed."""

    runs: tuple[Reported, ...]

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds, in the order of the runs."""
        return tuple(run.facts.seed or "unknown" for run in self.runs)


def groups_of(reported: Sequence[Reported]) -> tuple[SeedGroup, ...]:
    """Return groups of two runs and more; a recipe with one seed, or with one twice, makes none."""
    by_recipe: dict[tuple[object, ...], list[Reported]] = {}
    for run in reported:
        analysis = run.analysis
        by_recipe.setdefault((run.facts.recipe, analysis.tasks, analysis.n_selected, analysis.settings), []).append(run)
    groups = []
    for runs in by_recipe.values():
        seeds = [run.facts.seed for run in runs]
        if len(runs) > 1 and None not in seeds and len(set(seeds)) == len(seeds):
            groups.append(SeedGroup(tuple(runs)))
    return tuple(groups)


def group_labels(groups: Sequence[SeedGroup]) -> tuple[str, ...]:
    """Return what tells each group from the others: its intervention and words of its command; empty for one alone."""
    if len(groups) < 2:
        return ("",) * len(groups)
    facts = [group.runs[0].facts for group in groups]
    commands = [without_seed(shlex.split(each.command)) for each in facts]
    treated = len({each.treatment for each in facts}) > 1
    return tuple(
        ", ".join(filter(None, (each.treatment if treated else "", difference(command, commands))))
        for each, command in zip(facts, commands, strict=True)
    )


def over_seeds(values: Sequence[float | Undefined], cadences: Sequence[float] = ()) -> Estimate | Undefined:
    """Return the mean over seeds with its interval.

    Args:
        values: Of each seed, 0 or more.
        cadences: Where values are evaluated steps, the steps between evaluations of each.

    Returns:
        Undefined where one seed has no value: the others alone would be a choice.
    """
    missing = [value for value in values if isinstance(value, Undefined)]
    if missing:
        return Undefined(f"undefined for {len(missing)} of {len(values)} seeds; first: {missing[0].reason}")
    defined = [value for value in values if not isinstance(value, Undefined)]
    if len(defined) < 2:
        return Undefined(f"an interval over seeds needs at least 2; found {len(defined)}")
    return average_estimate(mean_of(defined, cadences or [0.0] * len(defined)))


@dataclass(frozen=True, slots=True)
class GroupRbar:
    """Final R̄_k of one source in every run of an intervention, at the first W and K.

    Different interventions have the same model and selection, so their R̄_k can be read along a column.
    """

    source: str
    values: tuple[float | Undefined, ...]
    """Values of the runs, in the group's order."""
    mean: Estimate | Undefined


def sources_of(task: str) -> tuple[str, ...]:
    """Return the sources that are compared, where runs have them."""
    return tuple(row.name(task) for row in ROW_SOURCES if row.is_headline)


def rbar_of(group: TreatmentGroup, task: str, analyses: Iterable[RunAnalysis]) -> tuple[GroupRbar, ...]:
    """Return the final R̄_k of every source that at least one run of the group has against the task."""
    by_path = {run.path: run for run in analyses}
    rbars = []
    for source in sources_of(task):
        values = _final_values(group, task, source, by_path)
        if any(not isinstance(value, Undefined) for value in values):
            rbars.append(GroupRbar(source, tuple(values), over_seeds(values)))
    return tuple(rbars)


def _final_values(
    group: TreatmentGroup, task: str, source: str, by_path: Mapping[str, RunAnalysis]
) -> Sequence[float | Undefined]:
    return [_final(by_path.get(run.path), task, source) for run in group.runs]


def _final(run: RunAnalysis | None, task: str, source: str) -> float | Undefined:
    if run is None:
        return Undefined("the run could not be analysed")
    view = RunView(run)
    basis = view.headline_basis
    series = None if basis is None else view.find(source, task, *basis)
    if series is None:
        return Undefined(f"{source} of {run.name} was not analysed against {task}")
    return series.final if isinstance(series.final, Undefined) else series.final.value
