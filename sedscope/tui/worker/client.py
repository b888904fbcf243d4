"""The viewer's side of the analysis process: starts it when first needed, replaces it when it breaks, ends it for sure.

Decides what a cancelled job means: the viewer hears of its end at once, and a process that does not let go of it within
a second is killed and started anew (finished pieces are in the cache). Jobs are done one after the other.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from threading import Lock, Thread, Timer
from typing import IO

from sedscope.tui.worker.events import Begin, Event, Finished, Order, Stop, receive, send
from sedscope.tui.worker.jobs import Job

PATIENCE = 1.0
"""Seconds that a process has to let go of a cancelled job: it notices only where it reports progress."""

_COMMAND = (sys.executable, "-P", "-m", "sedscope.tui.worker.child")
"""-P: nothing is imported from the folder that the viewer happens to stand in."""


class WorkerClient:
    """Jobs in, events out. `hear` is called on a thread of the client's own."""

    def __init__(self, hear: Callable[[Event], object], command: tuple[str, ...] = _COMMAND) -> None:
        self._hear = hear
        self._command = command
        self._numbers = count(1)
        self._open: dict[int, Job] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._process_holds: set[int] = set()
        """Cancelled jobs that the process has not let go of."""
        self._lock = Lock()
        self._closed = False
        self._threads: tuple[Thread, ...] = ()
        """They read from the process, and end with it."""

    def submit(self, job: Job) -> int:
        """Ask; the number is that of every event about it."""
        with self._lock:
            number = next(self._numbers)
            self._open[number] = job
            self._order(Begin(number, job))
        return number

    def cancel(self, number: int) -> None:
        """Give a job up: its end is heard at once, and nothing of it afterwards."""
        with self._lock:
            if self._open.pop(number, None) is None:
                return
            if self._process is not None:
                self._order(Stop(number))
                timer = Timer(PATIENCE, self._kill_if_held, (self._process, number))
                timer.daemon = True
                timer.start()
                self._process_holds.add(number)
        self._hear(Finished(number, cancelled=True))

    def close(self) -> None:
        """End the process; nothing is heard any more."""
        with self._lock:
            self._closed = True
            self._open.clear()
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for thread in self._threads:
                thread.join(PATIENCE)

    # --- the process -------------------------------------------------------------------------------------------------

    def _order(self, order: Order) -> None:
        """Hand an order over; a process that is gone is noticed by the one who reads from it."""
        if self._process is None:
            if isinstance(order, Stop) or self._closed:
                return
            self._start()
        assert self._process is not None and self._process.stdin is not None
        with suppress(OSError):
            send(self._process.stdin, order)  # type: ignore[arg-type]

    def _start(self) -> None:
        pipe = subprocess.PIPE
        self._process_holds.clear()
        # A session of its own: what the terminal sends to the viewer's group is not meant for it.
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, close_fds=True
        )
        # A traceback's last line says what happened; a few more are kept for lines that only follow it.
        last_words: deque[str] = deque(maxlen=5)
        gatherer = Thread(target=_gather, args=(self._process.stderr, last_words), daemon=True)
        listener = Thread(target=self._listen, args=(self._process, last_words, gatherer), daemon=True)
        self._threads = gatherer, listener
        for thread in self._threads:
            thread.start()

    def _listen(self, process: subprocess.Popen[bytes], last_words: deque[str], gatherer: Thread) -> None:
        """Pass events on until the process is gone, then say so to whom it concerns."""
        assert process.stdout is not None
        with suppress(EOFError, OSError, ValueError):
            while True:
                self._pass_on(receive(process.stdout))  # type: ignore[arg-type]
        process.wait()
        gatherer.join(PATIENCE)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._bury(process, " ".join(list(last_words)[-1:]))

    def _pass_on(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Finished):
                self._process_holds.discard(event.number)
            is_open = event.number in self._open
            if isinstance(event, Finished):
                self._open.pop(event.number, None)
        if is_open:
            self._hear(event)

    def _kill_if_held(self, process: subprocess.Popen[bytes], number: int) -> None:
        with self._lock:
            held = self._process is process and number in self._process_holds
        if held:
            process.kill()

    def _bury(self, process: subprocess.Popen[bytes], last_words: str) -> None:
        """Fail the job that was being done, unless we killed the process; ask those that waited anew."""
        with self._lock:
            if self._process is not process:
                return
            self._process = None
            ours = bool(self._process_holds)
            waiting = dict(self._open)
            lost = None if ours else next(iter(waiting), None)
            if lost is not None:
                del waiting[lost], self._open[lost]
            for number, job in waiting.items():
                self._order(Begin(number, job))
        if lost is not None:
            self._hear(Finished(lost, error=f"the analysis process ended ({_how(process.returncode)}) {last_words}"))


def _gather(pipe: IO[bytes] | None, lines: deque[str]) -> None:
    """Keep the last lines of what the process says, so that its end can be explained."""
    from sedscope.runs.text import printable

    assert pipe is not None
    with pipe:
        for line in pipe:
            if text := line.decode(errors="replace").strip():
                lines.append(printable(text, 200))


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
