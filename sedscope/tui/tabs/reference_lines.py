"""Curves, lines and axes that charts of several tabs share: coupling, grok steps, the random direction, the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sedscope.analysis.result_view.result_column import Reading, ResultColumn
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
    n = len(series.points)
    values, low, high = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    reasons: dict[float, str] = {}
    for index, point in enumerate(series.points):
        value = column.read(point)
        if isinstance(value, Reading):
            values[index] = value.value
            low[index], high[index] = value.ends or (np.nan, np.nan)
        elif value is not None:
            reasons[point.t - shift] = value.reason
    steps = np.array([point.t for point in series.points], dtype=np.float64) - shift
    dimmed = np.array([not point.full for point in series.points], dtype=bool)
    return Series(label, steps, values, low, high, dimmed=dimmed, colour=colour, reasons=reasons)
