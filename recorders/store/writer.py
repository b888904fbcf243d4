"""The background thread that everything of a recording is written on, behind a queue bounded in bytes.

Decides that a full queue blocks: it neither drops nor grows. What a job writes, and what follows from its failure, is
left to `store`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]
_JOB_BYTES = 1000
"""Bytes of a job beside its arrays: without this, ten million rows of 24 bytes would fit into 256 MiB."""
_TICK_SECONDS = 0.5
"""Seconds after which an idle thread looks whether a shard has waited long enough."""


class BackgroundWriter:
    """A thread that runs jobs in order.

    Args:
        limit: bytes that may wait; one job larger than that passes when nothing else waits.
        tick: called after every job and twice a second without one.
        on_error: receives what a job or `tick` raised; the thread goes on.
    """

    def __init__(self, limit: int, tick: Job, on_error: Callable[[Exception], None]) -> None:
        self._limit = limit
        self._tick = tick
        self._on_error = on_error
        self._jobs: deque[tuple[int, Job]] = deque()
        self._waiting = 0
        self._stopping = False
        self._changed = threading.Condition()  # over an RLock: an exception from a signal handler unwinds it cleanly
        # Daemon: a training that dies without closing must not hang at exit. Whoever owns the recording closes it.
        self._thread = threading.Thread(target=self._run, name="sedscope-writer", daemon=True)
        self._thread.start()

    def submit(self, size: int, job: Job) -> None:
        """Queue a job that holds `size` bytes; blocks while the queue is full."""
        size += _JOB_BYTES
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._waiting + size <= self._limit)
            self._jobs.append((size, job))
            self._waiting += size
            self._changed.notify_all()

    def stop(self) -> None:
        """Let the thread finish what was queued, and wait for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (queued := self._take()) is not None:
            size, job = queued
            self._guarded(job)
            del queued, job  # free what the job held before the producer is let in
            with self._changed:
                self._waiting -= size
                self._changed.notify_all()
            self._guarded(self._tick)

    def _take(self) -> tuple[int, Job] | None:
        """Return the next job, an empty one when it is time to tick, or None to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._stopping, _TICK_SECONDS)
            if self._jobs:
                return self._jobs.popleft()
            return None if self._stopping else (0, _nothing)

    def _guarded(self, job: Job) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001  whatever goes wrong here must not end somebody's training
            self._on_error(error)


def _nothing() -> None:
    pass
