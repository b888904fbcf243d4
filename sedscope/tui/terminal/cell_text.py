"""Text in terminal cells: labels that fit, and lines of (text, style key) runs.

Labels come from anywhere. They are never read as markup, and a character that a terminal could act on is spelt out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

Run: TypeAlias = tuple[str, str]
"""Text and the key of its style, such as "series.0"."""
Line: TypeAlias = tuple[Run, ...]


def plain(label: str) -> str:
    """Return the label with every unprintable character spelt out (ESC as its hexadecimal escape)."""
    if label.isprintable():
        return label
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in label)


_SPELT = {"×": "x", "·": ".", "≤": "<=", "≥": ">=", "–": "-", "—": "-", "…": "...", "━": "-", "±": "+-"}


def ascii_text(text: str) -> str:
    """Return the text in ASCII: accents dropped, Greek letters named, what is left as ?."""
    spelt = []
    for character in unicodedata.normalize("NFKD", "".join(_SPELT.get(c, c) for c in text)):
        name = unicodedata.name(character, "")
        if character.isascii():
            spelt.append(character)
        elif name.startswith("GREEK ") and " LETTER " in name:
            spelt.append(name.split(" LETTER ")[1].split(" ")[0].lower())
        elif not unicodedata.combining(character):
            spelt.append("?")
    return "".join(spelt)


def width(text: str) -> int:
    """Return the width in terminal cells."""
    return len(text) if text.isascii() else cell_len(text)


def fit(label: str, cells: int, *, ascii_only: bool = False, right: bool = False) -> str:
    """Return the label in exactly that many cells: cut with … where it is too long, else padded."""
    if cells <= 0:
        return ""
    label = plain(label)
    if ascii_only:
        label = ascii_text(label)
    missing = cells - width(label)
    if missing < 0:
        return set_cell_size(label, cells - 1) + ("~" if ascii_only else "…")
    return " " * missing + label if right else label + " " * missing


def shortened(text: str, characters: int, *, ascii_only: bool = False) -> str:
    """Return the text, cut in the middle where it is longer: names tend to differ at both ends."""
    if len(text) <= characters:
        return text
    head = max(characters - 1, 0) * 2 // 3
    tail = max(characters - 1, 0) - head
    return f"{text[:head]}{'~' if ascii_only else '…'}{text[len(text) - tail :]}"[:characters]


def cut(line: Iterable[Run], cells: int, key: str = "") -> Line:
    """Return the line in exactly that many cells: runs beyond them are cut, what is missing is blank in style `key`."""
    runs: list[Run] = []
    left = cells
    for text, style in line:
        if left <= 0:
            break
        size = width(text)
        if size > left:
            text, size = set_cell_size(text, left), left
        if text:
            runs.append((text, style))
        left -= size
    if left > 0:
        runs.append((" " * left, key))
    return tuple(runs)
