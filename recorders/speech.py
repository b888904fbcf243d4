"""What a recording says while somebody's training runs: one line each on stderr, so that stdout stays the script's."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(message: str) -> None:
    """One line; a closed stderr is nobody's error."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"sedscope: {message}", file=sys.stderr, flush=True)
