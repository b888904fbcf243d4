"""The protocol of engines, the one that runs processes here, and the options of `--engine-option`.

None of them schedules: processes here are limited in number, clusters have schedulers of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, Final, Protocol

from recorders.errors import UsageError
from sedscope.runs.text import printable
from sedscope.sweep.training_job import Process, TrainingJob, cores, end_all, share

PATIENCE_S: Final = 30.0
"""Seconds for which a network file system may show an old folder."""
LONGEST_LINE: Final = 300
"""Characters of a foreign message: enough for its reason, few enough for a row of the table."""


Value = int | float | str


class Ticket(Protocol):
    """A job that was handed over."""

    def ended(self) -> str | None:
        """Return how it ended, `exit status 0` or another; None while it waits or runs."""


class Engine(Protocol):
    """Takes jobs, and ends them."""

    @property
    def name(self) -> str:
        """Its name for `--engine`."""

    @property
    def slots(self) -> int | None:
        """The number of jobs that it takes at a time; None: all, to put them into a queue of its own."""

    @property
    def threads(self) -> int:
        """The number of threads of each job."""

    @property
    def tick_s(self) -> float:
        """Seconds between two polls of its jobs."""

    @property
    def patience_s(self) -> float:
        """Seconds after a job's end until its files are sure to be seen here."""

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Ticket]:
        """Hand jobs over, a ticket for each."""

    def stop(self) -> None:
        """End every job that has not ended, and return when none is left."""


def optional_package(engine: str, package: str, title: str) -> Any:
    """Import the package that an engine needs; raises `UsageError`, which says how to install it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise UsageError(f"engine: {engine} needs {title}; pip install 'sedscope[{engine}]'") from error


def one_line(error: BaseException) -> str:
    """Return a foreign error in a line: its kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    return printable(": ".join([type(error).__name__, *lines[:1]]), LONGEST_LINE)


class LocalEngine:
    """Runs `jobs` trainings at a time, which share the cores.

    Raises:
        UsageError: `jobs` is not 1 or more.
    """

    name: Final = "local"
    tick_s: Final = 0.25
    patience_s: Final = 0.0

    def __init__(self, jobs: int = 1) -> None:
        if jobs < 1:
            raise UsageError(f"jobs: must be 1 or more, found {jobs}")
        self.slots = jobs
        self.threads = share(jobs, cores())
        self._processes: list[Process] = []

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Process]:
        """Start them now."""
        return [self._start(job) for job in jobs]

    def stop(self) -> None:
        """End all processes: SIGTERM, and SIGKILL after a while."""
        end_all([process for process in self._processes if process.ended() is None])

    def _start(self, job: TrainingJob) -> Process:
        process = Process(job, own_group=True)
        self._processes.append(process)
        return process


def parse_options(texts: Iterable[str]) -> dict[str, Value]:
    """Read `["cpus_per_task=4", "slurm_partition=gpu"]` as keys and values, numbers as numbers."""
    options: dict[str, Value] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"engine-option: must be KEY=VALUE, such as timeout_min=60; found {text!r:.80}")
        options[key] = _value(value)
    return options


def _value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
