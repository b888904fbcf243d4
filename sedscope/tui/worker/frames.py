"""Objects through a pipe between a process and its own child: eight bytes of length, then a pickle.

Only for the two ends of one pipe that the viewer made itself. Nothing from a run directory ever comes this way unread:
runs are parsed by `sedscope.runs`, and what travels are the viewer's own dataclasses.
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

_LENGTH = 8


def send(pipe: BinaryIO, value: Any) -> None:
    """Write one object; raises `OSError` where nobody reads any more."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_LENGTH, "little") + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Read one object; raises `EOFError` where the other end is closed, also in the middle of an object."""
    size = int.from_bytes(_exactly(pipe, _LENGTH), "little")
    return pickle.loads(_exactly(pipe, size))


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
