"""Why a training failed, from the end of its log: its own last words, which for Python is the exception."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from sedscope.runs.text import printable

_TAIL: Final = 16_384
_LONGEST: Final = 300
_LAST_RESORT: Final = re.compile(r"sedscope: nothing was (changed or )?recorded")
"""What the recorder says of a script that ended early for a reason of its own, which stands before it."""
_NOT_A_REASON: Final = re.compile(r"#|sedscope: (recorded|selected|every|intervention) |Traceback |\s|[~^]+$")


def size(log: Path) -> int:
    """Bytes of a log; 0 where there is none."""
    with suppress(OSError):
        return log.stat().st_size
    return 0


def last_words(log: Path, since: int) -> str:
    """The last line that may be a reason, of what was written after the first `since` bytes; empty without one."""
    with suppress(OSError), log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - _TAIL))
        text = file.read().decode("utf-8", "replace")
        lines = [line.rstrip() for line in text.splitlines()]
        reasons = [line for line in reversed(lines) if line and not _NOT_A_REASON.match(line)]
        found = min(reasons, key=lambda line: bool(_LAST_RESORT.match(line)), default="")
        return printable(found.removeprefix("sedscope: "), _LONGEST)
    return ""
