"""Cohorts: runs that are compared with one another share everything but seed and intervention.

Decides the order of interventions, what cohorts are called, and what makes a comparison less than fair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from recorders.format import STATE_RECORDING
from recorders.intervention.modes import report_order
from sedscope.analysis.interventions.outcome import Outcome, Recipe, difference
from sedscope.analysis.interventions.treatment import Treatment, labels

_LISTED = 3
"""Values that a note lists."""


def cohorts_of(outcomes: Sequence[Outcome]) -> tuple[tuple[Outcome, ...], ...]:
    """Group runs by recipe, in the order of the runs; recipes that differ in words made of the seed are one."""
    by_recipe: dict[Recipe, list[Outcome]] = {}
    for outcome in outcomes:
        by_recipe.setdefault(outcome.recipe, []).append(outcome)
    cohorts: list[list[Outcome]] = []
    # A word such as `logs/1` makes a recipe of its own for every seed: only those can differ in the seed alone.
    of_one_seed: list[list[Outcome]] = []
    for runs in by_recipe.values():
        single = len({run.seed for run in runs}) == 1
        cohort = next((other for other in of_one_seed if single and _differ_in_seed(other[0], runs[0])), None)
        if cohort is not None:
            cohort += runs
            continue
        cohorts.append(runs)
        of_one_seed += [runs] if single else []
    return tuple(tuple(runs) for runs in cohorts)


def _differ_in_seed(a: Outcome, b: Outcome) -> bool:
    """Return whether the seed alone, in whatever word it stands, tells two commands apart."""
    if a.seed == b.seed or a.recipe.model != b.recipe.model or len(a.recipe.command) != len(b.recipe.command):
        return False
    words = zip(a.recipe.command, b.recipe.command, strict=True)
    return all(ours == theirs or a.seed.without(ours) == b.seed.without(theirs) for ours, theirs in words)


def command_of(runs: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the command of a cohort; `{seed}` stands where each run has its own."""
    columns = zip(*(run.recipe.command for run in runs), strict=True)
    return tuple(words[0] if len(set(words)) == 1 else runs[0].seed.without(words[0]) for words in columns)


def cohort_labels(cohorts: Sequence[Sequence[Outcome]]) -> tuple[str, ...]:
    """Label each cohort by the words of its command that not all share, and a number where they are alike."""
    commands = [command_of(runs) for runs in cohorts]
    words = [difference(command, commands) for command in commands]
    if len(cohorts) == 1:
        return ("",)
    return tuple(
        word if word and words.count(word) == 1 else " ".join(filter(None, (word, f"(recipe {index + 1})")))
        for index, word in enumerate(words)
    )


def treatments_of(runs: Sequence[Outcome]) -> list[Treatment]:
    """Return every treatment once, the control first."""
    by_key = {run.treatment.key: run.treatment for run in runs}
    return sorted(by_key.values(), key=_sort_key)


def _sort_key(treatment: Treatment) -> tuple[int, str, int, str, str]:
    order = report_order()
    position = order.index(treatment.mode) if treatment.mode in order else len(order)
    rank = -1 if treatment.rank is None else treatment.rank
    return position, treatment.on or "", rank, treatment.basis or "", treatment.key


def notes_on(runs: Sequence[Outcome]) -> Iterator[str]:
    """Yield what differs among runs that should differ in seed and intervention alone, in words."""
    for what in dict.fromkeys(name for run in runs for name, _ in run.origin):
        values = list(dict.fromkeys(dict(run.origin).get(what, "unknown") for run in runs))
        more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
        if len(values) > 1:
            yield f"the runs do not share their {what}: {', '.join(values[:_LISTED])}{more}"
    for run in runs:
        if not run.is_complete:
            state = "still being recorded" if run.state == STATE_RECORDING else run.ending
            yield f"{run.name} is {state}: it counts with as long as it was followed"
    names = labels(treatments_of(runs))
    by_seed = Counter((run.treatment.key, run.seed) for run in runs if run.seed.is_known)
    for (key, seed), n in by_seed.items():
        if n > 1:
            yield f"{n} runs of {names[key]} have seed {seed}: they count as one, by their geometric mean"


def why_no_control(runs: Sequence[Outcome], everyone: Sequence[Outcome], task: str) -> str:
    """Return why runs have no control on a task, with what the nearest one has otherwise."""
    controls = [run for run in everyone if not run.treatment.acts]
    if not controls:
        return "no control is among the runs"
    if any(not run.treatment.acts for run in runs):
        return f"the control names no task {task}"
    own = runs[0].recipe.command
    nearest = min((control.recipe.command for control in controls), key=lambda other: len(set(own) ^ set(other)))
    ours, theirs = difference(own, [nearest]), difference(nearest, [own])
    if not ours and not theirs:
        return "no control has the same command and the same model and optimizer settings"
    return f"no control has the same command: {ours or 'nothing'} here, {theirs or 'nothing'} in the nearest control"
