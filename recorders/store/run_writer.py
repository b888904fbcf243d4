"""`RunWriter`: one recording session of one run directory, as the training sees it, and what it commits.

Decides file names, the order in which a file and its journal line are committed, what follows from a failure (rows
stop, scalars go on where they can, the journal says so), and that nothing which happens to the disk is raised into the
training. What is recorded at which step is left to the hooks; the meaning of every file stands in `docs/run-format.md`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

from recorders import format
from recorders.row_sources import stored_name
from recorders.store import durable, run_folder, strictjson, tensorfile
from recorders.store.journal import JournalWriter
from recorders.store.lock import RunLock
from recorders.store.regular_file import FOLDER_MODE
from recorders.store.resume import plan_resume
from recorders.store.shard import ShardBuffer, scalar_values
from recorders.store.writer import BackgroundWriter, Job

QUEUE_BYTES = 256 << 20
"""Bytes that may wait for the disk before a recorded step blocks."""
_SCALAR_BYTES = 200
"""Bytes that one waiting scalar is counted as."""
_MESSAGE_LENGTH = 2000
"""Characters of a message in the journal: a foreign exception may be of any length, a line must fit its cap."""


class RunWriter:
    """The writer of one session; every method hands over to one background thread and returns.

    Arrays and tensors that are handed over must not be changed afterwards. A callable is called once, on the background
    thread. In a forked child every method is without effect. Call `close` from ordinary code, never inside a signal
    handler: a handler raises, and the code that it unwinds closes.
    """

    def __init__(
        self, path: Path, manifest: Mapping[str, Any], session: int, lock: RunLock, opening: dict[str, Any]
    ) -> None:
        self.path = path
        self.session = session
        self._pid = os.getpid()
        self._lock = lock
        self._closed = False
        self.failure: str | None = None
        """Why writing stopped, or None. Training goes on; rows and weights are dropped from then on."""
        self.on_failure: Callable[[str], None] | None = None
        """Called once, on the background thread, with the reason why writing stopped."""
        self._format_version = format.FORMAT_VERSION
        self._row_shape = (manifest["selection"]["P"],)
        self._row_dtype = manifest["selection"]["row_dtype"]
        self._row_bytes = self._row_shape[0] * (8 if self._row_dtype == "float64" else 4)
        # As far as the parameter table tells.
        self._state_bytes = sum(
            prod(each["shape"]) * (8 if "64" in str(each["dtype"]) else 4) for each in manifest["parameters"]
        )
        self._numbers = {"program": 0, "probe": 0}
        self._ended = False
        self._shard = ShardBuffer()
        self._shards = 0
        self._due = time.monotonic() + format.SECONDS_PER_SHARD
        self._last_t: int = opening["first_t"]
        self._last_row: int | None = None
        self._unsaid: dict[str, Any] | None = None
        self._overflowed = False
        self._journal = JournalWriter(path, session)
        try:
            self._journal.append(format.LINE_SESSION, session=session, **opening)
        except BaseException:
            with suppress(OSError):
                self._journal.take_back()
            raise
        self._queue = BackgroundWriter(QUEUE_BYTES, self._tick, self._failed)

    @classmethod
    def create(cls, path: Path, manifest: dict[str, Any], *, force: bool = False) -> RunWriter:
        """Start a new run in `path`, which is made, or is empty.

        Args:
            path: the run directory.
            manifest: what `run.json` holds (docs/run-format.md); format version, run id and time are filled in.
            force: replace a run that is there; anything that is not a run stays and is refused.

        Raises:
            UsageError: `path` is not empty, and `force` is not given or there is no run in it.
            InputOutputError: not writable, or another recorder writes there (pid and host are named).
            RefusedError: the manifest holds what no reader would accept.
        """
        text = run_folder.manifest_bytes(manifest)
        with run_folder.io_errors(path):
            lock = run_folder.reserve(path, force=force)
            try:
                for name in (format.SHARD_DIR, format.WEIGHTS_DIR, format.PROGRAM_DIR, format.PROBE_DIR):
                    (path / name).mkdir(FOLDER_MODE, exist_ok=True)
                durable.write_file(path / format.RUN_FILE, [text])
                opening = run_folder.opening_members(text, first_t=0, parent=None)
                writer = cls(path, manifest, 1, lock, opening)
                run_folder.sync_parents(path)
                return writer
            except BaseException:
                with suppress(OSError):
                    run_folder.empty(path)  # a run that could not begin is none
                lock.release()
                raise

    @classmethod
    def resume(cls, path: Path, *, manifest: dict[str, Any], first_t: int) -> RunWriter:
        """Go on with the run in `path` as a new session that starts with `first_t` completed steps.

        Raises:
            NotARunError: no run in `path`.
            RefusedError: parameters, selection or cadence are not those of the run.
            InputOutputError: not writable, or another recorder writes there.
        """
        with run_folder.io_errors(path):
            text = run_folder.read_manifest(path)
            run_folder.refuse_unsafe(path)
            lock = RunLock.acquire(path)
            try:
                session, parent = plan_resume(path, text, manifest, first_t)
                opening = run_folder.opening_members(text, first_t=first_t, parent=parent, manifest=manifest)
                writer = cls(path, manifest, session, lock, opening)
                writer._format_version = strictjson.loads(text, format.RUN_FILE)["format_version"]
                return writer
            except BaseException:
                lock.release()
                raise

    def rows(self, source: str, t: int, vector: Any) -> None:
        """Record the row of `source` at recorded t: `[P]` in the run's row dtype, or a callable that returns it."""
        size = self._row_bytes if callable(vector) else vector.nbytes
        name = stored_name(source, self._format_version)
        self._submit(size, partial(self._commit_row, name, t, vector))

    def scalars(self, t: int, values: Mapping[str, Any]) -> None:
        """Record numbers (or callables) at t; the last value of a name at one t counts, those of `skipped` add up."""
        self._submit(_SCALAR_BYTES * len(values), partial(self._commit_scalars, t, values), needs_rows=False)

    def weights(self, t: int, state: Any) -> None:
        """Record the full state at recorded t: arrays or tensors by name, or a callable that returns them."""
        self._submit(self._state_bytes, partial(self._commit_weights, t, state))

    def program(self, program_json: bytes, constants: Mapping[str, Any]) -> str:
        """Record a feature program and return the name that probes refer to it by."""
        name = self._numbered("program")
        size = len(program_json) + sum(tensor.nbytes for tensor in constants.values())
        self._submit(size, partial(self._commit_program, name, program_json, constants))
        return name

    def probe(self, task: str, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Record a task's pool of probes and its drawings; of several for one task the last counts."""
        size = sum(tensor.nbytes for tensor in tensors.values())
        self._submit(size, partial(self._commit_probe, self._numbered("probe"), task, tensors, meta))

    def note(self, kind: str, message: str, t: int | None = None) -> None:
        """Record that something noteworthy happened. The message of kind "task" is the name of a new task."""
        members = {"about": kind, "message": message[:_MESSAGE_LENGTH], "t": t}
        self._submit(_SCALAR_BYTES, partial(self._journal.append, format.LINE_NOTE, **members), needs_rows=False)

    def close(self, reason: str) -> None:
        """Write what waits, end the session with `reason`, and give the lock back; idempotent."""
        if self._closed or self._is_forked():
            return
        self._closed = True
        self._queue.submit(0, partial(self._end, reason))
        # On the background thread: a second Ctrl-C while waiting here must not let another recorder in too early.
        self._queue.submit(0, self._lock.release)
        self._queue.stop()

    # --- on the caller's thread ------------------------------------------------------------------------------------

    def _is_forked(self) -> bool:
        return os.getpid() != self._pid

    def _submit(self, size: int, job: Job, *, needs_rows: bool = True) -> None:
        if self._closed or self._is_forked() or (needs_rows and self.failure is not None):
            return
        self._queue.submit(size, partial(self._unless_over, job, needs_rows))

    def _unless_over(self, job: Job, needs_rows: bool) -> None:
        """Drop what was queued before a failure, and what another thread queued while the session was being closed."""
        if not self._ended and not (needs_rows and self.failure is not None):
            job()

    def _numbered(self, what: str) -> str:
        number = self._numbers[what]
        self._numbers[what] = number + 1
        return f"{self.session:04d}-{number:03d}"

    # --- on the background thread ----------------------------------------------------------------------------------

    def _commit_row(self, source: str, t: int, vector: Any) -> None:
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

    def _commit_scalars(self, t: int, values: Mapping[str, Any]) -> None:
        dropped = [name for name, value in scalar_values(values).items() if not self._shard.add_scalar(name, t, value)]
        self._last_t = max(self._last_t, t)
        if any(name.startswith(format.METRIC_PREFIX) for name in dropped) and not self._overflowed:
            self._overflowed = True
            message = (
                f"more metrics by different names than a shard has room for: {len(dropped)} at t = {t} are dropped"
            )
            self._journal.append(format.LINE_NOTE, about="metric", message=message, t=t)

    def _commit_weights(self, t: int, state: Any) -> None:
        name = f"{format.WEIGHTS_DIR}/{self.session:04d}-{t:09d}.safetensors"
        self._journal.append(
            format.LINE_WEIGHTS, t=t, **self._write_tensors(name, state() if callable(state) else state)
        )
        self._last_t = max(self._last_t, t)

    def _commit_program(self, name: str, program_json: bytes, constants: Mapping[str, Any]) -> None:
        """Commit a feature program: its constants first, so that a line never names what is not there."""
        stem = f"{format.PROGRAM_DIR}/{name}"
        constants_file = self._write_tensors(f"{stem}.safetensors", constants) if constants else None
        size = durable.write_file(self.path / f"{stem}.json", [program_json])
        crc = crc32(program_json)
        self._journal.append(
            format.LINE_PROGRAM, name=name, file=f"{stem}.json", size=size, file_crc=crc, constants=constants_file
        )

    def _commit_probe(self, name: str, task: str, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        written = self._write_tensors(f"{format.PROBE_DIR}/{name}.safetensors", tensors)
        self._journal.append(format.LINE_PROBE, task=task, **written, meta=dict(meta))

    def _tick(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + format.SECONDS_PER_SHARD  # also where this fails: not again at every job
            self._say()
            self._commit_shard()

    def _failed(self, error: Exception) -> None:
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

    def _end(self, reason: str) -> None:
        """Commit what waits and the end of the session, as far as the disk takes it."""
        last_line = partial(self._journal.append, format.LINE_END, reason=reason, t=self._last_t)
        for job in (self._say, self._commit_shard, self._say, last_line):
            try:
                job()
            except Exception as error:  # noqa: BLE001  a training that ended well must not fail here
                self._failed(error)
        self._ended = True
        self._journal.close()

    def _explained(self, error: Exception) -> str:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        after = "no row was written" if self._last_row is None else f"the last rows written are of t = {self._last_row}"
        return f"writing failed ({reason}): rows and weights stop; {after}"[:_MESSAGE_LENGTH]

    def _say(self) -> None:
        """Put the failure into the journal as soon as the disk takes it."""
        if self._unsaid is not None:
            self._journal.append(format.LINE_NOTE, **self._unsaid)
            self._unsaid = None

    def _commit_shard(self) -> None:
        self._due = time.monotonic() + format.SECONDS_PER_SHARD
        if self._shard.empty:
            return
        name = f"{format.SHARD_DIR}/{self.session:04d}-{self._shards:06d}.safetensors"
        written = self._write_payloads(name, self._shard.tensors())
        self._journal.append(format.LINE_SHARD, **written, **self._shard.members())
        self._last_row = self._shard.last_recorded(self._last_row)
        self._shard.clear()
        self._shards += 1

    def _write_tensors(self, name: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_payloads(name, {key: tensorfile.payload(tensor) for key, tensor in tensors.items()})

    def _write_payloads(self, name: str, payloads: Mapping[str, tensorfile.Payload]) -> dict[str, Any]:
        record = tensorfile.write(self.path / name, payloads)
        return {"file": name, "size": record.size, "header_crc": record.header_crc}
