"""The choice of a reporter: a live table where there is a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
from typing import TextIO

from sedscope.sweep.display.board import Reporter
from sedscope.sweep.display.plain_lines import PlainReporter


def reporter_for(stream: TextIO | None) -> Reporter:
    """Return the reporter for `stream`, which is stderr as a rule; None where that is closed."""
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return PlainReporter(stream)
    from rich.console import Console

    from sedscope.sweep.display.live_table import LiveReporter

    return LiveReporter(Console(file=stream, highlight=False))
