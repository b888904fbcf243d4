"""Files that are either whole under their name or absent from it: `.part`, fsync, rename, fsync the folder.

Decides the order of the system calls. What the bytes mean and when a file counts is left to the journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from recorders.format import PART_SUFFIX

_datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync

Buffer = bytes | memoryview


def write_file(path: Path, buffers: Iterable[Buffer]) -> int:
    """Write `buffers` to `path` so that a crash at any moment leaves the whole file or none, and return its size.

    Raises:
        OSError: the disk is full or the folder cannot be written; no `.part` stays behind, so its space is free again.
    """
    part_path = path.with_name(path.name + PART_SUFFIX)
    try:
        size = _write_part(part_path, buffers)
        part_path.replace(path)
    except BaseException:
        with suppress(OSError):
            part_path.unlink()
        raise
    sync_folder(path.parent)
    return size


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


def sync_data(fd: int) -> None:
    """Make what was appended to an open file durable."""
    _datasync(fd)


def _write_part(part_path: Path, buffers: Iterable[Buffer]) -> int:
    # O_NOFOLLOW: a folder that came from somebody else must not make the recorder write through a link.
    fd = os.open(part_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    size = 0
    try:
        for buffer in buffers:
            write_all(fd, buffer)
            size += len(buffer)
        os.fsync(fd)
    finally:
        os.close(fd)
    return size
