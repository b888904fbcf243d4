"""Damage of a run, and notes that are merely worth knowing.

Decides the two words: damage cuts what is readable to the prefix before it and makes `check` fail; a note does
neither.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damage:
    """A committed part of the run that is missing or not what its journal says."""

    file: str
    """Where, relative to the run."""
    reason: str
    t: int | None
    """The first recorded t that is lost with it; None where no step depends on it."""
    session: int | None = None
    """The session that committed it; None where it concerns the whole run."""

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the recorder or the reader wants to be known."""

    about: str
    """disk, budget, refused, capture, parameter … from the recorder; torn, part, resume, weights … from the reader."""
    message: str
    t: int | None = None
    session: int | None = None

    def __str__(self) -> str:
        return self.message
