"""`RunWriter`: one recording session of one run directory, as the training sees it.

Decides that nothing which happens to the disk is raised into the training. What is committed in which order is left to
`commit`, what is recorded at which step to the hooks; the meaning of every file stands in `docs/run-format.md`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recorders import format
from recorders.row_sources import stored_name
from recorders.store import durable, run_folder, strictjson
from recorders.store.commit import MESSAGE_LENGTH, Commits, Failed
from recorders.store.lock import RunLock
from recorders.store.resume import plan_resume
from recorders.store.writer import BackgroundWriter, Job

QUEUE_BYTES = 256 << 20
"""Bytes that may wait for the disk before a recorded step blocks."""
_SCALAR_BYTES = 200
"""Bytes that one waiting scalar is counted as."""


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
        self._format_version = format.FORMAT_VERSION
        self._row_bytes = manifest["selection"]["P"] * (8 if manifest["selection"]["row_dtype"] == "float64" else 4)
        self._state_bytes = _state_bytes(manifest)
        self._numbers = {"program": 0, "probe": 0}
        self._commits = Commits(path, session, manifest, opening)
        self._queue = BackgroundWriter(QUEUE_BYTES, self._commits.tick, self._commits.failed)

    @property
    def failure(self) -> str | None:
        """Return why writing stopped, or None. Training goes on; rows and weights are dropped from then on."""
        return self._commits.failure

    @property
    def on_failure(self) -> Failed | None:
        """Return the function that is called once, on the background thread, with the reason why writing stopped."""
        return self._commits.on_failure

    @on_failure.setter
    def on_failure(self, callback: Failed | None) -> None:
        self._commits.on_failure = callback

    @classmethod
    def create(
        cls,
        path: Path,
        manifest: dict[str, Any],
        *,
        force: bool = False,
    ) -> RunWriter:
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
                    (path / name).mkdir(exist_ok=True)
                durable.write_file(path / format.RUN_FILE, [text])
                opening = run_folder.opening_members(text, first_t=0, parent=None)
                return cls(path, manifest, 1, lock, opening)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def resume(
        cls,
        path: Path,
        *,
        manifest: dict[str, Any],
        first_t: int,
    ) -> RunWriter:
        """Go on with the run in `path` as a new session that starts with `first_t` completed steps.

        Raises:
            NotARunError: no run in `path`.
            RefusedError: parameters, selection or cadence are not those of the run.
            InputOutputError: not writable, or another recorder writes there.
        """
        with run_folder.io_errors(path):
            text = run_folder.read_manifest(path)
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
        self._submit(size, partial(self._commits.row, name, t, vector))

    def scalars(self, t: int, values: Mapping[str, Any]) -> None:
        """Record numbers (or callables) at t; the last value of a name at one t counts, those of `skipped` add up."""
        self._submit(_SCALAR_BYTES * len(values), partial(self._commits.scalars, t, values), needs_rows=False)

    def weights(self, t: int, state: Any) -> None:
        """Record the full state at recorded t: arrays or tensors by name, or a callable that returns them."""
        self._submit(self._state_bytes, partial(self._commits.weights, t, state))

    def program(self, program_json: bytes, constants: Mapping[str, Any]) -> str:
        """Record a feature program and return the name that probes refer to it by."""
        name = self._numbered("program")
        size = len(program_json) + sum(tensor.nbytes for tensor in constants.values())
        self._submit(size, partial(self._commits.program, name, program_json, constants))
        return name

    def probe(self, task: str, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Record a task's pool of probes and its drawings; of several for one task the last counts."""
        size = sum(tensor.nbytes for tensor in tensors.values())
        self._submit(size, partial(self._commits.probe, self._numbered("probe"), task, tensors, meta))

    def note(self, kind: str, message: str, t: int | None = None) -> None:
        """Record that something noteworthy happened. The message of kind "task" is the name of a new task."""
        members = {"about": kind, "message": message[:MESSAGE_LENGTH], "t": t}
        self._submit(_SCALAR_BYTES, partial(self._commits.append, format.LINE_NOTE, **members), needs_rows=False)

    def close(self, reason: str) -> None:
        """Write what waits, end the session with `reason`, and give the lock back; idempotent."""
        if self._closed or self._is_forked():
            return
        self._closed = True
        self._queue.submit(0, partial(self._commits.end, reason))
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
        if not self._commits.ended and not (needs_rows and self.failure is not None):
            job()

    def _numbered(self, what: str) -> str:
        number = self._numbers[what]
        self._numbers[what] = number + 1
        return f"{self.session:04d}-{number:03d}"


def _state_bytes(manifest: Mapping[str, Any]) -> int:
    """Return the bytes of one full state, as far as the parameter table tells."""
    total = 0
    for parameter in manifest["parameters"]:
        elements = 1
        for length in parameter["shape"]:
            elements *= length
        total += elements * (8 if "64" in str(parameter["dtype"]) else 4)
    return total
