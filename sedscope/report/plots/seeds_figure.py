"""R̄_k over training for several seeds: the mean as a line, the range over seeds as its band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.sources.variants import is_control
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import Look, look_of
from sedscope.report.plots.figure_canvas import Canvas, drawing, to_svg
from sedscope.report.plots.strokes import line, log_axis
from sedscope.report.select import usable

_CONTROL = Look("#7f7f7f", (0, (3, 1)), "")


def seeds_figure(by_source: Mapping[str, Sequence[CouplingSeries]], name: str) -> str | None:
    """SVG; None where no source has a checkpoint that all seeds share.

    Args:
        by_source: For each source its series, one for each seed.
        name: Unique in the document.
    """
    shown = [(source, points) for source, series in by_source.items() if (points := shared_points(series))]
    if not shown:
        return None
    with drawing():
        canvas = Canvas((1.35,), legend_lines=(len(shown) + 2) // 2)
        (axes,) = canvas.panels
        for source, points in shown:
            line(axes, points, _CONTROL if is_control(source) else look_of(source), source)
        axes.axhline(1.0, color="#7f7f7f", linewidth=1, linestyle=(0, (1, 1)), label="random directions")
        log_axis(axes, "R̄ₖ")
        canvas.legend()
        return to_svg(canvas.figure, name)


def shared_points(series: Sequence[CouplingSeries]) -> list[tuple[int, Estimate]]:
    """Mean and range at the checkpoints that every seed has."""
    found = [usable(one) for one in series]
    steps = sorted(set.intersection(*(set(one) for one in found))) if found else []
    points = []
    for t in steps:
        values = np.array([one[t].value for one in found])
        points.append((t, Estimate(float(values.mean()), (float(values.min()), float(values.max())))))
    return points
