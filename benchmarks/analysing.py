"""Times of the analysis beside the textbook's program, at p = 97: same rows, probes and threads, nothing cached.

Decides the cases and their targets. Both sides are timed in processor time in one process, and asked for the same
R̄_k: a side that is fast and wrong would be seen.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np
import torch

from benchmarks import textbook
from benchmarks.cases import FOUR_TASKS
from benchmarks.measure import EXAMPLE, run_quietly
from benchmarks.reporting import SAMPLE_RUNS
from sedscope.analysis.pipeline.analyse import analyse, measure_spans
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.gram import banded_gram
from sedscope.analysis.spectra.window_svd import decompose_window
from sedscope.runs import Run, open_run

WINDOW, RANK = 20, 3
SHARED = ("gradient", "update", "adam/momentum", "adam/adaptive", "displacement")
ROWS = 145
TOLERANCE = 0.25
"""The textbook's random directions are twenty others, and its ε costs up to a fifth."""


@dataclass(frozen=True)
class Line:
    """One measured case."""

    name: str
    textbook: float
    ours: float
    target: float
    says: str

    @property
    def ratio(self) -> float:
        """The textbook's time over ours."""
        return self.textbook / self.ours


def measure(checkpoints: int, report: Callable[[str], None]) -> list[Line]:
    """Measure all cases that are ratios; a larger number of checkpoints changes the time, hardly the ratios."""
    with _recorded("add", ROWS) as run:
        report("two sources of one task")
        two = _couplings(run, ["add"], {"add": ("gradient/add", "displacement")}, checkpoints)
        report("spectra of all windows")
        spectra = _spectra(run)
    tasks = FOUR_TASKS.split(",")
    sources = {task: (*SHARED, *(f"gradient/{other}" for other in tasks)) for task in tasks}
    with _recorded(FOUR_TASKS, 3 * WINDOW) as run:
        report("the source × task matrix")
        matrix = _couplings(run, tasks, sources, max(1, checkpoints // 4))
    return [
        Line("two-sources", *two, 2.0, "two sources of one task, K directions and baseline each"),
        Line("matrix", *matrix, 4.0, f"{len(sources['add'])} sources against four tasks"),
        Line("spectra", *spectra, 200.0, f"all windows of {ROWS} rows, P = 131,072"),
    ]


def other_settings(checkpoints: int = 40) -> tuple[float, float]:
    """Return seconds for R_k of another W and K on computed spans, and the target; a sample run will do."""
    run = open_run(SAMPLE_RUNS / "addition")
    with _without_cache(run) as fresh:
        settings = Settings(window=(20,), evidence=False, checkpoints=checkpoints, device="cpu")
        spans = measure_spans(fresh, settings, ("gradient/add",), "add")
        begun = time.process_time()
        spans.series("gradient/add", 12, 2)
        return time.process_time() - begun, 0.1


def _couplings(
    run: Run, tasks: list[str], sources: dict[str, tuple[str, ...]], checkpoints: int
) -> tuple[float, float]:
    """Return the processor seconds of the textbook's program and of the analysis."""
    settings = Settings(window=(WINDOW,), rank=(RANK,), checkpoints=checkpoints, evidence=False, device="cpu")
    all_sources = tuple(dict.fromkeys(name for names in sources.values() for name in names))
    begun = time.process_time()
    analysis = analyse(run, settings, all_sources, tasks, crossed=True)
    ours = time.process_time() - begun
    example = example_module()
    model = example.ModularTransformer(97, list(run.tasks), 128, 4, 256, 2)
    took = 0.0
    for series in analysis.coupling:
        if series.source not in sources[series.task]:
            continue
        for point in series.points:
            if not point.n_rows:
                continue
            begun = time.process_time()
            plain = textbook.rbar(run, model, series.source, series.task, point.t, WINDOW, RANK, settings.probes)
            took += time.process_time() - begun
            _agree(point, plain, f"{series.source} against {series.task} at {point.t}")
    return took, ours


def _agree(point: Any, plain: float, where: str) -> None:
    ours = getattr(point.ratio, "rbar", None)
    if point.full and (ours is None or abs(plain / ours - 1.0) > TOLERANCE):
        raise SystemExit(f"the two programs disagree: {where}: textbook {plain:.3g}, analysis {ours}")


def _spectra(run: Run) -> tuple[float, float]:
    """Return processor seconds for the singular values of every full window, each side the median of three.

    The textbook's side takes three windows, and counts each for a third of all.
    """
    rows = run.rows("gradient")
    ends = range(WINDOW, len(rows) + 1)
    some = (WINDOW, (WINDOW + len(rows)) // 2, len(rows))
    fast, slow = [], []
    for end in some:
        begun = time.process_time()
        gram = banded_gram(lambda start, stop, columns: rows[start:stop, columns], len(rows), rows.shape[1], WINDOW)
        ours: list[Any] = [decompose_window(gram.window(stop - WINDOW, stop)) for stop in ends]
        fast.append(time.process_time() - begun)
        begun = time.process_time()
        sigma = textbook.spectrum(rows[end - WINDOW : end])
        slow.append((time.process_time() - begun) * len(ends))
        if not np.allclose(ours[end - WINDOW].sigma[:RANK], sigma[:RANK], rtol=1e-4):
            raise SystemExit(f"the two programs disagree: σ of the window that ends at row {end}")
    return median(slow), median(fast)


@contextmanager
def _recorded(ops: str, steps: int) -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        out = Path(folder) / "run"
        record = ["-m", "sedscope", "record", "--out", str(out), "--every", "1"]
        run_quietly(*record, str(EXAMPLE), "--ops", ops, "--steps", str(steps), "--eval-every", str(steps))
        yield open_run(out)


@contextmanager
def _without_cache(run: Run) -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="sedscope-bench-") as folder:
        copy = Path(folder) / "run"
        shutil.copytree(run.path, copy, ignore=shutil.ignore_patterns("derived"))
        yield open_run(copy)


def example_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("modular_arithmetic", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysing", description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=4, help="of the two sources; a quarter of the matrix's")
    args = parser.parse_args()
    torch.set_num_threads(1)
    missed = False
    for line in measure(args.checkpoints, lambda what: print(f"… {what}", flush=True)):
        missed |= line.ratio < line.target
        verdict = "ok" if line.ratio >= line.target else "MISSED"
        print(
            f"{line.name:12} {line.ratio:6.1f}×   target {line.target:.0f}×   {verdict:7}"
            f" textbook {line.textbook:.2f} s, ours {line.ours:.2f} s   {line.says}"
        )
    seconds, target = other_settings()
    missed |= seconds > target
    verdict = "ok" if seconds <= target else "MISSED"
    print(
        f"{'settings':12} {1e3 * seconds:6.1f} ms target {1e3 * target:.0f} ms   {verdict:7}"
        "   another W and K on computed spans, 40 checkpoints"
    )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
