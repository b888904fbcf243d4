"""Writing the report's files: whole or not at all.

Decides that a file appears under its name only when it is complete; a full disk leaves what was there before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorders.errors import InputOutputError
from recorders.store.durable import replace_file

HTML_NAME = "report.html"
"""The file to open first."""


def prepare_folder(folder: Path) -> None:
    """Make the folder, before any work is done for it.

    Raises:
        InputOutputError: It cannot be made or written to.
    """
    with _naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name and rename it; text as UTF-8.

    Raises:
        InputOutputError: Disk full, or no permission; nothing is left behind.
    """
    with _naming(path):
        replace_file(path, content.encode() if isinstance(content, str) else content)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputOutputError(f"{path}: cannot be written: {error.strerror or error}") from error
