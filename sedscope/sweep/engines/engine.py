"""The protocol of engines. None of them schedules: processes here are limited in number, clusters have schedulers of
their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sedscope.runs.text import printable
from sedscope.sweep.training_job import TrainingJob

PATIENCE_S: Final = 30.0
"""Seconds for which a network file system may show an old folder."""
LONGEST_LINE: Final = 300
"""Characters of a foreign message: enough for its reason, few enough for a row of the table."""


class Ticket(Protocol):
    """A job that was handed over."""

    def ended(self) -> str | None:
        """Return how it ended, `exit status 0` or another; None while it waits or runs."""


class Engine(Protocol):
    """Takes jobs, and ends them."""

    @property
    def name(self) -> str:
        """Its name for `--engine`."""

    @property
    def slots(self) -> int | None:
        """The number of jobs that it takes at a time; None: all, to put them into a queue of its own."""

    @property
    def threads(self) -> int:
        """The number of threads of each job."""

    @property
    def tick_s(self) -> float:
        """Seconds between two polls of its jobs."""

    @property
    def patience_s(self) -> float:
        """Seconds after a job's end until its files are sure to be seen here."""

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Ticket]:
        """Hand jobs over, a ticket for each."""

    def stop(self) -> None:
        """End every job that has not ended, and return when none is left."""


def one_line(error: BaseException) -> str:
    """Return a foreign error in a line: its kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    return printable(": ".join([type(error).__name__, *lines[:1]]), LONGEST_LINE)
