"""Values as `report.json` holds them: plain numbers, null with a reason kept beside it, lists of equal length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sedscope.analysis.arrays import Floats
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

Json = dict[str, Any]


class Reasons:
    """Why values are null, gathered for one object: the steps that share a reason stand together."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[int]] = {}

    def add(self, what: str, value: Undefined, t: int | None = None) -> None:
        """Notes why `what` is null, at step t or altogether."""
        steps = self._found.setdefault((what, value.reason), [])
        if t is not None:
            steps.append(t)

    def value(self, what: str, value: Any, t: int | None = None) -> Any:
        """The value itself, or null with its reason noted."""
        if not isinstance(value, Undefined):
            return value
        self.add(what, value, t)
        return None

    def listed(self) -> list[Json]:
        """For the field `undefined`; `steps` is empty where the reason is not tied to steps."""
        return [{"what": what, "reason": reason, "steps": steps} for (what, reason), steps in self._found.items()]


def ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def padded(values: Floats | None, rank: int) -> list[float | None] | None:
    """K numbers; a window with fewer directions ends in nulls."""
    if values is None:
        return None
    return numbers(values) + [None] * (rank - len(values))


def numbers(values: Iterable[float]) -> list[float | None]:
    return [float(value) for value in values]
