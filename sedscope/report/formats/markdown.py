"""The document as Markdown, for a repository, a pull request or a step summary.

Decides how foreign text is kept from being Markdown, HTML, mathematics, a mention or a link: names become code, every
other sign that could mean something is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sedscope.analysis.glossary import GLOSSARY
from sedscope.report.document import (
    Code,
    Content,
    Document,
    Figures,
    Items,
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

FIGURE_FOLDER = "figures"

_MEANING = re.compile(r"([\\`*_\[\]|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_TOGETHER = re.compile(r"@(?=\w)|:(?=//)|www(?=\.)", re.IGNORECASE)
"""Signs that make a mention or a link of what follows."""
_SPLIT = "<!-- -->"
"""Keeps them apart, unseen."""
_OPENING = re.compile(r"^(\s*\d*)([#+=.)-])(?=\s|[#+=-]|$)")
"""Beginnings that make a headline or a list of a line."""


def render_markdown(document: Document, *, figures: bool = True) -> str:
    """Return the file as text, ending in a newline.

    Args:
        document: What to write.
        figures: Whether pictures are referred to; they lie in the folder `figures` beside the file.
    """
    lines = [f"# {escaped(document.title)}", "", _words((document.subtitle,)), ""]
    for section in document.sections:
        lines += _section(section, 2, figures=figures)
    lines += _glossary()
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section, level: int, *, figures: bool) -> Iterator[str]:
    yield from (f"{'#' * min(level, 6)} {escaped(section.title)}", "")
    for block in section.blocks:
        yield from _block(block, figures=figures)
    for inner in section.sections:
        yield from _section(inner, level + 1, figures=figures)


def _block(block: Content, *, figures: bool) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from (_words(block.words), "")
        case Items():
            yield from (*(f"- {_words(item)}" for item in block.items), "")
        case Code():
            yield from (*_fenced(block.text), "")
        case Table():
            yield from _table(block)
        case Figures() if figures:
            for figure in block.figures:
                yield from (f"![{escaped(figure.alt)}]({FIGURE_FOLDER}/{figure.name}.svg)", "")
                yield from (_words(figure.caption), "")


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield from (_words(table.caption), "")
    yield _row([_piece(column.title) for column in table.columns])
    yield _row(["---" if column.align == "left" else "---:" for column in table.columns])
    for row in table.rows:
        yield _row([_cell(cell) for cell in row])
    yield ""
    for number, reason in enumerate(table.notes, 1):
        yield from (f"\\[{number}\\] {escaped(reason)}", "")
    for mark in table.marks:
        yield from (_words((mark,)), "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: TableCell) -> str:
    text = code(cell.text).replace("|", "\\|") if cell.is_name and cell.text else escaped(cell.text)
    note = "" if cell.note is None else f" \\[{cell.note}\\]"
    return f"{text}{note}{f' {escaped(cell.detail)}' if cell.detail else ''}"


def _words(words: Words) -> str:
    return _OPENING.sub(r"\1\\\2", "".join(map(_piece, words)).strip())


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return escaped(piece)
        case Term():
            return f"[{escaped(piece.label)}](#about-{piece.key})"
        case Name():
            return code(piece.text)
        case Strong():
            return f"**{escaped(piece.text)}**"


def _glossary() -> Iterator[str]:
    yield from ("## Glossary", "")
    for key, entry in GLOSSARY.items():
        yield from (f'<a id="about-{key}"></a>**{escaped(entry.title)}** {escaped(entry.text)} '
                    f"*{escaped(entry.limit)}*", "")  # fmt: skip


def escaped(text: str) -> str:
    """Return text that means nothing but itself, on one line."""
    flat = " ".join(text.split("\n"))
    shown = "".join(_ENTITIES.get(sign, sign) for sign in _MEANING.sub(r"\\\1", flat))
    return _TOGETHER.sub(lambda sign: sign.group(0) + _SPLIT, shown)


def code(text: str) -> str:
    """Return a name as it is, between as many back quotes as it takes."""
    flat = " ".join(text.split("\n"))
    fence = "`" * (_longest_run(flat) + 1)
    edge = " " if flat.startswith("`") or flat.endswith("`") or not flat.strip() else ""
    return f"{fence}{edge}{flat}{edge}{fence}"


def _fenced(text: str) -> tuple[str, ...]:
    fence = "`" * max(3, _longest_run(text) + 1)
    return (f"{fence}text", text, fence)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
