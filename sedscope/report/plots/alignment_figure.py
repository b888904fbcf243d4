"""Signed alignment of every source's rows with what the training did next, beside the floor of random directions."""

from __future__ import annotations

from collections.abc import Sequence

from recorders.row_sources import LineLook
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.alignment_floor import ABOVE_FLOOR, row_alignments
from sedscope.analysis.sources.variants import is_control
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import look_of
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import band, line

_CONTROL = LineLook("#7f7f7f", (0, (3, 1)), "")


def alignment_figure(series: Sequence[CouplingSeries], floors: dict[int, float], name: str) -> str | None:
    """Return the SVG of one task; None where nothing was measured."""
    shown = [(each, points) for each in series if (points := row_alignments(each))]
    if not shown:
        return None
    with drawing():
        panels = StackedPanels((1.2,), legend_lines=(len(shown) + 2) // 2)
        (axes,) = panels.axes
        for each, points in shown:
            look = _control_look(each) if is_control(each.source) else look_of(each.source)
            line(axes, [(t, Estimate(a)) for t, a in points], look, each.source)
        if floors:
            ends = [(t, (-ABOVE_FLOOR * floor, ABOVE_FLOOR * floor)) for t, floor in sorted(floors.items())]
            band(axes, ends, label="random directions")
        axes.axhline(0.0, color="#7f7f7f", linewidth=0.8)
        axes.set_ylabel("alignment a")
        panels.legend()
        return to_svg(panels.figure, name)


def _control_look(series: CouplingSeries) -> LineLook:
    return LineLook(_CONTROL.colour, _CONTROL.dash, {"s": "o", "c": "s", "p": "^"}.get(series.source[8:9], ""))
