"""Test accuracy of every intervention on one task: mean and range over runs, and each run as a thin line."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from recorders.row_sources import LineLook
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions import TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.comparison_results import Curve
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import treatment_look
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import dimmed, line

_GREY = "#7f7f7f"
_LABEL_LENGTH = 68
"""The legend has one column: the options at a label's end tell interventions apart."""


def accuracies_figure(comparison: TaskComparison, name: str) -> str | None:
    """Return the SVG; None where no accuracy was logged."""
    shown = [(index, group) for index, group in enumerate(comparison.groups) if isinstance(group.curve, Curve)]
    if not shown:
        return None
    with drawing():
        panels = StackedPanels((1.35,), legend_lines=len(shown))
        (axes,) = panels.axes
        for index, group in shown:
            _draw(axes, group, treatment_look(index), comparison.task)
        for accuracy in GROK_ACCURACIES:
            axes.axhline(accuracy, color=_GREY, linewidth=0.8, linestyle=(0, (1, 1)), zorder=1)
        axes.set_ylabel("test accuracy")
        axes.set_ylim(-0.03, 1.03)
        panels.legend(columns=1)
        return to_svg(panels.figure, name)


def _draw(axes: Axes, group: TreatmentGroup, look: LineLook, task: str) -> None:
    """Draw mean and band as far as all runs go, then each run by itself."""
    curve = group.curve
    assert isinstance(curve, Curve)
    ends = curve.n > 1
    points = [
        (int(t), Estimate(float(mean), (float(low), float(high)) if ends else None))
        for t, mean, low, high in zip(curve.t, curve.mean, curve.low, curve.high, strict=True)
    ]
    line(axes, points, look, f"n = {curve.n}: {group.label}", longest=_LABEL_LENGTH)
    for run in group.runs:
        on = run.on(task)
        if on is None:
            continue
        t, value = on.test
        beyond = (t >= curve.t[-1]) & np.isfinite(value)
        if np.count_nonzero(beyond) > 1:
            rest = [(int(x), Estimate(float(y))) for x, y in zip(t[beyond], value[beyond], strict=True)]
            dimmed(axes, rest, look)
