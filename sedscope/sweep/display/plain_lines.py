"""A sweep in plain lines, for a pipe or a log: what starts and what ends, and now and then how far the rest is.

`reporter_for` takes them where there is no terminal for the live table.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

from sedscope.sweep.display.board import (
    FAILED,
    FINISHED,
    RUNNING,
    Board,
    CellLine,
    Reporter,
    closing_lines,
    duration,
    progress_words,
)

EVERY_S: Final = 60.0
"""Seconds between two lines about a cell that just goes on."""


class PlainReporter(Reporter):
    """Writes to a stream; a closed one is nobody's error.

    Args:
        stream: stderr, as a rule; None where it is closed.
        clock: seconds, for tests.
    """

    def __init__(self, stream: TextIO | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._reported_at = clock()
        self._states: dict[str, str] = {}

    def begin(self, board: Board, about: str) -> None:
        """Write the counts, and where and how the cells run."""
        self._states = {line.name: line.state for line in board.lines}
        self._print(f"{board.summary()}; {about}")

    def update(self, board: Board) -> None:
        """Write a line for every change, and every minute one for every cell that runs."""
        for line in board.lines:
            if line.state != self._states[line.name]:
                self._states[line.name] = line.state
                self._print(self._change(line))
        if self._clock() - self._reported_at >= EVERY_S:
            self._reported_at = self._clock()
            for line in board.in_state(RUNNING):
                self._print("  ".join(["running", line.name, *progress_words(line.progress)]))
            self._print(board.outlook())

    def end(self, board: Board) -> None:
        """Write which cells failed, and the next useful command."""
        self.update(board)
        for text in closing_lines(board):
            self._print(text)

    def _change(self, line: CellLine) -> str:
        words = ["started" if line.state == RUNNING else line.state, line.name]
        if line.state in (FINISHED, FAILED) and line.seconds is not None:
            steps = [] if line.progress.step is None else [f"{line.progress.step:,} steps"]
            metric = [] if line.progress.metric is None else [line.progress.metric]
            words += [*steps, *metric, duration(line.seconds)]
        if line.state == FAILED:
            words.append(line.reason)
        if line.state == FINISHED:
            words.append(f"({list(self._states.values()).count(FINISHED)} of {len(self._states)})")
        return "  ".join(words)

    def _print(self, text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, file=self._stream, flush=True)


def reporter_for(stream: TextIO | None) -> Reporter:
    """Return the reporter for `stream`, which is stderr as a rule; None where that is closed."""
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return PlainReporter(stream)
    from rich.console import Console

    from sedscope.sweep.display.live_table import LiveReporter

    return LiveReporter(Console(file=stream, highlight=False))
