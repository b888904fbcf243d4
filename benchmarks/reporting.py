"""How long the report on `sample_runs/` takes: the first time, and once everything is in the cache."""

from __future__ import annotations

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
    """Wall time of `sedscope report` on a copy of the sample runs: first call, second call."""
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        runs = Path(folder) / "runs"
        shutil.copytree(SAMPLE_RUNS, runs, ignore=shutil.ignore_patterns("derived"))
        return _seconds(runs), _seconds(runs)


def _seconds(runs: Path) -> float:
    begun = time.perf_counter()
    run_quietly("-m", "sedscope", "report", str(runs))
    return time.perf_counter() - begun
