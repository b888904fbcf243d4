"""Jobs of a Slurm cluster, by submitit: an array of jobs, each with one training.

Decides nothing about the cluster: time, partition, memory and the rest are submitit's own parameters. Its `local`
cluster runs the same jobs here, to try them out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from recorders.errors import InputOutputError, UsageError
from sedscope.runs.text import printable
from sedscope.sweep.engines.engine import LONGEST_LINE, PATIENCE_S, one_line, optional_package
from sedscope.sweep.training_job import GRACE_S, TrainingJob, execute, of_cpus

_CLUSTER: Final = "cluster"
_NEEDED: Final = "timeout_min"
_CPUS: Final = "cpus_per_task"
_POLL_S: Final = 1.0
_FORBIDDEN: Final = ("nodes", "tasks_per_node")
"""A training is one process; several would record into one directory."""


class SlurmEngine:
    """Submits every job, or `jobs` at a time.

    Args:
        out: the sweep's folder, which every node must see under the same path.
        jobs: how many jobs at a time; None: all, in one array.
        options: of submitit's `update_parameters`, and `cluster=local` to try it here.

    Raises:
        UsageError: submitit or Slurm is missing, or it does not know an option.
    """

    name: Final = "slurm"

    def __init__(self, out: Path, jobs: int | None, options: Mapping[str, Any]) -> None:
        cluster = str(options.get(_CLUSTER, "slurm"))
        given = {key: value for key, value in options.items() if key != _CLUSTER}
        _check(given)
        self.slots = jobs
        is_remote = cluster == "slurm"
        self.tick_s = 2.0 if is_remote else 0.25  # a few operations on a shared folder for every job
        self.patience_s = PATIENCE_S if is_remote else 0.0
        self.threads = of_cpus(_CPUS, given.setdefault(_CPUS, 1))
        self._executor = _executor(out, cluster, given)
        self._jobs: list[Any] = []

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[_SlurmTicket]:
        """Hand them over, several as one array."""
        try:
            with self._executor.batch():
                handed = [self._executor.submit(execute, job) for job in jobs]
        except Exception as error:  # submitit raises its own errors, and those of sbatch
            raise InputOutputError(f"engine: slurm took no job: {one_line(error)}") from error
        self._jobs += handed
        return [_SlurmTicket(job, self.patience_s) for job in handed]

    def stop(self) -> None:
        """Cancel what has not ended, and wait until it has."""
        left = [job for job in self._jobs if not job.done()]
        for job in left:
            with suppress(Exception):
                job.cancel()
        deadline = time.monotonic() + GRACE_S + _POLL_S
        while time.monotonic() < deadline and not all(job.done(force_check=True) for job in left):
            time.sleep(_POLL_S)


class _SlurmTicket:
    """A job of submitit's. Nothing here waits: submitit itself would, for the result of a job that was killed."""

    def __init__(self, job: Any, patience_s: float) -> None:
        self._job = job
        self._patience_s = patience_s
        self._done_at: float | None = None

    def ended(self) -> str | None:
        """Return how it ended; a job that was killed has no result, but a state."""
        if not self._job.done():
            return None
        if self._job.paths.result_pickle.exists():
            error = self._job.exception()
            return str(self._job.result()) if error is None else self._describe(f"failed; see {self._job.paths.stderr}")
        self._done_at = self._done_at or time.monotonic()
        return None if time.monotonic() - self._done_at < self._patience_s else self._describe(self._job.state)

    def _describe(self, what: str) -> str:
        return printable(f"slurm job {self._job.job_id}: {what}", LONGEST_LINE)


def _executor(out: Path, cluster: str, options: Mapping[str, Any]) -> Any:
    submitit = optional_package("slurm", "submitit", "submitit")
    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise UsageError(
            "engine: slurm needs sbatch on the PATH, found none; --engine-option cluster=local tries it here"
        )
    try:
        executor = submitit.AutoExecutor(folder=out.absolute() / "logs" / "slurm", cluster=cluster)
        executor.update_parameters(name="sedscope", **options)
    except (ValueError, NameError, AssertionError, TypeError) as error:
        raise UsageError(f"engine-option: {one_line(error)}") from error
    return executor


def _check(options: Mapping[str, Any]) -> None:
    if _NEEDED not in options:
        raise UsageError(f"engine-option: slurm needs {_NEEDED}=MINUTES, the longest that a cell may take; found none")
    if wrong := [key for key in _FORBIDDEN if key in options]:
        raise UsageError(f"engine-option: {wrong[0]} is 1, a training is one process")
