"""The background half of a recording session: what is on disk, and what counts.

Decides file names, the order in which a file and its journal line are committed, and what follows from a failure:
rows stop, scalars go on where they can, the journal says so. Runs on one thread; `store` hands over to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from recorders import format
from recorders.store import durable, tensorfile
from recorders.store.journal import JournalWriter
from recorders.store.shard import ShardBuffer, scalar_values

MESSAGE_LENGTH = 2000
"""Characters of a message in the journal: a foreign exception may be of any length, a line must fit its cap."""
Failed = Callable[[str], None]


class Commits:
    """The commits of one session: its shards, weights, programs, probes and journal lines.

    Attributes:
        failure: why writing stopped, or None.
        on_failure: called once with that reason.
        ended: whether the session is over; nothing may be committed any more.
    """

    def __init__(self, path: Path, session: int, manifest: Mapping[str, Any], opening: dict[str, Any]) -> None:
        self.failure: str | None = None
        self.on_failure: Failed | None = None
        self.ended = False
        self._path = path
        self._session = session
        self._row_shape = (manifest["selection"]["P"],)
        self._row_dtype = manifest["selection"]["row_dtype"]
        self._shard = ShardBuffer()
        self._shards = 0
        self._due = time.monotonic() + format.SECONDS_PER_SHARD
        self._last_t: int = opening["first_t"]
        self._last_row: int | None = None
        self._unsaid: dict[str, Any] | None = None
        self._overflowed = False
        self._journal = JournalWriter(path, session)
        self.append(format.LINE_SESSION, session=session, **opening)

    def row(self, source: str, t: int, vector: Any) -> None:
        """Take a row into the next shard; a row of a new recorded t may first commit the full one."""
        if self._shard.is_full_before(t):
            self._commit_shard()
        array = vector() if callable(vector) else vector
        if array.shape != self._row_shape or array.dtype != self._row_dtype:
            actual = f"{array.dtype} {list(array.shape)}"
            raise ValueError(
                f"row {source} at t = {t}: must be {self._row_dtype} {list(self._row_shape)}, found {actual}"
            )
        self._shard.add_row(source, t, array)
        self._last_t = max(self._last_t, t)

    def scalars(self, t: int, values: Mapping[str, Any]) -> None:
        """Take the numbers of one step into the next shard."""
        dropped = [name for name, value in scalar_values(values).items() if not self._shard.add_scalar(name, t, value)]
        self._last_t = max(self._last_t, t)
        if any(name.startswith(format.METRIC_PREFIX) for name in dropped) and not self._overflowed:
            self._overflowed = True
            message = (
                f"more metrics by different names than a shard has room for: {len(dropped)} at t = {t} are dropped"
            )
            self.append(format.LINE_NOTE, about="metric", message=message, t=t)

    def weights(self, t: int, state: Any) -> None:
        """Commit a state."""
        name = f"{format.WEIGHTS_DIR}/{self._session:04d}-{t:09d}.safetensors"
        self.append(format.LINE_WEIGHTS, t=t, **self._write_tensors(name, state() if callable(state) else state))
        self._last_t = max(self._last_t, t)

    def program(self, name: str, program_json: bytes, constants: Mapping[str, Any]) -> None:
        """Commit a feature program: its constants first, so that a line never names what is not there."""
        stem = f"{format.PROGRAM_DIR}/{name}"
        constants_file = self._write_tensors(f"{stem}.safetensors", constants) if constants else None
        size = durable.write_file(self._path / f"{stem}.json", [program_json])
        crc = crc32(program_json)
        self.append(
            format.LINE_PROGRAM, name=name, file=f"{stem}.json", size=size, file_crc=crc, constants=constants_file
        )

    def probe(self, name: str, task: str, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Commit a pool of probes."""
        written = self._write_tensors(f"{format.PROBE_DIR}/{name}.safetensors", tensors)
        self.append(format.LINE_PROBE, task=task, **written, meta=dict(meta))

    def append(self, kind: str, **members: Any) -> None:
        """Commit a line."""
        self._journal.append(kind, **members)

    def tick(self) -> None:
        """Commit what has waited long enough."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + format.SECONDS_PER_SHARD  # also where this fails: not again at every job
            self._say()
            self._commit_shard()

    def failed(self, error: Exception) -> None:
        """Stop the rows, once; scalars are tried again with the next shard."""
        if self.failure is not None:
            return
        self.failure = self._explained(error)
        lost = self._shard.drop_rows()
        about = "disk" if isinstance(error, OSError) else "writer"
        self._unsaid = {"about": about, "message": self.failure, "t": lost[0] if lost else self._last_t}
        if self.on_failure is not None:
            with suppress(Exception):  # this thread must outlive whatever its owner does with the news
                self.on_failure(self.failure)
        with suppress(OSError):
            self._say()

    def end(self, reason: str) -> None:
        """Commit what waits and the end of the session, as far as the disk takes it."""
        last_line = partial(self.append, format.LINE_END, reason=reason, t=self._last_t)
        for job in (self._say, self._commit_shard, self._say, last_line):
            try:
                job()
            except Exception as error:  # noqa: BLE001  a training that ended well must not fail here
                self.failed(error)
        self.ended = True
        self._journal.close()

    def _explained(self, error: Exception) -> str:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        after = "no row was written" if self._last_row is None else f"the last rows written are of t = {self._last_row}"
        return f"writing failed ({reason}): rows and weights stop; {after}"[:MESSAGE_LENGTH]

    def _say(self) -> None:
        """Put the failure into the journal as soon as the disk takes it."""
        if self._unsaid is not None:
            self.append(format.LINE_NOTE, **self._unsaid)
            self._unsaid = None

    def _commit_shard(self) -> None:
        self._due = time.monotonic() + format.SECONDS_PER_SHARD
        if self._shard.empty:
            return
        name = f"{format.SHARD_DIR}/{self._session:04d}-{self._shards:06d}.safetensors"
        written = self._write_payloads(name, self._shard.tensors())
        self.append(format.LINE_SHARD, **written, **self._shard.members())
        self._last_row = self._shard.last_recorded(self._last_row)
        self._shard.clear()
        self._shards += 1

    def _write_tensors(self, name: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_payloads(name, {key: tensorfile.payload(tensor) for key, tensor in tensors.items()})

    def _write_payloads(self, name: str, payloads: Mapping[str, tensorfile.Payload]) -> dict[str, Any]:
        record = tensorfile.write(self._path / name, payloads)
        return {"file": name, "size": record.size, "header_crc": record.header_crc}
