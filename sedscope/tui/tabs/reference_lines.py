"""Curves, lines and axes that charts of several tabs share: coupling, grok steps, the random direction, the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sedscope.analysis.result_view.result_column import Reading, ResultColumn
from sedscope.analysis.undefined import Undefined
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot.data import Axis, Moment, Rule, Series

if TYPE_CHECKING:
    from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries

RANDOM = Rule(1.0, "random")
"""R of a random direction."""


def moments(data: RunData) -> tuple[Moment, ...]:
    """Return a line at the grok step of each task that has one."""
    grok_steps = [(milestones.task, getattr(milestones.grokking.grok[0], "t", None)) for milestones in data.milestones]
    several = len(data.milestones) > 1
    return tuple(Moment(float(t), task if several else "grok") for task, t in grok_steps if t is not None)


def bare(named: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """Return several lines without their names, where another chart beside tells them."""
    return tuple(Moment(moment.x) for moment in named) if len(named) > 1 else named


def steps_axis(data: RunData) -> Axis:
    """Return an axis from the first to the last recorded step."""
    return Axis("t", low=float(data.steps[0]), high=float(data.steps[-1]))


def curve(label: str, values: Sequence[tuple[float, float | Undefined]], colour: int, **flags: Any) -> Series:
    """Return the curve of a number at each step, with the reason where it is undefined.

    Args:
        label: Of the curve.
        values: (t, number at t), in the order of t.
        colour: Index in the palette.
        flags: `dimmed` and `marked` of a `Series`, one for each t.
    """
    steps = np.array([t for t, _ in values], dtype=np.float64)
    numbers = np.array([np.nan if isinstance(number, Undefined) else number for _, number in values], dtype=np.float64)
    reasons = {float(t): number.reason for t, number in values if isinstance(number, Undefined)}
    return Series(label, steps, numbers, colour=colour, reasons=reasons, **flags)


def coupling_curve(
    series: CouplingSeries, column: ResultColumn[CheckpointCoupling], label: str, colour: int, shift: float = 0.0
) -> Series:
    """Return the curve of a measure over checkpoints with its intervals; faint where the window is short.

    Args:
        series: A source against a task.
        column: The measure.
        label: Of the curve.
        colour: Its index in the palette.
        shift: Steps that are subtracted from every t.
    """
    readings = [column.read(point) for point in series.points]
    ends = [(reading.ends if isinstance(reading, Reading) else None) or (np.nan, np.nan) for reading in readings]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    values = [
        (
            point.t - shift,
            reading if isinstance(reading, Undefined) else np.nan if reading is None else float(reading.value),
        )
        for point, reading in zip(series.points, readings, strict=True)
    ]
    dimmed = np.array([not point.full for point in series.points], dtype=bool)
    return replace(curve(label, values, colour, dimmed=dimmed), low=low, high=high)
