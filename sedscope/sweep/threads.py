"""The number of threads of a training, so that several at a time do not fight for the cores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from recorders.errors import UsageError

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
