"""The folder of a run before anything is recorded in it: reserved, emptied by force, opened by a manifest.

Decides which folders a recorder takes; it removes only what the run format names, and only where `run.json` says run.
The folder is reserved before the training begins, so that an unusable one is told then and not after the first step.
One that was reserved and never used is given back. Loads no torch.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from recorders import format
from recorders.errors import InputOutputError, NotARunError, RefusedError, UsageError
from recorders.recording_options import RecordingOptions
from recorders.store import strictjson
from recorders.store.lock import RunLock

_FOLDERS = (
    format.JOURNAL_DIR,
    format.SHARD_DIR,
    format.WEIGHTS_DIR,
    format.PROGRAM_DIR,
    format.PROBE_DIR,
    format.DERIVED_DIR,
)
_RESUMED = ("command", "git", "versions", "device", format.STEPS_BEFORE)
"""Members that a resumed session may change; its opening line says them."""


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
    is_run = (path / format.RUN_FILE).is_file()
    if options.resume:
        if not is_run:
            raise UsageError(f"resume: {path} must be a run to go on with; there is no {format.RUN_FILE} in it")
    elif is_run and not options.force:
        raise UsageError(f"out: {path} holds a run already; give --force to replace it or --resume to go on with it")
    elif path.exists() and not is_run and (not path.is_dir() or _is_occupied(path)):
        raise UsageError(f"out: {path} must be a new or empty folder, or with --force a run")


def _is_occupied(path: Path) -> bool:
    return any(entry.name != format.LOCK_FILE for entry in path.iterdir())


@contextmanager
def io_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into `InputOutputError` with the path and the reason."""
    try:
        yield
    except OSError as error:
        raise InputOutputError(f"{error.filename or path}: cannot be written: {error.strerror}") from error


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """Return the text of `run.json`; raises `RefusedError` for what no reader would accept.

    Fills in the format version, run id and time. A seed beyond ±2^53 is written as a string, because a reader in
    another language may keep numbers as doubles.
    """
    manifest.setdefault("run_id", uuid.uuid4().hex)
    manifest.setdefault("created", _now())
    members = {"format_version": format.FORMAT_VERSION, **manifest}
    seed = members.get("seed")
    if isinstance(seed, int) and abs(seed) > format.MAX_INTEGER:
        members["seed"] = str(seed)
    text = (strictjson.dumps(members) + "\n").encode("ascii")
    strictjson.loads(text, "manifest")
    if len(text) > format.MAX_RUN_JSON:
        raise UsageError(f"manifest: must not exceed {format.MAX_RUN_JSON} bytes, found {len(text)}")
    return text


def read_manifest(path: Path) -> bytes:
    """Return the bytes of the `run.json` in `path`; raises `NotARunError` where there is none."""
    try:
        return (path / format.RUN_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARunError(f"{path}: not a run (no {format.RUN_FILE})") from error


def reserve(path: Path, *, force: bool) -> RunLock:
    """Make `path` an empty folder that this process alone records into."""
    path.mkdir(parents=True, exist_ok=True)
    occupied = _is_occupied(path)
    is_run = (path / format.RUN_FILE).is_file()
    if occupied and not force:
        raise UsageError(f"{path}: must be a new or empty folder; give --force to replace the run in it")
    if occupied and not is_run:
        raise UsageError(f"{path}: holds files, but no run; --force replaces nothing but runs")
    lock = RunLock.acquire(path)
    if is_run:
        _empty(path)
    return lock


def opening_members(
    text: bytes, *, first_t: int, parent: dict[str, int] | None, manifest: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the members of a session's opening line beyond its number."""
    changed = {} if manifest is None else {name: manifest[name] for name in _RESUMED if name in manifest}
    return {
        "run_crc": crc32(text),
        "started": _now(),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "first_t": first_t,
        "parent": parent,
        **changed,
    }


def _empty(path: Path) -> None:
    # run.json first: a crash in between leaves a folder that is no run, not a run with parts missing.
    (path / format.RUN_FILE).unlink()
    for name in _FOLDERS:
        if (path / name).is_symlink():
            (path / name).unlink()
        elif (path / name).exists():
            shutil.rmtree(path / name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
