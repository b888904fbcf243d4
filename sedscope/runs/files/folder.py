"""The files of a run directory, opened so that a folder that somebody else made can do no harm.

Decides which files are opened at all: regular ones inside the folder, reached without any symbolic link, without
waiting for a FIFO, never memory-mapped. What they hold is left to the callers. No file stays open between calls.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from recorders.errors import DamagedError, InputOutputError, NotARunError, RefusedError
from recorders.store.tensorfile import pread
from sedscope.runs.text import printable, printable_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: opening a FIFO in place of a file would otherwise wait for a writer that never comes."""
_SPARSE_FROM = 256 << 20
_SPARSE_RATIO = 16
"""A file from 256 MiB whose blocks on disk hold less than a 16th of it is refused: zeros that nobody recorded."""


class FileStamp(NamedTuple):
    """The identity and state of a file: another one when the file was replaced, changed or copied.

    Nobody but the superuser can set the time of a change, unlike the time of a modification.
    """

    inode: int
    changed_ns: int
    size: int
    """Bytes."""

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Return the stamp that a status gives."""
        return cls(status.st_ino, status.st_ctime_ns, status.st_size)


class MissingError(DamagedError):
    """A file that the journal names is not there."""


class RunFolder:
    """Access to the files of one run by names such as `shards/0001-000000.safetensors`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = printable_path(path)
        """The path as messages give it."""

    def where(self, name: str) -> str:
        """Return what a message calls the file `name`: its path, printable."""
        return f"{self.shown}/{printable(name)}"

    def reason(self, error: DamagedError, name: str) -> str:
        """Return an error's message without the path of the file `name` in front, which damage names itself."""
        return printable(str(error)).removeprefix(self.where(name)).lstrip(": ")

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[int, int]]:
        """Open a file and yield its descriptor and size, for the time of a `with` block.

        Raises:
            MissingError: it is not there.
            RefusedError: a symbolic link, FIFO, device or folder, or a giant that is mostly hole.
            InputOutputError: the operating system does not let us.
        """
        folder, _, last = name.rpartition("/")
        with self._folder(folder) as parent:
            fd = self._checked(name, lambda: os.open(last, _FILE, dir_fd=parent))
        try:
            yield fd, self._regular_size(fd, name)
        finally:
            os.close(fd)

    def read(self, name: str, cap: int) -> bytes:
        """Return all bytes of a small file; `RefusedError` above `cap` bytes."""
        with self.open(name) as (fd, size):
            if size > cap:
                raise RefusedError(f"{self.where(name)}: must not exceed {cap} bytes, found {size}")
            return pread(fd, size, 0, self.where(name))

    def stamps(self, folder: str) -> dict[str, FileStamp]:
        """Return the stamps of the regular files in a folder of the run by name; empty where the folder is missing.

        Raises:
            RefusedError: something in it is neither a file nor a folder.
        """
        try:
            with self._folder(folder) as fd, os.scandir(fd) as entries:
                stamps = {entry.name: self._stamp(entry, folder) for entry in entries if not _is_folder(entry)}
                return {name: stamp for name, stamp in stamps.items() if stamp is not None}
        except MissingError:
            return {}

    def stamp(self, name: str) -> FileStamp:
        """Return the stamp of one file."""
        with self.open(name) as (fd, _):
            return FileStamp.of(os.fstat(fd))

    def exists(self) -> bool:
        """Return whether the path is a folder that can be searched; raises `NotARunError` where that is forbidden."""
        try:
            return stat.S_ISDIR(self.path.stat().st_mode)
        except PermissionError as error:
            raise NotARunError(f"{self.shown}: permission denied") from error
        except OSError:
            return False

    @contextmanager
    def _folder(self, name: str) -> Iterator[int]:
        # The run's own path may be a link (`latest`); nothing below it may.
        root = self._checked(name, lambda: os.open(self.path, _FOLDER))
        try:
            if not name:
                yield root
                return
            fd = self._checked(name, lambda: os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=root))
            try:
                yield fd
            finally:
                os.close(fd)
        finally:
            os.close(root)

    def _checked(self, name: str, opening: Callable[[], int]) -> int:
        try:
            return opening()
        except FileNotFoundError as error:
            raise MissingError(f"{self.where(name)}: missing") from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO):
                raise RefusedError(f"{self.where(name)}: must not be a symbolic link or special file") from error
            raise InputOutputError(f"{self.where(name)}: cannot be opened: {error.strerror}") from error

    def _regular_size(self, fd: int, name: str) -> int:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError(f"{self.where(name)}: must be a regular file")
        if status.st_size >= _SPARSE_FROM and status.st_blocks * 512 < status.st_size // _SPARSE_RATIO:
            raise RefusedError(f"{self.where(name)}: sparse file of {status.st_size} bytes")
        return status.st_size

    def _stamp(self, entry: os.DirEntry[str], folder: str) -> FileStamp | None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # a recorder renamed its `.part` between the listing and here
            return None
        if not stat.S_ISREG(status.st_mode):
            name = f"{folder}/{entry.name}" if folder else entry.name
            raise RefusedError(f"{self.where(name)}: must not be a symbolic link or special file")
        return FileStamp.of(status)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
