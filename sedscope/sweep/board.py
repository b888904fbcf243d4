"""What a sweep shows of itself: a line for each cell, and the words that both ways of showing it use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from sedscope.runs.text import printable
from sedscope.sweep.watch import Progress

FINISHED: Final = "finished"
RUNNING: Final = "running"
FAILED: Final = "failed"
WAITING: Final = "waiting"
SKIPPED: Final = "skipped"
"""Being recorded by somebody else, or damaged: left alone."""


@dataclass(frozen=True)
class Line:
    """One cell as it stands."""

    name: str
    state: str
    progress: Progress = field(default_factory=Progress)
    seconds: float | None = None
    """How long it has run, or did; None where it did not run now."""
    reason: str = ""
    """Why it failed or is skipped."""
    log: Path | None = None
    """Where the script's output is, where it failed."""


@dataclass(frozen=True)
class Board:
    """All cells, in the order of the sweep."""

    out: Path
    lines: Sequence[Line]
    remaining_s: float | None = None
    """Until the last cell ends; None: not known yet."""

    def counts(self) -> Mapping[str, int]:
        """How many cells are in each state."""
        return Counter(line.state for line in self.lines)

    def in_state(self, *states: str) -> list[Line]:
        """The cells in these states, in order."""
        return [line for line in self.lines if line.state in states]

    def summary(self) -> str:
        """`12 cells: 3 finished, 2 running, 7 waiting`."""
        counts = self.counts()
        told = [f"{counts[state]} {state}" for state in (FINISHED, RUNNING, FAILED, SKIPPED, WAITING) if counts[state]]
        return f"{cells(len(self.lines))}: {', '.join(told)}"

    def outlook(self) -> str:
        """The summary with the time that is left."""
        left = f"; {duration(self.remaining_s)} left" if self.remaining_s is not None else ""
        return f"{self.summary()}{left}"


class Reporter(Protocol):
    """Shows a board."""

    def begin(self, board: Board, about: str) -> None:
        """The sweep starts; `about` says how it is run."""

    def update(self, board: Board) -> None:
        """Something may have changed."""

    def end(self, board: Board) -> None:
        """Nothing more will."""


class Silent:
    """Shows nothing."""

    def begin(self, board: Board, about: str) -> None:
        """Nothing."""

    def update(self, board: Board) -> None:
        """Nothing."""

    def end(self, board: Board) -> None:
        """Nothing."""


def progress_words(progress: Progress) -> list[str]:
    """Step, metric, rate and remaining time, as far as they are known."""
    found = [] if progress.step is None else [f"step {progress.step:,}"]
    found += [] if progress.metric is None else [progress.metric]
    found += [] if progress.rate is None else [rate(progress.rate)]
    return found + ([] if progress.remaining_s is None else [f"{duration(progress.remaining_s)} left"])


def closing_lines(board: Board) -> list[str]:
    """What failed and why, the counts, and the next useful command."""
    lines = []
    for line in board.in_state(FAILED, SKIPPED):
        log = "" if line.log is None else f"; log: {printable(str(line.log), 4096)}"
        lines.append(f"{line.state}: {line.name}: {line.reason}{log}")
    counts = board.counts()
    if counts[FINISHED] < len(board.lines):
        return [*lines, f"{board.summary()}; the same command does what is missing"]
    return [*lines, f"{board.summary()}; next: sedscope report {printable(str(board.out), 4096)}"]


def cells(number: int) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number} cell" if number == 1 else f"{number:,} cells"


def rate(value: float) -> str:
    """`48 steps/s`, or for slow ones `3.1 s/step`."""
    return f"{value:.3g} steps/s" if value >= 1 else f"{1 / value:.3g} s/step"


def duration(seconds: float) -> str:
    """`41 s`, `7 min 05 s`, `3 h 20 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
