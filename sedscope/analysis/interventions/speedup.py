"""Speed-ups: how many times earlier one group got there than another, pair by pair and all pairs together.

Decides that a pair is two runs of one seed, what becomes of seeds without a partner (they are named), and how pairs are
summarised, by one number: their geometric mean, or the bound that they leave of it; the quotient of restricted means
only where they leave none. No run is left out for never getting there: what it leaves of a quotient is a bound. Several
runs of one seed count as one.

A result must stand beside references: `freeze` for every kept subspace, a random subspace for an SED one. A kept
subspace of few dimensions lets little through; only against weights that stand still does its effect belong to the
subspace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from recorders.intervention.modes import FREEZE
from sedscope.analysis.interventions.averages import Average, geometric_mean, restricted_quotient
from sedscope.analysis.interventions.outcome import Outcome, Seed
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class QuotientBounds:
    """Bounds on a quotient above 0; both are the number itself where it is known."""

    low: float | None
    """It lies above this; None where nothing bounds it from below."""
    high: float | None
    """It lies below this."""

    @property
    def exact(self) -> float | None:
        """The number, or None where only bounds are known."""
        return self.low if self.low == self.high else None


def time_quotient(reference: CensoredTime, own: CensoredTime) -> QuotientBounds | Undefined:
    """Divide the time of the reference by the own time: above 1 where the own run was earlier.

    A reference that never got there makes it a lower bound, an own run that never did an upper one.
    """
    if own.t <= 0.0 or reference.t <= 0.0:
        first = "own run" if own.t <= 0.0 else "reference"
        return Undefined(f"the {first} was already there, or ended, at t = 0")
    value = reference.t / own.t
    low = value if own.reached else None
    high = value if reference.reached else None
    return QuotientBounds(low, high)


def combine_runs_of_seed(times: Sequence[CensoredTime]) -> CensoredTime:
    """Combine runs of one seed: their geometric mean, which is only a least time where one never got there."""
    if len(times) == 1:
        return times[0]
    reached = all(time.reached for time in times)
    steps = [time.t for time in times]
    mean = math.exp(math.fsum(map(math.log, steps)) / len(steps)) if min(steps) > 0.0 else 0.0
    return CensoredTime(mean, reached, max(time.cadence for time in times) if reached else 0.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """The time of one seed; several runs of it count as one."""

    seed: Seed
    runs: tuple[str, ...]
    """Paths of the runs."""
    time: CensoredTime | Undefined


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed in both groups."""

    seed: str
    reference: CensoredTime
    own: CensoredTime
    quotient: QuotientBounds | Undefined
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
    """Geometric mean of the quotients or its bound; where there is none, the quotient of restricted means."""

    @property
    def is_censored(self) -> bool:
        """True where a run never got there, so that its quotient is a bound."""
        return not all(pair.own.reached and pair.reference.reached for pair in self.pairs)

    def pair_of(self, seed: Seed) -> Pair | Undefined:
        """Return the pair of a seed, or why it has none; several runs of a seed share theirs."""
        pair = next((pair for pair in self.pairs if pair.seed == str(seed)), None)
        return pair or Undefined(dict(self.unpaired).get(str(seed), "it has no pair"))


def trials(outcomes: Sequence[Outcome], task: str, threshold: float) -> tuple[Trial, ...]:
    """Return one trial for each seed, in the order of the runs; runs without a known seed stand for themselves."""
    by_seed: dict[object, list[Outcome]] = {}
    for index, outcome in enumerate(outcomes):
        by_seed.setdefault(outcome.seed if outcome.seed.is_known else index, []).append(outcome)
    return tuple(_trial(runs, task, threshold) for runs in by_seed.values())


def _trial(runs: Sequence[Outcome], task: str, threshold: float) -> Trial:
    times: list[CensoredTime] = []
    reasons: list[Undefined] = []
    for run in runs:
        outcome = run.on(task)
        time = Undefined(f"{run.name} has no task {task}") if outcome is None else outcome.time(threshold)
        if isinstance(time, Undefined):
            reasons.append(time)
        else:
            times.append(time)
    return Trial(runs[0].seed, tuple(run.path for run in runs), combine_runs_of_seed(times) if times else reasons[0])


def speed_up(
    reference: Sequence[Trial], own: Sequence[Trial], *, threshold: float, name: str, missing_reason: str | None = None
) -> SpeedUp:
    """Compare the own group with the reference, seed by seed, in the time to one accuracy.

    `name` labels the reference in the reasons; `missing_reason` says why there is no reference at all.
    """
    partners = {trial.seed: trial for trial in reference if trial.seed.is_known}
    pairs: list[Pair] = []
    unpaired: list[tuple[str, str]] = []
    for trial in own:
        pair = _pair(partners.get(trial.seed), trial, missing_reason or f"no {name} has its seed")
        if isinstance(pair, Pair):
            pairs.append(pair)
        else:
            unpaired.append((str(trial.seed), pair.reason))
    return SpeedUp(threshold, name, tuple(pairs), tuple(unpaired), _average(pairs, unpaired))


def _pair(reference: Trial | None, own: Trial, missing_reason: str) -> Pair | Undefined:
    if not own.seed.is_known:
        return Undefined("its seed is unknown, so nothing can be paired with it")
    if reference is None:
        return Undefined(missing_reason)
    if isinstance(own.time, Undefined):
        return own.time
    if isinstance(reference.time, Undefined):
        return reference.time
    return Pair(str(own.seed), reference.time, own.time, time_quotient(reference.time, own.time))


def _average(pairs: Sequence[Pair], unpaired: Sequence[tuple[str, str]]) -> Average | Undefined:
    if not pairs:
        return Undefined(unpaired[0][1] if unpaired else "there is no run")
    for pair in pairs:
        if isinstance(pair.quotient, Undefined):
            return Undefined(f"seed {pair.seed}: {pair.quotient.reason}")
    times = [(pair.reference, pair.own) for pair in pairs]
    return geometric_mean(times) or restricted_quotient(times)


ReferenceKind = Literal["freeze", "random"]
Verdict = Literal["earlier", "later", "alike", "open", "unknown"]

NO_FREEZE = Undefined("freeze was not run beside it: the comparison cannot tell a subspace from no movement")


@dataclass(frozen=True, slots=True)
class ReferenceComparison:
    """One group against the reference that it must stand beside."""

    kind: ReferenceKind
    speedups: tuple[SpeedUp, ...]
    """One for each threshold."""


def verdict(average: Average | Undefined) -> Verdict:
    """Judge a quotient by its interval.

    `earlier` and `later` where its interval leaves 1 out, `alike` where it holds 1, `open` where there is no
    interval, `unknown` where there is no quotient.
    """
    if isinstance(average, Undefined):
        return "unknown"
    if isinstance(average.ends, Undefined):
        return "open"
    low, high = average.ends
    return "earlier" if low > 1.0 else "later" if high < 1.0 else "alike"


def freeze_of(treatment: Treatment, others: Sequence[Treatment]) -> Treatment | None:
    """Return the group in which the same weights stand still, best after as many unmodified steps.

    Twenty unmodified steps before the rest can be worth hundreds later, so rank 0 with the same window, which
    starts from the same weights, says more than weights that never moved. None where nothing is kept or frozen.
    """
    if not treatment.needs_freeze:
        return None
    frozen = [other for other in others if other.freezes and other.selection == treatment.selection]

    def distance(other: Treatment) -> tuple[bool, ...]:
        return other.unmodified_steps != treatment.unmodified_steps, other.mode != FREEZE

    return _nearest(frozen, distance)


def random_of(treatment: Treatment, others: Sequence[Treatment]) -> Treatment | None:
    """Return the group that does the same with a random subspace; None where there is none."""
    same = (treatment.random_mode, treatment.on, treatment.rank, treatment.selection)
    alike = [other for other in others if (other.mode, other.on, other.rank, other.selection) == same]

    def distance(other: Treatment) -> tuple[bool, ...]:
        return other.window != treatment.window, other.stride != treatment.stride, other.warm_up != treatment.warm_up

    return _nearest(alike, distance)


def _nearest(candidates: Sequence[Treatment], distance: Callable[[Treatment], tuple[bool, ...]]) -> Treatment | None:
    return min(candidates, key=lambda treatment: (distance(treatment), treatment.key), default=None)
