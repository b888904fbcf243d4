"""How many threads a training may use, so that several at a time do not fight for the cores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_MAIN: Final = "OMP_NUM_THREADS"
_VARIABLES: Final = (
    _MAIN,
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(jobs: int, available: int) -> int:
    """Threads for each of `jobs` trainings on `available` cores, at least one."""
    return max(1, available // max(1, jobs))


def thread_variables(threads: int, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep a training to `threads`; what the environment says already wins.

    More threads add numbers in another order: somebody who set `OMP_NUM_THREADS` gets the same numbers whatever the
    number of jobs.
    """
    main = environment.get(_MAIN) or str(threads)
    return {name: environment.get(name) or main for name in _VARIABLES}
