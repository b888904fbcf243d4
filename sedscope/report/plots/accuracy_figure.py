"""Train and test accuracy of every task over training."""

from __future__ import annotations

from collections.abc import Sequence

from recorders.row_sources import LineLook
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.report.estimate import Estimate
from sedscope.report.facts import RunFacts
from sedscope.report.plots.colours import task_colour
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import line

_CURVES = ((TEST_ACCURACY, "test", "-"), (TRAIN_ACCURACY, "train", (0, (2, 1.5))))


def accuracy_figure(facts: RunFacts, tasks: Sequence[str], name: str) -> str | None:
    """Return the SVG; None where no accuracy was logged."""
    curves = [
        (index, f"{task} {split}", dash, values)
        for index, task in enumerate(tasks)
        for metric, split, dash in _CURVES
        if (values := _points(facts, metric, task, tasks))
    ]
    if not curves:
        return None
    with drawing():
        panels = StackedPanels((0.9,), legend_lines=(len(curves) + 1) // 2)
        (axes,) = panels.axes
        for index, label, dash, values in curves:
            line(axes, values, LineLook(task_colour(index), dash, ""), label)
        axes.set_ylabel("accuracy")
        panels.legend()
        return to_svg(panels.figure, name)


def _points(facts: RunFacts, metric: str, task: str, tasks: Sequence[str]) -> list[tuple[int, Estimate]]:
    names = [f"{metric}/{task}"] + ([metric] if len(tasks) == 1 else [])
    metric_values = next((facts.metrics[name] for name in names if name in facts.metrics), None)
    if metric_values is None:
        return []
    return [(int(t), Estimate(float(y))) for t, y in zip(*metric_values, strict=True) if y == y]
