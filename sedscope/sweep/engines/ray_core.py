"""Tasks of a Ray cluster, by Ray Core: that of `RAY_ADDRESS`, or one that is started here for the time of the sweep.

Decides nothing about the cluster: CPUs, GPUs and other resources of a training are options of Ray's own tasks.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from recorders.errors import InputOutputError, UsageError
from sedscope.sweep.engines.engine import PATIENCE_S, one_line, optional_package
from sedscope.sweep.training_job import GRACE_S, TrainingJob, cores, execute, of_cpus

_ADDRESS: Final = "RAY_ADDRESS"
_CPUS: Final = "num_cpus"
_LEEWAY_S: Final = 5.0
"""A cancelled task first ends its training; only a task that does not come to that is killed."""


class RayEngine:
    """Hands every job to Ray, or `jobs` at a time.

    Args:
        jobs: how many jobs at a time; None: all that the cluster has room for.
        options: of `ray.remote`, such as `num_cpus=2` and `num_gpus=1`.

    Raises:
        UsageError: Ray is missing, or does not know an option.
    """

    name: Final = "ray"
    tick_s: Final = 0.5

    def __init__(self, jobs: int | None, options: Mapping[str, Any]) -> None:
        given = {_CPUS: 1, "max_retries": 0, **options}
        self.slots = jobs
        self.threads = of_cpus(_CPUS, given[_CPUS])
        self._ray = _ray()
        try:
            self._task = self._ray.remote(execute).options(**given)
        except (ValueError, TypeError) as error:
            raise UsageError(f"engine-option: {one_line(error)}") from error
        self.patience_s = PATIENCE_S if _ADDRESS in os.environ else 0.0
        self._is_own = False
        self._refs: list[Any] = []

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[_RayTicket]:
        """Hand them over; a cluster is looked for, or started, when there are any."""
        if not self._ray.is_initialized():
            _begin(self._ray)
            self._is_own = True
        refs = [self._task.remote(job) for job in jobs]
        self._refs += refs
        return [_RayTicket(self._ray, ref) for ref in refs]

    def stop(self) -> None:
        """Cancel what has not ended, wait until it has, and leave the cluster."""
        if not self._ray.is_initialized():
            return
        left = self._pending(0.0)
        for force in (False, True):
            for ref in left:
                with suppress(Exception):
                    self._ray.cancel(ref, force=force)
            left = self._pending(GRACE_S + _LEEWAY_S) if left else []
        if self._is_own:
            self._ray.shutdown()

    def _pending(self, seconds: float) -> list[Any]:
        if not self._refs:
            return []
        _, pending = self._ray.wait(self._refs, num_returns=len(self._refs), timeout=seconds, fetch_local=False)
        return list(pending)


class _RayTicket:
    """A task of Ray's."""

    def __init__(self, ray: Any, ref: Any) -> None:
        self._ray = ray
        self._ref = ref

    def ended(self) -> str | None:
        """Return how it ended; a task whose machine was lost has no result, but an error."""
        done, _ = self._ray.wait([self._ref], timeout=0)
        if not done:
            return None
        try:
            return str(self._ray.get(self._ref))
        except Exception as error:  # noqa: BLE001  whatever happened to the task is how it ended
            return f"ray: {one_line(error)}"


def _ray() -> Any:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a task without GPUs leaves CUDA_VISIBLE_DEVICES
    return optional_package("ray", "ray", "Ray")


def _begin(ray: Any) -> None:
    here = {} if _ADDRESS in os.environ else {"address": "local", "num_cpus": cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings(action="ignore"), _own_handler(signal.SIGTERM):
            ray.init(logging_level=logging.ERROR, log_to_driver=False, **here)
    except Exception as error:  # Ray has no common base for what may go wrong here
        raise InputOutputError(f"engine: ray: no cluster: {one_line(error)}") from error


@contextmanager
def _own_handler(number: signal.Signals) -> Iterator[None]:
    """Restore our signal handler afterwards: Ray installs one that raises wherever the sweep happens to be."""
    handler = signal.getsignal(number)
    try:
        yield
    finally:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(number, handler)
