"""The journal of one recording session: JSON lines, each with its number and its CRC.

Decides how a line is written down and when it counts; writer and readers share `encode_line` and `decode_line`.
What the kinds of lines mean is left to `store` (writing) and `sedscope.runs` (reading). Needs the standard library.

A line is one JSON object without line breaks. Its last member is `"crc"`: the CRC-32 (as in zlib and PNG) of the bytes
of the line before `,"crc":`. `"n"` numbers the lines of a journal from 0, so that a line that was taken out is missed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zlib import crc32

from recorders.errors import DamagedError
from recorders.format import JOURNAL_DIR, MAX_JOURNAL_LINE
from recorders.store import durable, strictjson
from recorders.store.regular_file import FOLDER_MODE, open_regular

_CRC_MEMBER = b',"crc":'


def journal_name(session: int) -> str:
    """Return `journal/0001.jsonl` for session 1."""
    return f"{JOURNAL_DIR}/{session:04d}.jsonl"


def session_number(name: str) -> int | None:
    """Return the session of a journal's file name, such as `0001.jsonl`; None where it is not one."""
    stem = name.removesuffix(".jsonl")
    if not (stem.isascii() and stem.isdigit()) or len(stem) > 6 or journal_name(int(stem)) != f"{JOURNAL_DIR}/{name}":
        return None
    return int(stem) or None


def encode_line(members: dict[str, Any]) -> bytes:
    """Return one journal line with its CRC and line feed; `members` must not be empty.

    Raises:
        ValueError: a value is NaN or infinite, or the line would be longer than readers accept.
    """
    head = strictjson.dumps(members)[:-1].encode("ascii")
    line = b"%s%s%d}\n" % (head, _CRC_MEMBER, crc32(head))
    if len(line) > MAX_JOURNAL_LINE:
        raise ValueError(f"a journal line must not exceed {MAX_JOURNAL_LINE} bytes, found {len(line)}")
    return line


def decode_line(line: bytes, where: str) -> dict[str, Any]:
    """Return the members of a line (without its line feed), `crc` taken out.

    Raises:
        DamagedError: the CRC is missing or wrong.
        RefusedError: the CRC is right, but the JSON is not acceptable.
    """
    head, member, tail = line.rpartition(_CRC_MEMBER)
    digits = tail[:-1]
    if not member or tail[-1:] != b"}" or not digits.isdigit() or len(digits) > 10:
        raise DamagedError(f"{where}: not a journal line")
    if crc32(head) != int(digits):
        raise DamagedError(f"{where}: CRC mismatch")
    members = strictjson.loads(line, where)
    if not isinstance(members, dict):
        raise DamagedError(f"{where}: not a JSON object")
    del members["crc"]
    return members


class JournalWriter:
    """The journal of a new session; each line that is appended is durable before `append` returns."""

    def __init__(self, run: Path, session: int) -> None:
        self.path = run / journal_name(session)
        self.path.parent.mkdir(FOLDER_MODE, exist_ok=True)
        self._fd = open_regular(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
        self._size = 0
        self._next = 0
        durable.sync_folder(self.path.parent)
        durable.sync_folder(run)

    def append(self, kind: str, **members: Any) -> None:
        """Add one line, which counts when this returns.

        Raises:
            OSError: the disk is full; the journal is cut back to its last whole line.
        """
        line = encode_line({"n": self._next, "kind": kind, **members})
        try:
            durable.write_all(self._fd, line)
            durable.sync_data(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)
        self._next += 1

    def close(self) -> None:
        """Close the file; what was appended is durable already."""
        os.close(self._fd)

    def take_back(self) -> None:
        """Close the file and remove it, as nothing was appended."""
        self.close()
        self.path.unlink()
