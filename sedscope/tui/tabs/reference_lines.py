"""Lines and axes that charts of several tabs share: grok steps, the random direction, the recorded steps."""

from __future__ import annotations

from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot import Axis, Moment, Rule

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
