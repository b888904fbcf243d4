"""The file into which the traceback of an unforeseen error goes: never onto the terminal."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

from sedscope.runs.text import printable_path

ERROR_FILE: Final = "view-error.txt"


def write_error(path: Path, error: BaseException) -> str:
    """Write the traceback; the words that say where it is, or why it is not."""
    text = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as failure:
        return f"(no details: {failure.strerror})"
    return f"(details in {printable_path(path)})"
