"""A sweep as a live table on a terminal: cell, state, step, metric, rate, remaining time.

Decides which cells are shown where not all have room: first those that run or failed, then those that wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sedscope.sweep.display.board import (
    FAILED,
    FINISHED,
    RUNNING,
    SKIPPED,
    WAITING,
    Board,
    CellLine,
    Reporter,
    cells,
    closing_lines,
    duration,
    rate,
)

_STYLES: Final = {RUNNING: "cyan", FAILED: "red", SKIPPED: "yellow", WAITING: "dim", FINISHED: "green"}
"""State → style; their order is that of the rows."""
_AROUND: Final = 5
"""Lines of the screen that are not rows of cells."""
_EVERY_S: Final = 0.5
"""Seconds between two drawings: over SSH each sends the whole table."""


class LiveReporter(Reporter):
    """Draws over itself on a terminal, and leaves the closing lines there.

    Args:
        console: the terminal.
        clock: seconds, for tests.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock=clock)
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._about = ""
        self._drawn = clock()

    def begin(self, board: Board, about: str) -> None:
        """Take over the lower part of the screen."""
        self._about = about
        self._live.start()
        self._draw(board)

    def update(self, board: Board) -> None:
        """Draw again, at most twice a second."""
        if self._clock() - self._drawn >= _EVERY_S:
            self._draw(board)

    def end(self, board: Board) -> None:
        """Give the screen back, with the closing lines on it."""
        self._live.stop()
        for text in closing_lines(board):
            self._console.print(Text(text), soft_wrap=True)

    def _draw(self, board: Board) -> None:
        self._drawn = self._clock()
        self._live.update(drawn(board, self._about, self._console.height - _AROUND), refresh=True)


def drawn(board: Board, about: str, room: int) -> Group:
    """Return the table with at most `room` rows, between the summary and the number of cells left out."""
    ordered = sorted(board.lines, key=lambda line: list(_STYLES).index(line.state))
    shown = ordered if len(ordered) <= room else ordered[: max(1, room - 1)]
    rest = ordered[len(shown) :]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("cell", "state", "step", "metric", "rate", "time", "left"):
        is_number = name in ("step", "rate", "time", "left")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=name not in ("cell", "metric"))
    for line in shown:
        table.add_row(*_row(line))
    left_out = [Text(f"… and {cells(len(rest))} more", style="dim")] if rest else []
    return Group(_cut(f"{board.outlook()}; {about}"), table, *left_out)


def _row(line: CellLine) -> list[Text]:
    progress = line.progress
    texts = (
        "" if progress.step is None else f"{progress.step:,}",
        line.reason or progress.metric or "",
        "" if progress.rate is None or line.state != RUNNING else rate(progress.rate),
        "" if line.seconds is None else duration(line.seconds),
        "" if progress.remaining_s is None or line.state != RUNNING else duration(progress.remaining_s),
    )
    return [_cut(line.name), Text(line.state, style=_STYLES[line.state]), *map(_cut, texts)]


def _cut(text: str) -> Text:
    """Return the text as a single line, whatever room there is."""
    return Text(text, no_wrap=True, overflow="ellipsis")
