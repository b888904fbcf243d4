"""Objects that travel between viewer and analysis process: orders one way, events the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

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
