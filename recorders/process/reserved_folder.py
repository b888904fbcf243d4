"""Before a training begins: may this process be recorded, and into this folder? Loads no torch.

The folder is reserved at once, so that an unusable one is told before the training and not after its first step. One
that was reserved and never used is given back.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from recorders.errors import InputOutputError, RefusedError, UsageError
from recorders.format import LOCK_FILE, RUN_FILE
from recorders.recording_options import RecordingOptions


class ReservedFolder:
    """A reserved run directory.

    Args:
        path: the run directory.
        options: whether a run that is there is replaced or continued.

    Raises:
        SedscopeError: several processes train together, the folder is not free, or cannot be written.
    """

    def __init__(self, path: Path, options: RecordingOptions) -> None:
        refuse_distributed()
        self.path = path
        try:
            self._created = not options.resume and not path.exists()
            _check(path, options)
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise InputOutputError(f"out: {path}: must be writable, found a read-only folder")
        except OSError as error:
            raise InputOutputError(f"out: {path}: {error.strerror}") from error

    def give_back(self) -> None:
        """Remove the folder if it was made here and nothing is in it."""
        if self._created:
            with suppress(OSError):  # somebody put something there: it is theirs
                self.path.rmdir()


def refuse_distributed() -> None:
    """Raise `RefusedError` where several processes train one model together."""
    world = os.environ.get("WORLD_SIZE", "1").strip()
    if world not in ("", "0", "1"):
        raise RefusedError(f"WORLD_SIZE: must be 1, found {world}; recording of distributed training is not supported")


def _check(path: Path, options: RecordingOptions) -> None:
    is_run = (path / RUN_FILE).is_file()
    if options.resume:
        if not is_run:
            raise UsageError(f"resume: {path} must be a run to go on with; there is no {RUN_FILE} in it")
    elif is_run and not options.force:
        raise UsageError(f"out: {path} holds a run already; give --force to replace it or --resume to go on with it")
    elif path.exists() and not is_run and _occupied(path):
        raise UsageError(f"out: {path} must be a new or empty folder, or with --force a run")


def _occupied(path: Path) -> bool:
    return not path.is_dir() or any(entry.name != LOCK_FILE for entry in path.iterdir())
