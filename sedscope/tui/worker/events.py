"""Objects that travel between viewer and analysis process: orders one way, events the other, each as a pickle.

Only for the two ends of one pipe that the viewer made itself. Nothing from a run directory ever comes this way unread:
runs are parsed by `sedscope.runs`, and what travels are the viewer's own dataclasses.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from sedscope.tui.worker.jobs import Job


@dataclass(frozen=True, slots=True)
class Begin:
    """Order: do this job after those before it."""

    number: int
    job: Job


@dataclass(frozen=True, slots=True)
class Stop:
    """Order: give this job up."""

    number: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """A unit of work is done."""

    number: int
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A result; later ones of the same job refine it."""

    number: int
    value: Any
    final: bool
    """False for a coarse one that a refined one will replace."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is over: with its last answer, cancelled, or failed."""

    number: int
    error: str | None = None
    """One line, or None."""
    cancelled: bool = False


Order: TypeAlias = Begin | Stop
Event: TypeAlias = Progressed | Answered | Finished


def send(pipe: BinaryIO, value: Any) -> None:
    """Write one object; raises `OSError` where nobody reads any more."""
    pipe.write(
        pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    )  # whole or not at all: what cannot be pickled sends nothing
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Read one object; raises `EOFError` where the other end is closed, also in the middle of an object."""
    try:
        return pickle.load(pipe)
    except pickle.UnpicklingError as error:
        raise EOFError from error
