"""Terminal output with fewer bytes: a style is sent where it changes, and of a style only what changes.

What Textual writes gives every segment its whole style and a reset behind it, 45 bytes around a word or a single dot.
Over SSH that is most of what travels. Pure: text in, text out that draws the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_MOVES = re.compile(r"(?:\r\n|\x1b\[[0-9;]*H)*")
"""Text that draws nothing, so that no style matters to it."""


class _Style(NamedTuple):
    """The state of a terminal's pen; "" is its default."""

    attributes: frozenset[str] = frozenset()
    ink: str = ""
    ground: str = ""


_PLAIN = _Style()


def fewer_bytes(data: str) -> str:
    """Return text that draws the same. It must begin with a plain pen, and ends with one."""
    parts: list[str] = []
    sent = wished = _PLAIN
    pieces = _STYLE.split(data)
    for index, piece in enumerate(pieces):
        if index % 2:
            wished = _after(wished, piece)
        elif piece:
            if wished != sent and not _MOVES.fullmatch(piece):
                parts.append(_change(sent, wished))
                sent = wished
            parts.append(piece)
    if sent != _PLAIN:
        parts.append("\x1b[0m")
    return "".join(parts)


# Drawing repeats the same few changes of style thousands of times.
@lru_cache(maxsize=4096)
def _after(style: _Style, codes: str) -> _Style:
    """Return the pen after a sequence of codes."""
    attributes, ink, ground = style
    left = [code.lstrip("0") or "0" for code in codes.split(";")]
    while left:
        code = left.pop(0)
        if code in ("38", "48"):
            size = 4 if left[:1] == ["2"] else 2
            colour, left = ";".join([code, *left[:size]]), left[size:]
            ink, ground = (colour, ground) if code == "38" else (ink, colour)
        elif code == "0":
            attributes, ink, ground = _PLAIN
        elif code[:-1] in ("3", "9"):
            ink = "" if code == "39" else code
        elif code[:-1] in ("4", "10"):
            ground = "" if code == "49" else code
        else:
            attributes |= {code}
    return _Style(attributes, ink, ground)


@lru_cache(maxsize=4096)
def _change(now: _Style, wished: _Style) -> str:
    """Return the shortest sequence from one pen to another."""
    codes_of_all = [*sorted(wished.attributes), *filter(None, (wished.ink, wished.ground))]
    if now.attributes - wished.attributes:
        return f"\x1b[{';'.join(['0', *codes_of_all])}m"
    codes = sorted(wished.attributes - now.attributes)
    codes += [wished.ink or "39"] if wished.ink != now.ink else []
    codes += [wished.ground or "49"] if wished.ground != now.ground else []
    return f"\x1b[{';'.join(codes)}m" if codes_of_all else "\x1b[0m"
