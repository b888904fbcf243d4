"""Values as `report.json` holds them: plain numbers, null with a reason kept beside it, lists of equal length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from sedscope.analysis.arrays import Floats
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Row, Value
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

Json = dict[str, Any]


class Reasons:
    """Why values are null, gathered for one object: the steps that share a reason stand together."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], list[int]] = {}

    def add(self, what: str, value: Undefined, t: int | None = None) -> None:
        """Note why `what` is null, at step t or altogether."""
        steps = self._steps.setdefault((what, value.reason), [])
        if t is not None:
            steps.append(t)

    def value(self, what: str, value: Any, t: int | None = None) -> Any:
        """Return the value itself, or null with its reason noted."""
        if not isinstance(value, Undefined):
            return value
        self.add(what, value, t)
        return None

    def reading(self, what: str, value: Value, t: int | None = None) -> float | str | None:
        """Return what a column read as a plain value, or null with its reason noted."""
        plain: Reading | None = self.value(what, value, t)
        return None if plain is None else plain.value

    def listed(self) -> list[Json]:
        """Return the field `undefined`; `steps` is empty where the reason is not tied to steps."""
        return [{"what": what, "reason": reason, "steps": steps} for (what, reason), steps in self._steps.items()]


def ends(interval: Interval | None) -> list[float] | None:
    """Return `[low, high]` of an interval; null where there is none."""
    return None if interval is None else [interval.low, interval.high]


def padded(values: Floats | None, rank: int) -> list[float | None] | None:
    """Return K numbers; a window with fewer directions ends in nulls."""
    if values is None:
        return None
    return numbers(values) + [None] * (rank - len(values))


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return plain numbers in place of those of an array."""
    return [float(value) for value in values]


def readings(columns: Sequence[ResultColumn[Row]], row: Row, reasons: Reasons, of: str = "") -> Json:
    """Return one value for each column, or null with its reason noted, under the column's name with `of` behind it."""
    return {column.name: reasons.reading(f"{column.name}{of}", column.read(row)) for column in columns}


class CheckpointRow(Protocol):
    """A row of a table that has one row for each step."""

    @property
    def t(self) -> int:
        """The step of the row."""


Step = TypeVar("Step", bound=CheckpointRow)


def by_step(columns: Sequence[ResultColumn[Step]], rows: Sequence[Step], reasons: Reasons) -> Json:
    """Return one list for each column: its value at every step, or null with its reason noted."""
    return {column.name: [reasons.reading(column.name, column.read(row), row.t) for row in rows] for column in columns}


def crossing_json(milestone: Crossing | Undefined, what: str, reasons: Reasons) -> Json | None:
    """Return when a threshold was reached, or null with its reason noted."""
    if isinstance(milestone, Undefined):
        reasons.add(what, milestone)
        return None
    cadence = reasons.value(f"{what} cadence", milestone.cadence)
    return {"t": milestone.t, "threshold": milestone.threshold, "cadence": cadence}
