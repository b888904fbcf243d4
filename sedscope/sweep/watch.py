"""How far a training is, from its growing run directory: step, a metric, rate and remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorders.errors import SedscopeError
from recorders.format import LOSS_PREFIX, METRIC_PREFIX
from sedscope.runs import Run, open_run

_TELLING: Final = ("test_acc", "val_acc", "acc", METRIC_PREFIX, LOSS_PREFIX)
"""Which number stands for a training: the first that has the first of these in its name."""


@dataclass(frozen=True)
class Progress:
    """What is known of a training that runs; None: not yet, or not at all."""

    step: int | None = None
    metric: str | None = None
    """Name and latest value."""
    rate: float | None = None
    """Steps per second, since the run was first seen."""
    remaining_s: float | None = None
    """Where it is known how many steps there will be."""


class Watch:
    """Follows one run directory.

    Args:
        path: where it will be.
        steps: how many steps the training makes; None: not known.
        not_this: the id of a run that lies there and is about to be replaced.
        clock: seconds.
    """

    def __init__(
        self, path: Path, steps: int | None, not_this: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._steps = steps
        self._not_this = not_this
        self._clock = clock
        self._run: Run | None = None
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None
        self._metric: str | None = None

    def look(self) -> Progress:
        """What the directory says now."""
        try:
            self._poll()
        except (SedscopeError, OSError):
            self._run = None  # being replaced, or not readable just now
        if self._last is None:
            return Progress()
        rate = self._rate()
        left = None if rate is None or self._steps is None else max(0, self._steps - self._last[1]) / rate
        return Progress(self._last[1], self._metric, rate, left)

    def _poll(self) -> None:
        if self._run is None:
            run = open_run(self._path)
            if run.manifest.run_id == self._not_this:
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
    """`test_acc/add 0.98`."""
    names = run.scalar_names()
    found = next((name for part in _TELLING for name in names if part in name), None)
    if found is None:
        return None
    _, values = run.scalar(found)
    return f"{found.removeprefix(METRIC_PREFIX)} {values[-1]:.3g}" if len(values) else None
