"""The contents that sections share: tables of values, figures, and what stands in the place of what does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Row, Value
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import (
    CellNotes,
    ColumnHead,
    Content,
    Figure,
    Figures,
    Name,
    Paragraph,
    Piece,
    Section,
    Strong,
    Table,
    TableCell,
    Term,
    Words,
)
from sedscope.report.estimate import Estimate
from sedscope.report.facts import RunFacts

Entry = TableCell | Name | Estimate | Value | float | str
"""What can stand in a table: a value of the result, a name, a number, words, or a finished cell."""


@dataclass(frozen=True, slots=True)
class RunAtBasis:
    """One run at one W and K, the subject of a section."""

    view: RunView
    facts: RunFacts
    window: int
    rank: int
    anchor: str
    """Begins every anchor and every name of a figure of this run."""

    def section(self, title: str, name: str, *contents: Content | None) -> Section:
        """Return a section of this run; contents that are None are left out."""
        return section(title, f"{self.anchor}-{name}", contents)

    def figure_name(self, name: str) -> str:
        """Return the name of a figure of this W and K."""
        return f"{self.anchor}-w{self.window}k{self.rank}-{name}"


def section(title: str, name: str, contents: Iterable[Content | None], sections: Iterable[Section] = ()) -> Section:
    """Return a section; contents that are None are left out."""
    return Section(title, name, tuple(content for content in contents if content is not None), tuple(sections))


def side_by_side(*figures: Figure | None) -> Figures | None:
    """Return the figures that there are, to stand beside one another; None where there is none."""
    drawn = tuple(each for each in figures if each is not None)
    return Figures(drawn) if drawn else None


def figure(svg: str | None, name: str, alt: str, caption: Words) -> Figure | None:
    """Return a figure, or None where nothing was drawn."""
    return None if svg is None else Figure(name, svg, alt, caption)


def not_measured(what: str, reason: str) -> Paragraph:
    """Return the sentence that stands in the place of contents that do not exist."""
    return Paragraph((f"{what}: ", Strong("not measured"), f" ({reason})."), "aside")


def table_of(
    name: str, heads: Sequence[Piece | ColumnHead], rows: Iterable[Sequence[Entry]], caption: Words = ()
) -> Table:
    """Return a table of values, whose reasons are numbered below it.

    Args:
        name: Unique within the section.
        heads: Of the columns; the first one, which names the rows, is aligned to the left.
        rows: Entries, as many as heads.
        caption: Stands above.
    """
    notes = CellNotes()
    cells = tuple(tuple(_cell(entry, notes) for entry in row) for row in rows)
    columns = tuple(
        head if isinstance(head, ColumnHead) else ColumnHead(head, "right" if index else "left")
        for index, head in enumerate(heads)
    )
    return Table(name, columns, cells, caption, tuple(notes.numbers), notes.marks())


def _cell(entry: Entry, notes: CellNotes) -> TableCell:
    match entry:
        case TableCell():
            return entry
        case None:
            return TableCell("")
        case Undefined():
            return notes.cell(entry.reason)
        case Name():
            return TableCell(entry.text, is_name=True)
        case str():
            return TableCell(entry)
        case Estimate():
            # An exact number has no interval to show.
            return _cell(Reading(entry.value, None if entry.is_exact else entry.ends), notes)
        case Reading():
            return TableCell(entry.text, detail=" ".join(filter(None, (entry.detail_text, notes.signs(entry)))))
        case _:
            return _cell(Reading(entry), notes)


def heads(columns: Sequence[ResultColumn[Row]], prefix: str = "") -> list[Piece]:
    """Return the heads of result columns, with their links to the glossary."""
    titles = [f"{prefix}{column.title}" for column in columns]
    return [Term(column.term, title) if column.term else title for column, title in zip(columns, titles, strict=True)]


def values(columns: Sequence[ResultColumn[Row]], row: Row) -> list[Value]:
    """Return what result columns say of a row."""
    return [column.read(row) for column in columns]


def without_repeats(row_values: Iterable[Value]) -> list[Value]:
    """Return the values of a row in which a reason stands once, where the next values lack the same."""
    shown: list[Value] = []
    before: Value = None
    for value in row_values:
        shown.append(None if isinstance(value, Undefined) and value == before else value)
        before = value
    return shown
