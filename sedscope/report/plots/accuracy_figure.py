"""Train and test accuracy of every task over training."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.report.estimate import Estimate
from sedscope.report.facts import RunFacts
from sedscope.report.plots.colours import Look, task_colour
from sedscope.report.plots.figure_canvas import Canvas, drawing, to_svg
from sedscope.report.plots.strokes import line

_PARTS = ((TEST_ACCURACY, "test", "-"), (TRAIN_ACCURACY, "train", (0, (2, 1.5))))


def accuracy_figure(facts: RunFacts, tasks: Sequence[str], name: str) -> str | None:
    """SVG; None where no accuracy was logged."""
    found = [
        (place, task, part, dash, values)
        for place, task in enumerate(tasks)
        for metric, part, dash in _PARTS
        if (values := _points(facts, metric, task, tasks))
    ]
    if not found:
        return None
    with drawing():
        canvas = Canvas((0.9,), legend_lines=(len(found) + 1) // 2)
        (axes,) = canvas.panels
        for place, task, part, dash, values in found:
            line(axes, values, Look(task_colour(place), dash, ""), f"{task} {part}")
        axes.set_ylabel("accuracy")
        canvas.legend()
        return to_svg(canvas.figure, name)


def _points(facts: RunFacts, metric: str, task: str, tasks: Sequence[str]) -> list[tuple[int, Estimate]]:
    names = [f"{metric}/{task}"] + ([metric] if len(tasks) == 1 else [])
    known = next((facts.metrics[one] for one in names if one in facts.metrics), None)
    return [] if known is None else [(int(t), Estimate(float(y))) for t, y in zip(*known, strict=True) if y == y]
