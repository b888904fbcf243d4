"""The hours that a reproduction will take here: timed on a few steps of its trainings and one checkpoint of a run.

Decides what is timed (as many trainings side by side as there will be, recorded as they will be) and how it adds up.
Trainings stop once they have generalised, so their number of steps is the plan's, from those recorded before.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from examples.reproduce.plan import FOUR, SINGLE, Experiment, Scale
from examples.reproduce.recordings import Inventory
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.runs import open_run
from sedscope.sweep import run_sweep
from sedscope.sweep.engines.engine import LocalEngine

TIMED_STEPS = 150
"""Steps of a timed training."""
CHECKPOINT_SHARES = {SINGLE: 1.5, FOUR: 2.0}
"""Analyses of a run, counted in those of all its sources: leading windows of few sources; crossed gradients."""


@dataclass(frozen=True)
class Pace:
    """Seconds that the work of one kind of training takes here."""

    start: float
    """Time from the command to the first step."""
    step: float
    """One optimizer step, with as many trainings side by side as there will be."""
    checkpoint: float
    """All sources and controls at one checkpoint, on all cores."""


@dataclass(frozen=True)
class ExpectedHours:
    """The hours of what is missing."""

    trainings: int
    recording: float
    measuring: float
    """Measuring all runs; what is in their caches already takes no time."""

    def __str__(self) -> str:
        return (
            f"about {self.recording + self.measuring:.1f} hours here: {self.trainings} trainings take"
            f" {self.recording:.1f}, their measurement {self.measuring:.1f} (less what was measured before); it begins"
            " beside the trainings, on what these leave of the cores"
        )


def expected_hours(scale: Scale, inventory: Inventory, paces: Mapping[bool, Pace], jobs: int) -> ExpectedHours:
    """Return the hours that recording what is missing, and measuring everything, will take.

    Args:
        scale: The plan.
        inventory: The recordings that there are already.
        paces: By whether a training is of all operations together.
        jobs: Trainings side by side.
    """
    missing = Counter(cell.experiment for cell in inventory.not_run)
    recording = measuring = 0.0
    for experiment in scale.experiments:
        pace = paces[experiment.together]
        recording += missing[experiment.name] * (pace.start + experiment.steps * pace.step) / jobs
        settings = scale.four if experiment.together else scale.single
        share = CHECKPOINT_SHARES.get(experiment.name, 0.0)
        n_runs = len(experiment.sweep.cells())
        measuring += n_runs * share * (settings.checkpoints or 0) * pace.checkpoint
    return ExpectedHours(missing.total(), recording / 3600, measuring / 3600)


def time_paces(scale: Scale, jobs: int) -> dict[bool, Pace]:
    """Time the trainings of the plan and their analysis, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="sedscope-reproduce-") as folder:
        return dict(_time_paces(scale, jobs, Path(folder)))


def _time_paces(scale: Scale, jobs: int, folder: Path) -> Iterator[tuple[bool, Pace]]:
    for experiment in {each.together: each for each in reversed(scale.experiments)}.values():
        settings = replace(scale.four if experiment.together else scale.single, checkpoints=1)
        began = time.monotonic()
        runs = _train(experiment, TIMED_STEPS, folder / f"{experiment.name}-steps", jobs)
        stepping = max(map(_seconds_of_steps, runs))
        start = max(time.monotonic() - began - stepping, 0.0)
        # A row at every step: a whole window of them, which a checkpoint is timed on, is quick.
        (rows,) = _train(experiment, max(settings.window) + 1, folder / f"{experiment.name}-rows", 1, every=1)
        began = time.monotonic()
        analyse(open_run(rows), settings)
        yield experiment.together, Pace(start, stepping / TIMED_STEPS, time.monotonic() - began)


def _train(experiment: Experiment, n_steps: int, out: Path, jobs: int, every: int | None = None) -> list[Path]:
    """Run `jobs` trainings of so many steps side by side and return their run directories."""
    timed = replace(
        experiment,
        ops=experiment.ops if experiment.together else experiment.ops[:1],
        seeds=tuple(range(jobs)),
        extra=(*experiment.extra, f"--steps={n_steps}"),
        every=every or experiment.every,
    )
    run_sweep(timed.sweep, out, LocalEngine(jobs))
    return [out / cell.name for cell in timed.sweep.cells()]


def _seconds_of_steps(run: Path) -> float:
    """Return the seconds between the first and the last weights of a run: those of its steps alone."""
    times = [path.stat().st_mtime for path in (run / "weights").iterdir()]
    return max(times) - min(times)
