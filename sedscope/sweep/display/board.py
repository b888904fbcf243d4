"""The board of a sweep, a line for each cell, and the reporter that writes it in plain lines.

Decides the words that it shares with the live table.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from sedscope.runs.text import printable_path
from sedscope.sweep.display.watch import TrainingProgress

FINISHED: Final = "finished"
RUNNING: Final = "running"
FAILED: Final = "failed"
WAITING: Final = "waiting"
SKIPPED: Final = "skipped"
"""Being recorded by somebody else, or damaged: left alone."""

EVERY_S: Final = 60.0
"""Seconds between two plain lines about a cell that just goes on."""


@dataclass(frozen=True)
class CellLine:
    """The state of one cell, its progress, and why it failed or is skipped."""

    name: str
    state: str
    progress: TrainingProgress = field(default_factory=TrainingProgress)
    seconds: float | None = None
    """Seconds that it has run, or ran; None where it did not run now."""
    reason: str = ""
    """Why it failed or is skipped."""
    log: Path | None = None
    """Where the script's output is, where it failed."""


@dataclass(frozen=True)
class Board:
    """All cells, in the order of the sweep."""

    out: Path
    lines: Sequence[CellLine]
    remaining_s: float | None = None
    """Seconds until the last cell ends; None: not known yet."""

    def counts(self) -> Mapping[str, int]:
        """Return the number of cells in each state."""
        return Counter(line.state for line in self.lines)

    def in_state(self, *states: str) -> list[CellLine]:
        """Return the lines of the cells in these states, in order."""
        return [line for line in self.lines if line.state in states]

    def summary(self) -> str:
        """Return such as `12 cells: 3 finished, 2 running, 7 waiting`."""
        counts = self.counts()
        words = [f"{counts[state]} {state}" for state in (FINISHED, RUNNING, FAILED, SKIPPED, WAITING) if counts[state]]
        return f"{cells(len(self.lines))}: {', '.join(words)}"

    def outlook(self) -> str:
        """Return the summary with the time that is left."""
        left = f"; {duration(self.remaining_s)} left" if self.remaining_s is not None else ""
        return f"{self.summary()}{left}"


class Reporter:
    """Shows a board in plain lines, for a pipe or a log: what starts, what ends, and now and then how far the rest is.

    Args:
        stream: stderr, as a rule; None where it is closed, or nothing is to be shown.
        clock: seconds, for tests.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
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
        if self._stream is not None:  # for `print`, None is stdout
            with suppress(OSError, ValueError):  # a stream that was closed is nobody's error
                print(text, file=self._stream, flush=True)


def progress_words(progress: TrainingProgress) -> list[str]:
    """Return step, metric, rate and remaining time, as far as they are known."""
    words = [] if progress.step is None else [f"step {progress.step:,}"]
    words += [] if progress.metric is None else [progress.metric]
    words += [] if progress.rate is None else [rate(progress.rate)]
    return words + ([] if progress.remaining_s is None else [f"{duration(progress.remaining_s)} left"])


def closing_lines(board: Board) -> list[str]:
    """Return the lines that end a sweep: failures with reasons, the counts, and the next useful command."""
    lines = []
    for line in board.in_state(FAILED, SKIPPED):
        log = "" if line.log is None else f"; log: {printable_path(line.log)}"
        lines.append(f"{line.state}: {line.name}: {line.reason}{log}")
    counts = board.counts()
    if counts[FINISHED] < len(board.lines):
        return [*lines, f"{board.summary()}; the same command does what is missing"]
    return [*lines, f"{board.summary()}; next: sedscope report {printable_path(board.out)}"]


def cells(number: int) -> str:
    """Return `1 cell` or `2 cells`."""
    return f"{number} cell" if number == 1 else f"{number:,} cells"


def rate(value: float) -> str:
    """Return `48 steps/s`, or for slow trainings `3.1 s/step`."""
    return f"{value:.3g} steps/s" if value >= 1 else f"{1 / value:.3g} s/step"


def duration(seconds: float) -> str:
    """Return `41 s`, `7 min 05 s` or `3 h 20 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
