"""One recorder for each run directory: an exclusive `lockf` that a killed process cannot leave behind.

Decides who may write, and tells readers whether somebody does. POSIX record locks belong to a process: the kernel drops
them when it ends, and a forked child has none of its parent's. They have one trap: closing *any* descriptor of the file
drops the lock. So nothing but this module opens the lock file, and a registry answers within the process that holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from recorders.errors import InputOutputError, RefusedError
from recorders.format import LOCK_FILE
from recorders.store.regular_file import open_regular

# struct flock: Linux (64 bit) starts with type and whence; macOS and the BSDs with start, length and pid.
_LINUX = sys.platform.startswith("linux")
_FLOCK = struct.Struct("@hhqqi4x" if _LINUX else "@qqihh8x")
_MAX_CONTENT = 4096  # a lock file of ours takes 60 bytes; somebody else's may be of any size


class Holder(NamedTuple):
    """The process that records into a run: its id, and its host's name where the lock file tells it."""

    pid: int
    host: str | None

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}" if self.host else f"pid {self.pid}"


_held: dict[tuple[int, int], Holder] = {}
"""Locks of this process by (device, inode) of the lock file."""
_guard = threading.Lock()


def _forget_in_child() -> None:
    global _guard
    _held.clear()
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_forget_in_child)


class RunLock:
    """The exclusive right to write into one run directory, from `acquire` to `release` or the end of the process."""

    def __init__(self, fd: int, key: tuple[int, int]) -> None:
        self._fd: int | None = fd
        self._key = key
        self._pid = os.getpid()

    @classmethod
    def acquire(cls, run: Path) -> RunLock:
        """Take the lock of `run`, or raise `InputOutputError` naming the process that has it."""
        with _guard:
            if (key := _key(run)) in _held:
                raise InputOutputError(f"{run}: another recorder is writing this run: {_held[key]}")
            fd = _open(run, os.O_RDWR | os.O_CREAT)
            try:
                key = _lock(run, fd)
            except BaseException:
                os.close(fd)
                raise
            _held[key] = Holder(os.getpid(), socket.gethostname())
            return cls(fd, key)

    def release(self) -> None:
        """Give the lock back; idempotent, and without effect in a forked child."""
        if self._fd is None or os.getpid() != self._pid:
            return
        with _guard:
            os.close(self._fd)
            self._fd = None
            _held.pop(self._key, None)


def holder(run: Path) -> Holder | None:
    """Return the live recorder of `run`, or None. Takes no lock, waits for nothing, and does not disturb the holder."""
    with _guard:
        key = _key(run)
        if key is None:
            return None
        if key in _held:
            return _held[key]
        try:
            fd = _open(run, os.O_RDONLY)
        except (InputOutputError, RefusedError):
            return None
        try:
            return _ask(fd)
        finally:
            os.close(fd)


def _key(run: Path) -> tuple[int, int] | None:
    try:
        status = (run / LOCK_FILE).stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open(run: Path, flags: int) -> int:
    try:
        return open_regular(run / LOCK_FILE, flags)
    except OSError as error:
        raise InputOutputError(f"{run / LOCK_FILE}: cannot be opened: {error.strerror}") from error


def _lock(run: Path, fd: int) -> tuple[int, int]:
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputOutputError(f"{run}: another recorder is writing this run: {_ask(fd) or 'unknown'}") from error
    except OSError as error:
        raise InputOutputError(f"{run / LOCK_FILE}: cannot be locked: {error.strerror}") from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _ask(fd: int) -> Holder | None:
    """Return who would block a shared lock on `fd`, by F_GETLK."""
    kind, whence = fcntl.F_RDLCK, os.SEEK_SET
    question = _FLOCK.pack(kind, whence, 0, 0, 0) if _LINUX else _FLOCK.pack(0, 0, 0, kind, whence)
    try:
        answer = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, question))
    except OSError:
        return None
    kind, pid = (answer[0], answer[4]) if _LINUX else (answer[3], answer[2])
    return None if kind == fcntl.F_UNLCK else _named(fd, pid)


def _named(fd: int, pid: int) -> Holder:
    """Return the holder as it described itself in the lock file; the kernel's pid alone where that cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(os.pread(fd, _MAX_CONTENT, 0))
        host = "".join(sign for sign in str(content["host"])[:80] if sign.isprintable())
        return Holder(int(content["pid"]), host)
    return Holder(pid, None)
