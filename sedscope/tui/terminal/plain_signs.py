"""`--ascii`: the last look at every line before it is sent, so that no widget can forget it.

Decides nothing of the layout: every character is replaced by one as wide.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from sedscope.tui.terminal.cell_text import ascii_text

_SIGNS = {
    "●": "*", "○": "o", "✓": "+", "✗": "x", "▲": "^", "▼": "v", "▶": ">", "◀": "<", "→": ">", "←": "<", "↑": "^",
    "↓": "v", "…": "~", "·": ".", "×": "x", "│": "|", "┃": "|", "─": "-", "━": "-", "┄": "-", "╌": "-", "█": "#",
    "▁": "_", "▔": "-", "▎": "|", "▊": "|", "▌": "|", "▐": "|", "–": "-", "—": "-",
    "≤": "<", "≥": ">", "“": '"', "”": '"', "’": "'", "‘": "'", "∞": "8",
}  # fmt: skip


class PlainSigns(LineFilter):
    """Replaces every character beyond ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(_plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return "".join(character if character.isascii() else _replacement(character) for character in text)


def _replacement(character: str) -> str:
    sign = _SIGNS.get(character)
    if sign is None:
        sign = ascii_text(character) if not "─" <= character <= "▟" else "+"
    size = cell_len(character)
    return (sign[:size] if sign else "?").ljust(size, "?") if size else ""
