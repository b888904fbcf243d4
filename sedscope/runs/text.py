"""Foreign text made printable, once, at the boundary where a run is read.

Names of runs, tasks, metrics and parameters come from somebody else's files. They can carry terminal escapes (OSC 52
writes to the clipboard), line breaks and invisible signs. Whatever leaves `sedscope.runs` went through `printable`;
what markup or HTML need on top is left to those who write markup or HTML.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePath
from typing import Any
from zlib import crc32

NAME_LENGTH = 512
"""Longest name in characters; longer ones keep their beginning and a checksum, so that they stay distinct."""
MESSAGE_LENGTH = 4000
"""Longest message in characters: the text of an exception fits, and no line of output drowns in one."""
_PATH_LENGTH = 4096
"""The longest path that Linux opens."""

_ESCAPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def printable(text: str, length: int = NAME_LENGTH) -> str:
    r"""Return `text`, capped, with visible escapes for control, format, surrogate, private and unassigned signs.

    >>> printable("a\x1b[2J\u202eb")
    'a\\x1b[2J\\u202eb'
    """
    shown = text if text.isprintable() else "".join(map(_visible, text[: length + 1])) + text[length + 1 :][:1]
    if len(shown) <= length:
        return shown
    mark = f"…{crc32(text.encode('utf-8', 'surrogatepass')):08x}"
    return shown[: length - len(mark)] + mark


def printable_path(path: PurePath) -> str:
    """Return a path as messages show it."""
    return printable(str(path), _PATH_LENGTH)


def printable_json(value: Any) -> Any:
    """Return a JSON value with every string inside made printable, keys too."""
    if isinstance(value, str):
        return printable(value, MESSAGE_LENGTH)
    if isinstance(value, list):
        return [printable_json(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): printable_json(item) for key, item in value.items()}
    return value


def _visible(sign: str) -> str:
    if unicodedata.category(sign) not in _ESCAPED:
        return sign
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
