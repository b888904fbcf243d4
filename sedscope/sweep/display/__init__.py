"""The faces of a running sweep: a board of its cells, as a live table or as plain lines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sedscope.sweep.display.board import Reporter


def reporter_for(stream: TextIO | None) -> Reporter:
    """Return the reporter for `stream`: a live table on a terminal, else plain lines."""
    from sedscope.sweep.display.board import Reporter

    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Reporter(stream)
    from rich.console import Console

    from sedscope.sweep.display.live_table import LiveReporter

    return LiveReporter(Console(file=stream, highlight=False))
