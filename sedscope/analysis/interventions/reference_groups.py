"""References that a result must stand beside: `freeze` for every kept subspace, a random subspace for an SED one.

Decides which group is the reference and what the two say together. A kept subspace of few dimensions lets little
through; only against weights that stand still does its effect belong to the subspace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from recorders.intervention.modes import FREEZE
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.undefined import Undefined

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
