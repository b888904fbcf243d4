"""The step summary of GitHub Actions: the report as Markdown, as much of it as is allowed.

Decides what is left out where it would be too long: whole sections from the end, and it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recorders.errors import InputOutputError
from sedscope.report.document import Document
from sedscope.report.formats.markdown import render_markdown
from sedscope.runs import printable

VARIABLE = "GITHUB_STEP_SUMMARY"
LIMIT = 1 << 20
"""Bytes of a step's summary; GitHub drops a longer one as a whole."""
_LEFT_OUT = "\n\nThe rest is in report.md: a step summary holds no more.\n"


def summary_wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether there is a file to append to."""
    return bool(environment.get(VARIABLE))


def append_summary(document: Document, environment: Mapping[str, str]) -> None:
    """Append the report to the file that `$GITHUB_STEP_SUMMARY` names, where it names one.

    Raises:
        InputOutputError: It cannot be written.
    """
    name = environment.get(VARIABLE)
    if not name:
        return
    path = Path(name)
    try:
        used = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(shortened(render_markdown(document, figures=False), LIMIT - used))
    except OSError as error:
        raise InputOutputError(f"{printable(name, 4096)}: cannot be written: {error.strerror or error}") from error


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` bytes of Markdown: whole sections, then whole lines, with a word about the rest."""
    if len(text.encode()) <= limit:
        return text
    room = limit - len(_LEFT_OUT.encode())
    if room <= 0:
        return ""
    beginning = text.encode()[:room].decode(errors="ignore")
    cut = max(beginning.rfind("\n## "), beginning.rfind("\n### "))
    return beginning[: cut if cut > 0 else max(beginning.rfind("\n"), 0)].rstrip("\n") + _LEFT_OUT
