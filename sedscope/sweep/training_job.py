"""One training in a process of its own: started, its output in a log, ended with everything that it started.

Decides what stands in a log and what in it may be the reason of a failure, on how many threads a training runs so that
several at a time do not fight for the cores, and how a training is ended: SIGTERM, upon which the recorder commits what
it has, and SIGKILL for what is still there after a while. Where it runs, and when, is the engines' decision.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from recorders.errors import InputOutputError, RefusedError, UsageError
from recorders.store.regular_file import open_regular
from sedscope.runs.text import printable

GRACE_S: Final = 10.0
"""From SIGTERM to SIGKILL."""
_POLL_S: Final = 0.1
SUCCESS: Final = "exit status 0"
_TAIL: Final = 16_384
"""Bytes from the end of a log that are read: a long traceback fits, and no log is read as a whole."""
_LONGEST_REASON: Final = 300
_LAST_RESORT: Final = re.compile(r"sedscope: nothing was (changed or )?recorded")
"""The recorder's line about a script that ended early for a reason of its own, which stands before it."""
_NOT_A_REASON: Final = re.compile(r"#|sedscope: (recorded|selected|every|intervention) |Traceback |\s|[~^]+$")
_MAIN: Final = "OMP_NUM_THREADS"
_VARIABLES: Final = (
    _MAIN,
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MOST: Final = 1 << 20
"""More CPUs than a machine can have: a larger number in an option is a mistake."""


@dataclass(frozen=True)
class TrainingJob:
    """A command to start: everything that another machine with the same folders needs to know."""

    name: str
    words: Sequence[str]
    """The command line after `sedscope`."""
    folder: str
    """Working folder, absolute."""
    log: str
    """Path of the log, absolute."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables on top of those that are there."""

    @property
    def command(self) -> list[str]:
        """The command line, with this interpreter and so in this environment.

        It names the installed command where there is one: `-m` would let files of the working
        folder stand in for packages.
        """
        installed = Path(sys.executable).with_name("sedscope")
        return [sys.executable, *([str(installed)] if installed.is_file() else ["-m", "sedscope"]), *self.words]


class Process:
    """A job that was started here.

    Args:
        job: what to start.
        own_group: True makes it the leader of a process group, so that a terminal's Ctrl-C does not reach it and
            everything that it starts can be ended with it. False where a scheduler tells by its group what belongs
            to a job.

    Raises:
        InputOutputError: its log cannot be written, or it cannot be started.
    """

    def __init__(self, job: TrainingJob, *, own_group: bool) -> None:
        self._group = own_group
        self._log = Path(job.log)
        begun = time.monotonic()
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with _appended(self._log) as log:
                log.write(_header(job))
                log.flush()
                self._process = subprocess.Popen(
                    job.command,
                    cwd=job.folder,
                    env={**os.environ, **job.variables},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0 if own_group else None,
                )
        except OSError as error:
            raise InputOutputError(f"{error.filename or job.log}: cannot be started: {error.strerror}") from error
        self._begun = begun
        self._how: str | None = None

    def ended(self) -> str | None:
        """Return how it ended, `exit status 0` or another; None while it runs."""
        if self._how is None and (status := self._process.poll()) is not None:
            self._how = _how(status)
            with suppress(OSError, RefusedError), _appended(self._log) as log:
                log.write(f"# {self._how} after {time.monotonic() - self._begun:.1f} s\n".encode())
        return self._how

    def wait(self) -> str:
        """Wait until it has ended and return how; Ctrl-C gets through."""
        while (how := self.ended()) is None:
            time.sleep(_POLL_S)
        return how

    def terminate(self) -> None:
        """Ask it to end; the recorder commits what it has."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and in a group of its own whatever it started and left behind."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self.ended()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if self._group:
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                self._process.send_signal(number)


def end_all(processes: Sequence[Process]) -> None:
    """End them together; a second Ctrl-C in the meantime kills them at once."""
    try:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and not all(process.ended() for process in processes):
            time.sleep(_POLL_S)
    finally:
        for process in processes:
            process.kill()


def execute(job: TrainingJob) -> str:
    """Start a job, wait for its end, on whatever machine an engine calls this, and return how it ended.

    Whatever is raised in the meantime (a cancelled task gets KeyboardInterrupt) ends the training first.
    """
    try:
        process = Process(job, own_group=False)
    except InputOutputError as error:
        return str(error)
    try:
        return process.wait()
    finally:
        end_all([process])


def _header(job: TrainingJob) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    threads = job.variables.get("OMP_NUM_THREADS", "?")
    return f"# {now}  threads {threads}\n# sedscope {shlex.join(job.words)}\n".encode("utf-8", "surrogateescape")


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"


def log_size(log: Path) -> int:
    """Return the bytes of a log; 0 where there is none."""
    with suppress(OSError):
        return log.stat().st_size
    return 0


def _appended(log: Path) -> BinaryIO:
    """Open a log for appending; raises `RefusedError` where a link or a FIFO is in its place."""
    return os.fdopen(open_regular(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")


def last_words(log: Path, since: int) -> str:
    """Return the last line after the first `since` bytes that may be a reason; empty without one."""
    with suppress(OSError, RefusedError), os.fdopen(open_regular(log), "rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - _TAIL))
        text = file.read().decode("utf-8", "replace")
        lines = [line.rstrip() for line in text.splitlines()]
        reasons = [line for line in reversed(lines) if line and not _NOT_A_REASON.match(line)]
        reason = min(reasons, key=lambda line: bool(_LAST_RESORT.match(line)), default="")
        return printable(reason.removeprefix("sedscope: "), _LONGEST_REASON)
    return ""


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(jobs: int, available: int) -> int:
    """Return the threads for each of `jobs` trainings on `available` cores, at least one."""
    return max(1, available // max(1, jobs))


def of_cpus(option: str, cpus: object) -> int:
    """Return the threads for the number of CPUs in a scheduler's option, which may be a fraction of one.

    Raises:
        UsageError: It is no such number.
    """
    if not isinstance(cpus, int | float) or not 0 <= cpus <= _MOST:
        raise UsageError(f"engine-option: {option} must be a number of CPUs, found {cpus!r:.80}")
    return max(1, int(cpus))


def thread_variables(threads: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that limit a training to `threads`; those that the environment has already win.

    More threads add numbers in another order: somebody who set `OMP_NUM_THREADS` gets the same numbers whatever the
    number of jobs.
    """
    main = environment.get(_MAIN) or str(threads)
    return {name: environment.get(name) or main for name in _VARIABLES}
