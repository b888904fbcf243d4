"""How many times earlier one group got there than another: pair by pair, and all pairs together.

Decides that a pair is two runs of one seed, what becomes of seeds without a partner (they are named), and how pairs are
summarised: by their geometric mean where all quotients are known, else by the quotient of restricted means with the
bound of the geometric mean beside it. No run is left out for never getting there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sedscope.analysis.interventions.averages import Average, geometric_mean, restricted_quotient
from sedscope.analysis.interventions.outcome import Outcome
from sedscope.analysis.interventions.recipe import Seed
from sedscope.analysis.interventions.time_quotients import (
    QuotientBounds,
    combine_runs_of_seed,
    geometric_bound,
    time_quotient,
)
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Trial:
    """What one seed says; several runs of it count as one."""

    seed: Seed
    runs: tuple[str, ...]
    """Their paths."""
    time: CensoredTime | Undefined


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed in both groups."""

    seed: str
    reference: CensoredTime
    own: CensoredTime
    ratio: QuotientBounds | Undefined
    """Reference over own: above 1 where the own run was earlier."""


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """One group against another at one threshold."""

    threshold: float
    reference: str
    """Label of the other group."""
    pairs: tuple[Pair, ...]
    unpaired: tuple[tuple[str, str], ...]
    """Seed and reason of every own seed without a partner."""
    average: Average | Undefined
    """Geometric mean of the quotients; where one is only bounded, the quotient of restricted means."""
    bound: QuotientBounds | None
    """Where quotients are only bounded: what is known of their geometric mean."""

    @property
    def is_censored(self) -> bool:
        """Whether a run never got there, so that its quotient is a bound."""
        return self.bound is not None


def trials(outcomes: Sequence[Outcome], task: str, threshold: float) -> tuple[Trial, ...]:
    """One for each seed, in the order of the runs; runs without a known seed stand for themselves."""
    by_seed: dict[object, list[Outcome]] = {}
    for place, one in enumerate(outcomes):
        by_seed.setdefault(one.seed if one.seed.is_known else place, []).append(one)
    return tuple(_trial(runs, task, threshold) for runs in by_seed.values())


def _trial(runs: Sequence[Outcome], task: str, threshold: float) -> Trial:
    found = [
        Undefined(f"{one.name} has no task {task}") if (on := one.on(task)) is None else on.time(threshold)
        for one in runs
    ]
    known = [one for one in found if isinstance(one, CensoredTime)]
    absent = next((one for one in found if isinstance(one, Undefined)), None)
    time = combine_runs_of_seed(known) if known else absent
    assert time is not None
    return Trial(runs[0].seed, tuple(one.path for one in runs), time)


def speed_up(
    reference: Sequence[Trial], own: Sequence[Trial], *, threshold: float, name: str, absent: str | None = None
) -> SpeedUp:
    """The own group against the reference.

    Args:
        reference: Trials of the group that is divided by.
        own: Of the group itself.
        threshold: Accuracy that both are timed to.
        name: What the reference is called.
        absent: Why there is no reference at all.
    """
    partners = {one.seed: one for one in reference if one.seed.is_known}
    pairs: list[Pair] = []
    unpaired: list[tuple[str, str]] = []
    for one in own:
        found = _pair(partners.get(one.seed), one, absent or f"no {name} has its seed")
        if isinstance(found, Pair):
            pairs.append(found)
        else:
            unpaired.append((str(one.seed), found.reason))
    average, bound = _together(pairs, unpaired)
    return SpeedUp(threshold, name, tuple(pairs), tuple(unpaired), average, bound)


def _pair(reference: Trial | None, own: Trial, absent: str) -> Pair | Undefined:
    if not own.seed.is_known:
        return Undefined("its seed is unknown, so nothing can be paired with it")
    if reference is None:
        return Undefined(absent)
    for one in (own.time, reference.time):
        if isinstance(one, Undefined):
            return one
    assert isinstance(own.time, CensoredTime) and isinstance(reference.time, CensoredTime)
    return Pair(str(own.seed), reference.time, own.time, time_quotient(reference.time, own.time))


def _together(
    pairs: Sequence[Pair], unpaired: Sequence[tuple[str, str]]
) -> tuple[Average | Undefined, QuotientBounds | None]:
    if not pairs:
        return Undefined(unpaired[0][1] if unpaired else "there is no run"), None
    ratios: list[QuotientBounds] = []
    for one in pairs:
        if isinstance(one.ratio, Undefined):
            return Undefined(f"seed {one.seed}: {one.ratio.reason}"), None
        ratios.append(one.ratio)
    times = [(one.reference, one.own) for one in pairs]
    if all(one.exact is not None for one in ratios):
        return geometric_mean(times), None
    return restricted_quotient(times), geometric_bound(ratios)
