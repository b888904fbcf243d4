"""What a recording says while somebody's training runs: one line each on stderr, so that stdout stays the script's."""

from __future__ import annotations

import sys
from contextlib import suppress

_UNITS = ("B", "kB", "MB", "GB", "TB")


def say(message: str) -> None:
    """One line; a closed stderr is nobody's error."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"sedscope: {message}", file=sys.stderr, flush=True)


def size_text(count: float) -> str:
    """`2.1 MB` from bytes."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} {_UNITS[-1]}"
