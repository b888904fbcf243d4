"""The folder of a run before anything is recorded in it: reserved, emptied by force, opened by a manifest.

Decides which folders a recorder takes; it removes only what the run format names, and only where `run.json` says run.
The folder is reserved before the training begins, so that an unusable one is told then and not after the first step.
One that was reserved and never used is given back. Loads no torch.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
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
from recorders.store import durable, strictjson
from recorders.store.lock import RunLock
from recorders.store.regular_file import FOLDER_MODE, is_real_folder, read_regular

_FOLDERS = (
    format.JOURNAL_DIR,
    format.SHARD_DIR,
    format.WEIGHTS_DIR,
    format.PROGRAM_DIR,
    format.PROBE_DIR,
    format.DERIVED_DIR,
)
_RECORDED_NAME = re.compile(r"(\d{4,}(-\d+)?|[a-z ]+-[0-9a-f]{32})\.(jsonl?|safetensors)(\..*part)?")
"""Files of a run's folders: those of recorders, and results that earlier versions kept there."""
_SYNCED_PARENTS = 3
"""Folders above a run that may have been made for it: `runs`, or `runs` and a sweep's."""
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
            path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
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
        refuse_unsafe(path)
    elif is_run and not options.force:
        raise UsageError(f"out: {path} holds a run already; give --force to replace it or --resume to go on with it")
    elif path.exists() and not is_run and not _is_free(path, force=options.force):
        raise UsageError(f"out: {path} must be a new or empty folder, or with --force a run")
    if path.is_dir() and not options.shared_folder:
        _refuse_shared(path)


def _refuse_shared(path: Path) -> None:
    """Raise `RefusedError` for a folder in which somebody else could exchange what is written."""
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        raise RefusedError(
            f"out: {path} must belong to user {os.geteuid()} and not be writable by everybody, found"
            f" {stat.filemode(status.st_mode)} of user {status.st_uid}; --shared-folder records all the same"
        )


def refuse_unsafe(path: Path) -> None:
    """Raise `RefusedError` for a run in which something that is read or written on resuming leads elsewhere."""
    names = [name for name in _FOLDERS if name != format.DERIVED_DIR and os.path.lexists(path / name)]
    for folder in (path / name for name in names):
        if not is_real_folder(folder):
            raise RefusedError(f"{folder}: must be a folder, found another kind or a link")
    journals = sorted((path / format.JOURNAL_DIR).iterdir()) if format.JOURNAL_DIR in names else []
    for file in (path / format.RUN_FILE, *journals):
        if not stat.S_ISREG(file.lstat().st_mode):
            raise RefusedError(f"{file}: must be a regular file, found another kind or a link")


def _is_free(path: Path, *, force: bool) -> bool:
    return path.is_dir() and (not _is_occupied(path) or (force and is_remnant(path)))


def _is_occupied(path: Path) -> bool:
    return any(entry.name != format.LOCK_FILE for entry in path.iterdir())


def is_remnant(path: Path) -> bool:
    """Return whether a folder without `run.json` holds a recorder's lock and files of its naming, and nothing else.

    A recorder that was killed while it began, or while it removed a run by force, leaves such a folder.
    """
    names = {entry.name for entry in path.iterdir()}
    folders = [path / name for name in _FOLDERS if name in names]
    files = [file.name for folder in folders if is_real_folder(folder) for file in folder.iterdir()]
    return (
        format.LOCK_FILE in names
        and names <= {format.LOCK_FILE, format.RUN_FILE + format.PART_SUFFIX, *_FOLDERS}
        and all(_RECORDED_NAME.fullmatch(name) for name in files)
    )


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
        return read_regular(path / format.RUN_FILE, format.MAX_RUN_JSON)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARunError(f"{path}: not a run (no {format.RUN_FILE})") from error


def reserve(path: Path, *, force: bool) -> RunLock:
    """Make `path` an empty folder that this process alone records into."""
    path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    occupied = _is_occupied(path)
    is_run = (path / format.RUN_FILE).is_file()
    if occupied and not force:
        raise UsageError(f"{path}: must be a new or empty folder; give --force to replace the run in it")
    if occupied and not is_run and not is_remnant(path):
        raise UsageError(f"{path}: holds files, but no run; --force replaces nothing but runs")
    lock = RunLock.acquire(path)
    if occupied:
        empty(path)
    return lock


def sync_parents(path: Path) -> None:
    """Make the names of a run's folder, and of the folders that it lies in, durable as far as we may read them."""
    for folder in path.absolute().parents[:_SYNCED_PARENTS]:
        with suppress(OSError):
            durable.sync_folder(folder)


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


def empty(path: Path) -> None:
    """Remove what the run format names from a folder whose lock this process holds."""
    # run.json first: a crash in between leaves a folder that is no run, not a run with parts missing.
    for name in (format.RUN_FILE, format.RUN_FILE + format.PART_SUFFIX):
        (path / name).unlink(missing_ok=True)
    for folder in (path / name for name in _FOLDERS):
        if is_real_folder(folder):
            shutil.rmtree(folder)
        else:
            folder.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
