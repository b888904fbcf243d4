"""Timing of one comparison: fresh processes, the two sides in turn, the ratio of each neighbouring pair.

Decides how a ratio is formed: of wall time, and of the processor time of all threads, which other work on the machine
touches less and which counts the writer's thread in full. Leaves to `cases` what is compared and to `__main__` what is
printed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.cases import Case

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "modular_arithmetic.py"


@dataclass(frozen=True)
class Seconds:
    """The time of a training, in seconds."""

    wall: float
    processor: float
    """User and system time, of all threads."""

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.processor - other.processor)


@dataclass(frozen=True)
class TimeRatio:
    """The time of a recorded training over that of a plain one."""

    wall: float
    processor: float


def ratios(case: Case, steps: int, repeats: int, report: Callable[[str], None]) -> list[TimeRatio]:
    """Measure recorded time / plain time, one ratio for each repetition.

    Args:
        case: The trainings to compare.
        steps: Optimizer steps of each training.
        repeats: Pairs; every second pair is run in the opposite order, so that a drift of the machine cancels.
        report: Called with a line after each pair.
    """
    pairs: list[TimeRatio] = []
    for repetition in range(repeats):
        sides = (False, True) if repetition % 2 == 0 else (True, False)
        took = {recorded: _seconds(case, steps, recorded=recorded) for recorded in sides}
        plain, recorded = took[False], took[True]
        pairs.append(TimeRatio(recorded.wall / plain.wall, recorded.processor / plain.processor))
        report(
            f"{case.name}: plain {plain.wall:.1f} s, recorded {recorded.wall:.1f} s, ratio {pairs[-1].wall:.3f}"
            f" (processor time {plain.processor:.1f} s, {recorded.processor:.1f} s, {pairs[-1].processor:.3f})"
        )
    return pairs


def summary(values: list[float]) -> tuple[float, float, float]:
    """Return median, least and largest."""
    return median(values), min(values), max(values)


def _seconds(case: Case, steps: int, *, recorded: bool) -> Seconds:
    """Return the time of a training; of its steps alone where the case compares steps."""
    training = _run(case, steps, recorded=recorded)
    return training if case.of == "training" else training - _run(case, 1, recorded=recorded)


def _run(case: Case, steps: int, *, recorded: bool) -> Seconds:
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        record = ["-m", "sedscope", "record", "--out", str(Path(folder) / "run"), *case.record] if recorded else []
        training = [str(EXAMPLE), "--ops", case.ops, "--steps", str(steps), "--stop-after", str(steps)]
        if case.of == "step":
            training += ["--eval-every", str(steps)]  # the steps alone: an evaluation is as long as several of them
        before, begun = _processor_seconds(), time.perf_counter()
        run_quietly(*record, *training)
        return Seconds(time.perf_counter() - begun, _processor_seconds() - before)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_quietly(*arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run a fresh interpreter, whose output is shown only where it fails."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr}")
