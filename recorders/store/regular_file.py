"""Files of a folder that somebody else may have filled, opened so that none does harm to a recorder.

Decides that nothing but a regular file is opened: never through a link, never waiting for the other end of a FIFO, and
never more of it than a cap. Loads the standard library alone.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from recorders.errors import RefusedError

FILE_MODE = 0o664
"""Never writable by everybody, whatever the umask."""
FOLDER_MODE = 0o775
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Return a descriptor of a regular file; with `os.O_CREAT` one that is made where there is none.

    Raises:
        OSError: it is not there, or the operating system does not let us.
        RefusedError: a symbolic link, a FIFO, a device or a folder.
    """
    try:
        fd = os.open(path, flags | _SAFE, FILE_MODE)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK):
            raise RefusedError(f"{path}: must be a regular file, found another kind or a link") from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RefusedError(f"{path}: must be a regular file, found another kind or a link")
    return fd


def read_regular(path: Path, cap: int) -> bytes:
    """Return the bytes of a regular file; raises as `open_regular` does, and `RefusedError` above `cap` bytes."""
    with os.fdopen(open_regular(path), "rb") as file:
        content = file.read(cap + 1)
    if len(content) > cap:
        raise RefusedError(f"{path}: must not exceed {cap} bytes")
    return content


def regular_lines(path: Path, longest: int) -> Iterator[bytes]:
    """Yield the lines of a regular file up to the first that is not ended, or is longer than `longest` bytes."""
    with os.fdopen(open_regular(path), "rb") as file:
        while (line := file.readline(longest + 1)).endswith(b"\n"):
            yield line[:-1]


def is_real_folder(path: Path) -> bool:
    """Return whether a path is a folder itself and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
