"""Messages of a recording while somebody's training runs: one line each on stderr, as stdout stays the script's."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(message: str) -> None:
    """Print one line on stderr; a closed stderr is nobody's error."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"sedscope: {message}", file=sys.stderr, flush=True)
