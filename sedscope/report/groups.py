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
        """In the order of the runs."""
        return tuple(one.facts.seed or "unknown" for one in self.runs)


def groups_of(reported: Sequence[Reported]) -> tuple[SeedGroup, ...]:
    """Groups of two runs and more; a recipe with one seed, or with one twice, makes none."""
    by_recipe: dict[tuple[object, ...], list[Reported]] = {}
    for one in reported:
        run = one.analysis
        by_recipe.setdefault((one.facts.recipe, run.tasks, run.n_selected, run.settings), []).append(one)
    found = []
    for runs in by_recipe.values():
        seeds = [one.facts.seed for one in runs]
        if len(runs) > 1 and None not in seeds and len(set(seeds)) == len(seeds):
            found.append(SeedGroup(tuple(runs)))
    return tuple(found)


def group_labels(groups: Sequence[SeedGroup]) -> tuple[str, ...]:
    """What tells each group from the others: its intervention and words of its command; empty where there is one."""
    if len(groups) < 2:
        return ("",) * len(groups)
    facts = [group.runs[0].facts for group in groups]
    commands = [without_seed(shlex.split(one.command)) for one in facts]
    treated = len({one.treatment for one in facts}) > 1
    return tuple(
        ", ".join(filter(None, (one.treatment if treated else "", difference(command, commands))))
        for one, command in zip(facts, commands, strict=True)
    )


def over_seeds(values: Sequence[float | Undefined], cadences: Sequence[float] = ()) -> Estimate | Undefined:
    """Mean over seeds with its interval.

    Args:
        values: Of each seed, 0 or more.
        cadences: Where values are evaluated steps, the steps between evaluations of each.

    Returns:
        Undefined where one seed has no value: the others alone would be a choice.
    """
    missing = [one for one in values if isinstance(one, Undefined)]
    if missing:
        return Undefined(f"undefined for {len(missing)} of {len(values)} seeds; first: {missing[0].reason}")
    known = [one for one in values if not isinstance(one, Undefined)]
    if len(known) < 2:
        return Undefined(f"an interval over seeds needs at least 2; found {len(known)}")
    found = mean_of(known, cadences or [0.0] * len(known))
    return Estimate(found.value, None if isinstance(found.ends, Undefined) else found.ends)
