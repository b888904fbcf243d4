"""Runs that differ in nothing but the seed, and what they say together.

Decides which runs belong together (same recipe, selection and sources; different seeds), and that there is no mean
where one of them has no value. R is never averaged over anything else. Leaves to others: the interval
(`comparison.averages`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sedscope.analysis.interventions.averages import mean_of
from sedscope.analysis.interventions.recipe import difference, without_seed
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
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
    mean = mean_of(defined, cadences or [0.0] * len(defined))
    return Estimate(mean.value, None if isinstance(mean.ends, Undefined) else mean.ends)
