"""Processes on this machine, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorders.errors import UsageError
from sedscope.sweep.threads import cores, share
from sedscope.sweep.training_job import Process, TrainingJob, end_all


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
