"""The progress of an analysis on stderr: a bar on a terminal, a plain line now and then in a pipe or a log.

Decides what is said and how often. Leaves to `analysis.analyse` what a unit of work is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import StringIO
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sedscope.analysis.progress import AnalysisProgress

PLAIN_EVERY_S = 10.0
"""A log gets a line this often, and none for an analysis that is shorter."""
_BAR_WIDTH = 24


class ProgressDisplay:
    """Shows the progress of one run; a context manager that leaves the terminal as it was."""

    def __init__(self, stream: TextIO | None, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Settle where to write.

        Args:
            stream: stderr, as a rule; None where it is closed.
            name: The run's.
            clock: Seconds, for tests.
        """
        self._console = Console(file=stream or StringIO(), highlight=False)
        self._clock = clock
        self._live = (
            Live(console=self._console, transient=True, auto_refresh=False) if self._console.is_terminal else None
        )
        self._name = name
        self._stage = ""
        self._began = self._last_line = clock()
        self._done_before = 0

    def __enter__(self) -> ProgressDisplay:
        """Take over the line."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the line back, empty."""
        if self._live is not None:
            self._live.update(Text(""), refresh=True)
            self._live.stop()

    def update(self, progress: AnalysisProgress) -> None:
        """Show that a unit of work was done."""
        now = self._clock()
        if progress.stage != self._stage:
            self._stage, self._began, self._done_before = progress.stage, now, progress.done
        text = self._line(progress, now)
        if self._live is not None:
            self._live.update(text, refresh=True)
        elif now - self._last_line >= PLAIN_EVERY_S:
            self._last_line = now
            self._console.print(text, soft_wrap=True)

    def _line(self, progress: AnalysisProgress, now: float) -> Text:
        """Return `add-s42  coupling  ━━━━────  12/80  3.1/s  22 s left`."""
        rate = (progress.done - self._done_before) / max(now - self._began, 1e-9)
        pace = (
            ""
            if rate <= 0 or now <= self._began
            else f"  {rate:.3g}/s  {_duration((progress.total - progress.done) / rate)} left"
        )
        return Text.assemble(
            (self._name, "bold"), f"  {progress.stage}  ", _bar(progress), f"  {progress.done}/{progress.total}", pace
        )


def _bar(progress: AnalysisProgress) -> Text:
    filled = round(_BAR_WIDTH * progress.done / max(progress.total, 1))
    return Text.assemble(("━" * filled, "cyan"), ("─" * (_BAR_WIDTH - filled), "dim"))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
