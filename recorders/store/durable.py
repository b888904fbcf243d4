"""Files that are either complete under their name or absent from it: written under another name, then renamed.

Decides the order of the system calls. `write_file` also survives a power cut (`.part`, fsync, rename, fsync the
folder), as what a run holds cannot be had again; `replace_file` does not wait for the disk, as what it writes can be
made again. When a run's file counts is left to the journal.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from recorders.format import PART_SUFFIX
from recorders.store.regular_file import FILE_MODE

sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
"""Makes durable what was appended to an open file descriptor."""
Buffer = bytes | memoryview


def write_file(path: Path, buffers: Iterable[Buffer]) -> int:
    """Write `buffers` to `path` so that a crash at any moment leaves the file complete or absent; return its size.

    For one writer at a time: the recorder that holds the run's lock.

    Raises:
        OSError: the disk is full or the folder cannot be written; no `.part` stays behind, so its space is free again.
    """
    part_path = path.with_name(path.name + PART_SUFFIX)
    with suppress(FileNotFoundError):
        part_path.unlink()  # of a recorder that was killed; or a link or FIFO, which is not opened either
    size = _write_and_rename(part_path, path, buffers, sync=True)
    sync_folder(path.parent)
    return size


def replace_file(path: Path, content: Buffer, *, private: bool = False) -> None:
    """Put `content` in the place of what `path` holds; several processes may do so at a time, and the last one wins.

    Args:
        path: the file.
        content: its bytes.
        private: whether this user alone may read it.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there stays, and nothing is left behind.
    """
    part_path = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
    _write_and_rename(part_path, path, [content], sync=False, mode=0o600 if private else FILE_MODE)


def write_all(fd: int, buffer: Buffer) -> None:
    """Write every byte; `os.write` may stop short of a large buffer."""
    rest = memoryview(buffer)
    while len(rest):
        rest = rest[os.write(fd, rest) :]


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_and_rename(
    part_path: Path, path: Path, buffers: Iterable[Buffer], *, sync: bool, mode: int = FILE_MODE
) -> int:
    # O_EXCL: a folder that came from somebody else must not make us write through a link, or wait at a FIFO.
    fd = os.open(part_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    size = 0
    try:
        try:
            for buffer in buffers:
                write_all(fd, buffer)
                size += len(buffer)
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        part_path.replace(path)
    except BaseException:
        with suppress(OSError):
            part_path.unlink()
        raise
    return size
