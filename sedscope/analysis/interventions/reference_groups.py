"""What a result must stand beside: `freeze` for every kept subspace, a random subspace for an SED one.

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

Kind = Literal["freeze", "random"]
Verdict = Literal["earlier", "later", "alike", "open", "unknown"]

NO_FREEZE = Undefined("freeze was not run beside it: the comparison cannot tell a subspace from no movement")


@dataclass(frozen=True, slots=True)
class ReferenceComparison:
    """One group against the reference that it must stand beside."""

    kind: Kind
    speedups: tuple[SpeedUp, ...]
    """One for each threshold."""


def verdict(average: Average | Undefined) -> Verdict:
    """What a quotient says.

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
    """The group in which the same weights stand still: after as many unmodified steps, if there is one, else `freeze`.

    Twenty unmodified steps before the rest can be worth hundreds later, so rank 0 with the same window, which
    starts from the same weights, says more than weights that never moved.
    """
    if not treatment.needs_freeze:
        return None
    found = [one for one in others if one.freezes and one.selection == treatment.selection]
    return _nearest(found, lambda one: (one.unmodified_steps != treatment.unmodified_steps, one.mode != FREEZE))


def random_of(treatment: Treatment, others: Sequence[Treatment]) -> Treatment | None:
    """The group that does the same with a random subspace."""
    same = (treatment.random_mode, treatment.on, treatment.rank, treatment.selection)
    found = [one for one in others if (one.mode, one.on, one.rank, one.selection) == same]

    def distance(one: Treatment) -> tuple[bool, ...]:
        own, other = (one.window, one.stride, one.warm_up), (treatment.window, treatment.stride, treatment.warm_up)
        return tuple(a != b for a, b in zip(own, other, strict=True))

    return _nearest(found, distance)


def _nearest(found: Sequence[Treatment], distance: Callable[[Treatment], tuple[bool, ...]]) -> Treatment | None:
    return min(found, key=lambda one: (distance(one), one.key), default=None)
