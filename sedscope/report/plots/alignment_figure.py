"""Signed alignment of every source's rows with what the training did next, beside the floor of random directions."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.alignment_floor import ABOVE_FLOOR
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import Look, look_of
from sedscope.report.plots.figure_canvas import Canvas, drawing, to_svg
from sedscope.report.plots.strokes import band, line

_CONTROL = Look("#7f7f7f", (0, (3, 1)), "")


def alignment_figure(series: Sequence[CouplingSeries], floors: dict[int, float], name: str) -> str | None:
    """SVG of one task; None where nothing was measured."""
    shown = [(one, values) for one in series if (values := row_alignments(one))]
    if not shown:
        return None
    with drawing():
        canvas = Canvas((1.2,), legend_lines=(len(shown) + 2) // 2)
        (axes,) = canvas.panels
        for one, values in shown:
            line(axes, values, _control_look(one) if is_control(one.source) else look_of(one.source), one.source)
        if floors:
            ends = [(t, (-ABOVE_FLOOR * floor, ABOVE_FLOOR * floor)) for t, floor in sorted(floors.items())]
            band(axes, ends, label="random directions")
        axes.axhline(0.0, color="#7f7f7f", linewidth=0.8)
        axes.set_ylabel("alignment a")
        canvas.legend()
        return to_svg(canvas.figure, name)


def row_alignments(series: CouplingSeries) -> list[tuple[int, Estimate]]:
    """A of the row at each checkpoint that has one: only the selected parameters move."""
    found = []
    for point in series.points:
        known = point.alignment
        if not isinstance(known, Undefined) and not isinstance(known.row, Undefined):
            found.append((point.t, Estimate(float(known.row[0]))))
    return found


def _control_look(series: CouplingSeries) -> Look:
    return Look(_CONTROL.colour, _CONTROL.dash, {"s": "o", "c": "s", "p": "^"}.get(series.source[8:9], ""))
