"""The time of the report on `sample_runs/`: of the first call, and of one with everything in the cache."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.measure import run_quietly

SAMPLE_RUNS = Path(__file__).resolve().parent.parent / "sample_runs"
FIRST_SECONDS = 60.0
SECOND_SECONDS = 3.0
"""Targets, on two cores."""


def report_seconds() -> tuple[float, float]:
    """Measure the wall time of `sedscope report` on a copy of the sample runs: first call, second call."""
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        runs = Path(folder) / "runs"
        shutil.copytree(SAMPLE_RUNS, runs, ignore=shutil.ignore_patterns("derived"))
        return _seconds(runs), _seconds(runs)


def _seconds(runs: Path) -> float:
    # The trainings of other cases are held to one thread; the report is promised for all cores.
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    begun = time.perf_counter()
    run_quietly("-m", "sedscope", "report", str(runs), env=env)
    return time.perf_counter() - begun
