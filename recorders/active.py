"""Which recording is active in this process: at most one, and none in a forked child."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recorders.errors import UsageError

if TYPE_CHECKING:
    from recorders.session import Session

_active: tuple[int, Session] | None = None


def current() -> Session | None:
    """The recording of this process, or None; a child that inherited one by forking has none."""
    if _active is None or _active[0] != os.getpid():
        return None
    return _active[1]


def activate(session: Session) -> None:
    """Make this the recording of the process.

    Raises:
        UsageError: one is active already.
    """
    global _active
    if (running := current()) is not None:
        raise UsageError(f"record: one recording at a time; {running.path} is being recorded already")
    _active = (os.getpid(), session)


def deactivate(session: Session) -> None:
    """End this recording's turn; without effect when another one has it."""
    global _active
    if _active is not None and _active[1] is session:
        _active = None
