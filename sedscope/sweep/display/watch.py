"""The progress of a training, from its growing run directory: step, a metric, rate and remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorders.format import LOSS_PREFIX, METRIC_PREFIX
from sedscope.runs import Run, open_run

_TELLING: Final = ("test_acc", "val_acc", "acc", METRIC_PREFIX, LOSS_PREFIX)
"""The number that stands for a training is the first that has the first of these in its name."""


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of a training; a field that is not known, or not yet, is None."""

    step: int | None = None
    metric: str | None = None
    """Name and latest value."""
    rate: float | None = None
    """Steps per second, since the run was first seen."""
    remaining_s: float | None = None
    """Seconds until its end, where the number of its steps is known."""


class Watch:
    """Follows one run directory.

    Args:
        path: where it will be.
        steps: number of steps of the training; None: not known.
        replaced_id: the id of a run that lies there and is about to be replaced.
        clock: returns seconds.
    """

    def __init__(
        self, path: Path, steps: int | None, replaced_id: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._steps = steps
        self._replaced_id = replaced_id
        self._clock = clock
        self._run: Run | None = None
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None
        self._metric: str | None = None

    def poll(self) -> TrainingProgress:
        """Read the directory again and return the progress."""
        try:
            self._read()
        except Exception:  # noqa: BLE001  whatever a run does to its reader must not end the sweep
            self._run = None  # being replaced, or not readable just now
        if self._last is None:
            return TrainingProgress()
        rate = self._rate()
        left = None if rate is None or self._steps is None else max(0, self._steps - self._last[1]) / rate
        return TrainingProgress(self._last[1], self._metric, rate, left)

    def _read(self) -> None:
        if self._run is None:
            run = open_run(self._path)
            if run.manifest.run_id == self._replaced_id:
                return
            self._run = run
        elif not self._run.refresh():
            return
        step = self._run.last_t
        if step is not None and (self._last is None or step != self._last[1]):
            self._last = (self._clock(), step)
            self._first = self._first or self._last
            self._metric = _metric(self._run)

    def _rate(self) -> float | None:
        if self._first is None or self._last is None or self._last[1] <= self._first[1]:
            return None
        return (self._last[1] - self._first[1]) / max(self._last[0] - self._first[0], 1e-9)


def _metric(run: Run) -> str | None:
    """Return name and latest value, such as `test_acc/add 0.98`."""
    names = run.scalar_names()
    chosen = next((name for word in _TELLING for name in names if word in name), None)
    if chosen is None:
        return None
    _, values = run.scalar(chosen)
    return f"{chosen.removeprefix(METRIC_PREFIX)} {values[-1]:.3g}" if len(values) else None
