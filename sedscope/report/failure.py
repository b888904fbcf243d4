"""A run that could not be reported on, and what that does to the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recorders.errors import EXIT_DAMAGED, EXIT_OK, SedscopeError


@dataclass(frozen=True, slots=True)
class Failure:
    """One run and why."""

    path: str
    reason: str
    status: int

    @classmethod
    def of(cls, path: str, error: SedscopeError) -> Failure:
        """Return the failure that an error caused; the path is named once."""
        return cls(path, str(error).removeprefix(f"{path}: "), error.status)


def exit_status(failures: Sequence[Failure], *, damaged: bool) -> int:
    """Return the exit status: damage outranks every other reason; otherwise the first failure decides."""
    if damaged or any(failure.status == EXIT_DAMAGED for failure in failures):
        return EXIT_DAMAGED
    return failures[0].status if failures else EXIT_OK
