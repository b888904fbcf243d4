"""Timing of one comparison: fresh processes, the two sides in turn, the ratio of each neighbouring pair.

Decides how a ratio is formed. Leaves to `cases` what is compared and to `__main__` what is printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.cases import Case

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "modular_arithmetic.py"


def ratios(case: Case, steps: int, repeats: int, report: Callable[[str], None]) -> list[float]:
    """Recorded time / plain time, one ratio for each repetition.

    Args:
        case: What to compare.
        steps: Optimizer steps of each training.
        repeats: Pairs; every second pair is run in the opposite order, so that a drift of the machine cancels.
        report: Called with a line after each pair.
    """
    found = []
    for repetition in range(repeats):
        sides = (False, True) if repetition % 2 == 0 else (True, False)
        seconds = {recorded: _seconds(case, steps, recorded=recorded) for recorded in sides}
        found.append(seconds[True] / seconds[False])
        report(f"{case.name}: plain {seconds[False]:.1f} s, recorded {seconds[True]:.1f} s, ratio {found[-1]:.3f}")
    return found


def summary(found: list[float]) -> tuple[float, float, float]:
    """Median, least and largest."""
    return median(found), min(found), max(found)


def _seconds(case: Case, steps: int, *, recorded: bool) -> float:
    """Wall time of a training; of its steps alone where the case asks for that."""
    whole = _run(case, steps, recorded=recorded)
    return whole if case.of == "training" else whole - _run(case, 1, recorded=recorded)


def _run(case: Case, steps: int, *, recorded: bool) -> float:
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        record = ["-m", "sedscope", "record", "--out", str(Path(folder) / "run"), *case.record] if recorded else []
        training = [str(EXAMPLE), "--ops", case.ops, "--steps", str(steps), "--stop-after", str(steps)]
        begun = time.perf_counter()
        run_quietly(*record, *training)
        return time.perf_counter() - begun


def run_quietly(*arguments: str) -> None:
    """A fresh interpreter, whose output is shown only where it fails."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr}")
