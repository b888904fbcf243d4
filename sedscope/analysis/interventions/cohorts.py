"""Which runs are compared with which: those that share everything but seed and intervention.

Decides the order of interventions, what cohorts are called, and what makes a comparison less than fair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from recorders.format import STATE_RECORDING
from recorders.intervention.modes import report_order
from sedscope.analysis.interventions.outcome import Outcome
from sedscope.analysis.interventions.recipe import Recipe, difference
from sedscope.analysis.interventions.treatment import Treatment, labels

_NAMED = 3
"""Values that a note names."""
_STATES = {STATE_RECORDING: "still being recorded"}


def cohorts_of(outcomes: Sequence[Outcome]) -> tuple[tuple[Outcome, ...], ...]:
    """Runs of one recipe each, in the order of the runs; recipes that differ in words made of the seed are one."""
    by_recipe: dict[Recipe, list[Outcome]] = {}
    for one in outcomes:
        by_recipe.setdefault(one.recipe, []).append(one)
    found: list[list[Outcome]] = []
    of_one_seed: list[list[Outcome]] = []
    for runs in by_recipe.values():
        single = len({one.seed for one in runs}) == 1
        home = next((other for other in of_one_seed if single and _differ_in_seed(other[0], runs[0])), None)
        if home is not None:
            home += runs
            continue
        found.append(runs)
        of_one_seed += [runs] if single else []
    return tuple(tuple(runs) for runs in found)


def _differ_in_seed(one: Outcome, other: Outcome) -> bool:
    """Whether the seed alone, in whatever word it stands, tells two commands apart."""
    ours, theirs = one.recipe, other.recipe
    if one.seed == other.seed or ours.made != theirs.made or len(ours.command) != len(theirs.command):
        return False
    words = zip(ours.command, theirs.command, strict=True)
    return all(a == b or one.seed.without(a) == other.seed.without(b) for a, b in words)


def command_of(runs: Sequence[Outcome]) -> tuple[str, ...]:
    """The command of a cohort; `{seed}` stands where each run has its own."""
    places = zip(*(one.recipe.command for one in runs), strict=True)
    return tuple(words[0] if len(set(words)) == 1 else runs[0].seed.without(words[0]) for words in places)


def cohort_labels(cohorts: Sequence[Sequence[Outcome]]) -> tuple[str, ...]:
    """For each the words of its command that not all share; numbered where words do not tell them apart."""
    commands = [command_of(runs) for runs in cohorts]
    words = [difference(one, commands) for one in commands]
    if len(cohorts) == 1:
        return ("",)
    return tuple(
        word if word and words.count(word) == 1 else " ".join(filter(None, (word, f"(recipe {place + 1})")))
        for place, word in enumerate(words)
    )


def treatments_of(runs: Sequence[Outcome]) -> list[Treatment]:
    """Every treatment once, the control first."""
    found = {one.treatment.key: one.treatment for one in runs}
    return sorted(found.values(), key=_place)


def _place(one: Treatment) -> tuple[int, str, int, str, str]:
    order = report_order()
    position = order.index(one.mode) if one.mode in order else len(order)
    return position, one.on or "", -1 if one.rank is None else one.rank, one.basis or "", one.key


def notes_on(runs: Sequence[Outcome]) -> Iterator[str]:
    """What differs among runs that should differ in seed and intervention alone."""
    for what in dict.fromkeys(name for one in runs for name, _ in one.origin):
        values = list(dict.fromkeys(dict(one.origin).get(what, "unknown") for one in runs))
        more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
        if len(values) > 1:
            yield f"the runs do not share their {what}: {', '.join(values[:_NAMED])}{more}"
    for one in runs:
        if not one.is_whole:
            yield f"{one.name} is {_STATES.get(one.state, one.how_far)}: it counts with as long as it was followed"
    names = labels(treatments_of(runs))
    by_seed = Counter((one.treatment.key, one.seed) for one in runs if one.seed.is_known)
    for (key, seed), n in by_seed.items():
        if n > 1:
            yield f"{n} runs of {names[key]} have seed {seed}: they count as one, by their geometric mean"


def why_no_control(runs: Sequence[Outcome], everyone: Sequence[Outcome], task: str) -> str:
    """Why runs have no control on a task, with what the nearest one has otherwise."""
    controls = [one for one in everyone if not one.treatment.acts]
    if not controls:
        return "no control is among the runs"
    if any(not one.treatment.acts for one in runs):
        return f"the control names no task {task}"
    own = runs[0].recipe.command
    nearest = min((one.recipe.command for one in controls), key=lambda other: len(set(own) ^ set(other)))
    ours, theirs = difference(own, [nearest]), difference(nearest, [own])
    if not ours and not theirs:
        return "no control has the same command and the same model and optimizer settings"
    return f"no control has the same command: {ours or 'nothing'} here, {theirs or 'nothing'} in the nearest control"
