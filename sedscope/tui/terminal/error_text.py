"""Errors as one line, and the file into which a traceback goes: never onto the terminal."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

from recorders.errors import SedscopeError
from sedscope.runs.text import printable, printable_path

ERROR_FILE: Final = "view-error.txt"


def error_line(error: BaseException) -> str:
    """Return the first line of an error, printable; of one that is not ours with its name."""
    first = (str(error).splitlines() or [""])[0]
    return printable(first if isinstance(error, SedscopeError) and first else f"{type(error).__name__}: {first}")


def write_error(path: Path, error: BaseException) -> str:
    """Write the traceback; the words that say where it is, or why it is not."""
    text = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as failure:
        return f"(no details: {failure.strerror})"
    return f"(details in {printable_path(path)})"
