"""What tests read off a drawn line."""

from __future__ import annotations

from collections.abc import Iterable

from sedscope.tui.terminal.cell_text import Run


def text_of(line: Iterable[Run]) -> str:
    """The line's text without its styles."""
    return "".join(text for text, _ in line)
