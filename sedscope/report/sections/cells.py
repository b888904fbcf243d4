"""Values as cells of a table: numbers with intervals, names, and what stands where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.result_view.columns import plain_reading
from sedscope.analysis.result_view.footnotes import FLAT
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Row, Value
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import CellNotes, ColumnHead, TableCell, Term
from sedscope.report.estimate import Estimate

EMPTY = TableCell("")


def name(text: str) -> TableCell:
    """Return the cell of a source, task or metric."""
    return TableCell(text, is_name=True)


def names_column(title: str) -> ColumnHead:
    """Return the head of a column of names, which is the first one of most tables."""
    return ColumnHead(title, "left")


def heads(columns: Sequence[ResultColumn[Row]], prefix: str = "") -> list[ColumnHead]:
    """Return the heads of result columns, with their links to the glossary."""
    return [
        ColumnHead(Term(column.term, f"{prefix}{column.title}") if column.term else f"{prefix}{column.title}")
        for column in columns
    ]


def value_cell(value: Value, notes: CellNotes) -> TableCell:
    """Return a value of the result with its interval and the sign of a flat spectrum."""
    if value is None:
        return EMPTY
    if isinstance(value, Undefined):
        return notes.cell(value.reason)
    notes.has_flat |= value.is_flat
    return TableCell(value.text, detail=" ".join(filter(None, (value.ends_text, FLAT if value.is_flat else ""))))


def number(value: float | Undefined | None, notes: CellNotes) -> TableCell:
    """Return a bare number; whole ones with thousands apart."""
    return value_cell(plain_reading(value), notes)


def estimated(value: Estimate | Undefined, notes: CellNotes) -> TableCell:
    """Return a number with its interval; an exact one has none to show."""
    if isinstance(value, Undefined):
        return notes.cell(value.reason)
    return value_cell(Reading(value.value, None if value.is_exact else value.ends), notes)
