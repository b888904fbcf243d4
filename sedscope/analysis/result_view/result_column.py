"""A column of the result: everything that a face must know to show it.

Decides what a value looks like as text. Leaves to others: which columns there are (`columns`), and the shape of a face.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from sedscope.analysis.result_view.number_text import Ends, between, count, signed
from sedscope.analysis.undefined import Undefined

Face = Literal["terminal", "page", "json", "tables", "viewer", "gate"]
"""A place that shows columns; the page is the report as HTML and Markdown."""
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a column in one row."""

    value: float | str
    """A number, a whole number, a truth value or words."""
    ends: Ends | None = None
    """The 95 % interval of the value; None where it has none."""
    is_flat: bool = False
    """True where the value belongs to a subspace that is arbitrary (a flat spectrum)."""

    @property
    def text(self) -> str:
        """The value as every table prints it."""
        if isinstance(self.value, float):
            return signed(self.value)
        return count(self.value) if isinstance(self.value, int) else self.value

    @property
    def ends_text(self) -> str:
        """The interval as it stands beside the value; empty where there is none."""
        return "" if self.ends is None else between(self.ends)


Value = Reading | Undefined | None
"""The content of a cell; None where there is nothing to show and nothing is missing."""


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


def columns_for(face: Face, columns: Sequence[ResultColumn[Row]]) -> list[ResultColumn[Row]]:
    """Return the columns that a face shows, in their order."""
    return [column for column in columns if face in column.faces]
