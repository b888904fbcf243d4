"""What an engine is. None of them schedules: processes here are kept to a number, the clusters' own schedulers do the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sedscope.runs.text import printable
from sedscope.sweep.job import Job

PATIENCE_S: Final = 30.0
"""How long a network file system may show an old folder."""
_LONGEST: Final = 300


class Ticket(Protocol):
    """A job that was handed over."""

    def ended(self) -> str | None:
        """How it ended, `exit status 0` or another; None while it waits or runs."""


class Engine(Protocol):
    """Takes jobs, and ends them."""

    @property
    def name(self) -> str:
        """As `--engine` has it."""

    @property
    def slots(self) -> int | None:
        """How many jobs it takes at a time; None: all, to put them into a queue of its own."""

    @property
    def threads(self) -> int:
        """What each of them gets."""

    @property
    def tick_s(self) -> float:
        """How long to wait between two times of asking after its jobs."""

    @property
    def patience_s(self) -> float:
        """How long after a job's end its files may take to be seen here."""

    def submit(self, jobs: Sequence[Job]) -> Sequence[Ticket]:
        """Hand jobs over, a ticket for each."""

    def stop(self) -> None:
        """End every job that has not ended, and return when none is left."""


def one_line(error: BaseException) -> str:
    """An error of somebody else's in a line: its kind and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return printable(": ".join([type(error).__name__, *lines[:1]]), _LONGEST)
