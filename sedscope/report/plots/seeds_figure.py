"""R̄_k over training for several seeds: the mean as a line, the range over seeds as its band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recorders.row_sources import LineLook
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.sources.variants import is_control
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import look_of
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import line, log_axis
from sedscope.report.series_lookup import usable

_CONTROL = LineLook("#7f7f7f", (0, (3, 1)), "")


def seeds_figure(by_source: Mapping[str, Sequence[CouplingSeries]], name: str) -> str | None:
    """Return the SVG; None where no source has a checkpoint that all seeds share.

    Args:
        by_source: The series of each source, one for each seed.
        name: Unique in the document.
    """
    shown = [(source, points) for source, series in by_source.items() if (points := shared_points(series))]
    if not shown:
        return None
    with drawing():
        panels = StackedPanels((1.35,), legend_lines=(len(shown) + 2) // 2)
        (axes,) = panels.axes
        for source, points in shown:
            line(axes, points, _CONTROL if is_control(source) else look_of(source), source)
        axes.axhline(1.0, color="#7f7f7f", linewidth=1, linestyle=(0, (1, 1)), label="random directions")
        log_axis(axes, "R̄ₖ")
        panels.legend()
        return to_svg(panels.figure, name)


def shared_points(series: Sequence[CouplingSeries]) -> list[tuple[int, Estimate]]:
    """Return mean and range at the checkpoints that every seed has."""
    by_seed = [usable(each) for each in series]
    steps = sorted(set.intersection(*(set(values) for values in by_seed))) if by_seed else []
    points = []
    for t in steps:
        at_step = np.array([values[t].value for values in by_seed])
        points.append((t, Estimate(float(at_step.mean()), (float(at_step.min()), float(at_step.max())))))
    return points
