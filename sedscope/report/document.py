"""The contents of a report, before it is HTML or Markdown: sections of paragraphs, tables, figures and code.

Decides that both files hold the same words and numbers. Every string here is plain text: foreign names arrive printable
and each format escapes for itself. Leaves to others: what is said (`sections`, `finding`) and how it looks (`html`,
`markdown`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sedscope.analysis.result_view.result_column import NOTHING, Footnotes

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Term:
    """A word with an entry in the glossary."""

    key: str
    """The entry's key in the glossary."""
    label: str
    """The word as it stands in the sentence."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the run or the format spells it: a source, a task, a metric."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that a hurried reader should meet first."""

    text: str


Piece = str | Term | Name | Strong
Words = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class TableCell:
    """One value of a table."""

    text: str
    detail: str = ""
    """Smaller beside it: an interval, a mark."""
    note: int | None = None
    """Number of the note below the table that explains it."""
    heat: float | None = None
    """Strength of the tint behind the number, between 0 and 1; None for no tint."""
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """The head of a column."""

    title: Piece
    align: Align = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; the first column names the row."""

    name: str
    """Unique within its section."""
    columns: tuple[ColumnHead, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    caption: Words = ()
    notes: tuple[str, ...] = ()
    """Reasons of undefined cells, numbered from 1."""
    marks: tuple[str, ...] = ()
    """Explanations of signs that occur in cells."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as SVG, whose identifiers are unique in the document."""

    name: str
    svg: str
    alt: str
    """Description for somebody who does not see the picture."""
    caption: Words = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Pictures that stand side by side where there is room."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    words: Words
    kind: Literal["plain", "lead", "aside", "warning"] = "plain"


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text to copy as it is."""

    text: str
    wraps: bool = False
    """Prose, which may be broken anywhere between words."""


Content = Paragraph | Items | Table | Figures | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A headline, what stands under it, and the sections within."""

    title: str
    name: str
    """Anchor, unique in the document."""
    blocks: tuple[Content, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]

    def figures(self) -> tuple[Figure, ...]:
        """Return every figure, in order."""
        return tuple(_figures(self.sections))


def _figures(sections: Sequence[Section]) -> list[Figure]:
    figures: list[Figure] = []
    for section in sections:
        for block in section.blocks:
            figures += block.figures if isinstance(block, Figures) else ()
        figures += _figures(section.sections)
    return figures


@dataclass
class CellNotes(Footnotes):
    """The notes of one table of the page."""

    def cell(self, reason: str) -> TableCell:
        """Return what stands in the place of a number that does not exist."""
        return TableCell(NOTHING, note=self.number(reason))

    def marks(self) -> tuple[str, ...]:
        """Return explanations of the signs that were used."""
        return tuple(f"{sign} {meaning}" for sign, meaning in self.meanings)


def plain(words: Words) -> str:
    """Return the words without links or emphasis."""
    return "".join(map(plain_piece, words))


def plain_piece(piece: Piece) -> str:
    """Return one piece as bare text."""
    match piece:
        case str():
            return piece
        case Term():
            return piece.label
        case Name() | Strong():
            return piece.text
