"""The reason why a training failed, from the end of its log: its last words, which for Python is the exception."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from sedscope.runs.text import printable

_TAIL: Final = 16_384
"""Bytes from the end of a log that are read: a long traceback fits, and no log is read as a whole."""
_LONGEST: Final = 300
_LAST_RESORT: Final = re.compile(r"sedscope: nothing was (changed or )?recorded")
"""The recorder's line about a script that ended early for a reason of its own, which stands before it."""
_NOT_A_REASON: Final = re.compile(r"#|sedscope: (recorded|selected|every|intervention) |Traceback |\s|[~^]+$")


def size(log: Path) -> int:
    """Return the bytes of a log; 0 where there is none."""
    with suppress(OSError):
        return log.stat().st_size
    return 0


def last_words(log: Path, since: int) -> str:
    """Return the last line after the first `since` bytes that may be a reason; empty without one."""
    with suppress(OSError), log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - _TAIL))
        text = file.read().decode("utf-8", "replace")
        lines = [line.rstrip() for line in text.splitlines()]
        reasons = [line for line in reversed(lines) if line and not _NOT_A_REASON.match(line)]
        reason = min(reasons, key=lambda line: bool(_LAST_RESORT.match(line)), default="")
        return printable(reason.removeprefix("sedscope: "), _LONGEST)
    return ""
