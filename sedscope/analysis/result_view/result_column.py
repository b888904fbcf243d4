"""A column of the result: everything that a face must know to show it, and the reasons that stand below its numbers.

Decides what a value looks like as text. Leaves to others: which columns there are (`columns`), and the shape of a face.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, Generic, Literal, TypeVar

from sedscope.analysis.constants import FEW_EXAMPLES
from sedscope.analysis.result_view.number_text import Ends, between, count, signed
from sedscope.analysis.undefined import Undefined

Face = Literal["terminal", "page", "json", "tables", "viewer", "gate"]
"""A place that shows columns; the page is the report as HTML and Markdown."""
Row = TypeVar("Row")
Outer = TypeVar("Outer")


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a column in one row."""

    value: float | str
    """A number, a whole number, a truth value or words."""
    ends: Ends | None = None
    """The 95 % interval of the value; None where it has none."""
    is_flat: bool = False
    """True where the value belongs to a subspace that is arbitrary (a flat spectrum)."""
    edge: str = ""
    """The edge of what was seen at which a peak lies, in words; empty for none."""
    n: int = 0
    """Checkpoints that the value is the mean of; 0 where it is none."""
    is_carried_by_few: bool = False
    """True where few examples carry the gradient that the value is of."""
    words: str | None = None
    """Text of the value where it is not the number alone: with a unit, as a bound, as `3 of 4`."""
    beside: str | None = None
    """Text beside it where that is not the interval alone."""
    detail: str | None = None
    """Text beside it on a page, where there is room for what the interval rests on; None for that of every face."""

    @property
    def text(self) -> str:
        """The value as every table prints it."""
        if self.words is not None:
            return self.words
        if isinstance(self.value, float):
            return signed(self.value)
        return count(self.value) if isinstance(self.value, int) else self.value

    @property
    def ends_text(self) -> str:
        """The text beside the value, as a rule its interval; empty where there is none."""
        if self.beside is not None:
            return self.beside
        ends = "" if self.ends is None else between(self.ends)
        return f"{ends} ({self.n})".lstrip() if self.n else ends

    @property
    def detail_text(self) -> str:
        """The text beside the value on a page."""
        return self.ends_text if self.detail is None else self.detail


Value = Reading | Undefined | None
"""The content of a cell; None where there is nothing to show and nothing is missing."""


def plain_reading(value: Any) -> Value:
    """Return a bare value as a reading; what is undefined and what is not there stay what they are."""
    return value if value is None or isinstance(value, Undefined) else Reading(value)


def mean_reading(values: Sequence[Value]) -> Reading | Undefined:
    """Return the mean of a quantity over checkpoints; undefined where there is none, or where it is at one of them.

    Its interval is the mean of theirs: probes, batches and random directions are common to all checkpoints, so their
    errors do not average out, and no factor 1/n is taken. Errors that are not common make it wider than need be.
    """
    defined = [value for value in values if isinstance(value, Reading)]
    n = len(values)
    if not n or len(defined) < n:
        return Undefined(f"undefined at {n - len(defined)} of {n} checkpoints" if n else "no full window lies there")
    ends = [value.ends for value in defined if value.ends is not None]
    low, high = (fsum(end[side] for end in ends) / n for side in (0, 1))
    mean = fsum(float(value.value) for value in defined) / n
    by_few = any(value.is_carried_by_few for value in defined)
    return Reading(mean, (low, high) if len(ends) == n else None, n=n, is_carried_by_few=by_few)


@dataclass(frozen=True, slots=True)
class ResultColumn(Generic[Row]):
    """One column of a table of results, for every face that shows it."""

    name: str
    """Key in `report.json`, in the files of tables and in checks."""
    title: str
    """Head of the column where people read it."""
    description: str
    """One clause that says what the numbers are."""
    read: Callable[[Row], Value]
    """Takes the value off a row of the result."""
    faces: tuple[Face, ...]
    value_type: type = float
    unit: str = ""
    """Empty for ratios, counts and words."""
    term: str = ""
    """Entry of the glossary that the head refers to; empty for none."""
    has_interval: bool = False

    def within(self, row_of: Callable[[Outer], Row]) -> ResultColumn[Outer]:
        """Return the same column of a table whose rows hold such a row each."""
        return ResultColumn(
            self.name, self.title, self.description, lambda outer: self.read(row_of(outer)), self.faces,
            self.value_type, self.unit, self.term, self.has_interval,
        )  # fmt: skip


def columns_for(face: Face, columns: Sequence[ResultColumn[Row]]) -> list[ResultColumn[Row]]:
    """Return the columns that a face shows, in their order."""
    return [column for column in columns if face in column.faces]


NOTHING = "—"
"""Stands in the place of a number that does not exist."""
FLAT = "~"
"""Stands beside a number of a subspace that is arbitrary."""
EDGE = "†"
"""Stands beside a peak at an edge of what was seen."""
FEW = "!"
"""Stands beside a number of a gradient that few examples carry."""
_MEANINGS = {
    FLAT: "flat spectrum: which directions are the top K is arbitrary there",
    EDGE: "a peak at an edge of what was seen, the first full window or the last checkpoint: it may be higher beyond",
    FEW: f"few examples carry it: the batches hold fewer than {FEW_EXAMPLES} effective examples",
}


@dataclass
class Footnotes:
    """The reasons below one table or one run, each numbered once."""

    numbers: dict[str, int] = field(default_factory=dict)
    """Number of each reason, from 1."""
    shown_signs: set[str] = field(default_factory=set)
    """Signs that some cell carries, which then need an explanation."""

    def number(self, reason: str) -> int:
        """Return the number of a reason, a new one where it was not met before."""
        return self.numbers.setdefault(reason, len(self.numbers) + 1)

    def signs(self, value: Reading) -> str:
        """Return the signs that stand beside a value, each of which is explained below."""
        signs = (FLAT if value.is_flat else "") + (EDGE if value.edge else "")
        signs += FEW if value.is_carried_by_few else ""
        self.shown_signs |= set(signs)
        return signs

    @property
    def meanings(self) -> list[tuple[str, str]]:
        """The signs that were shown, each with its meaning."""
        return [(sign, meaning) for sign, meaning in _MEANINGS.items() if sign in self.shown_signs]
