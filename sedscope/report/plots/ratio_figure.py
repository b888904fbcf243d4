"""R̄_k of every source over training on a logarithmic axis, the controls as a band, rank-90 beneath."""

from __future__ import annotations

from collections.abc import Sequence

from recorders.row_sources import LineLook
from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries
from sedscope.analysis.result_view.number_text import Ends
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import look_of
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import band, dimmed, line, log_axis
from sedscope.report.series_lookup import estimate, usable

_RANK = LineLook("#7f7f7f")


def ratio_figure(series: Sequence[CouplingSeries], ranks: RankSeries | None, name: str) -> str | None:
    """Return the SVG of one task; None where no series has a value.

    Args:
        series: The sources against one task, at one W and K.
        ranks: rank-90 of the task.
        name: Unique in the document.
    """
    shown = [each for each in series if not is_control(each.source) and _positive_values(each)]
    controls = control_band(series)
    if not shown and not controls:
        return None
    rank_points = [
        (point.t, Estimate(float(point.rank)))
        for point in (() if ranks is None else ranks.points)
        if not isinstance(point.rank, Undefined)
    ]
    with drawing():
        panels = StackedPanels((1.35, 0.5) if rank_points else (1.35,), legend_lines=(len(shown) + 3) // 2)
        top = panels.axes[0]
        for each in shown:
            values = usable(each)
            short = {t: value for t, value in _positive_values(each).items() if t <= min(values, default=t)}
            dimmed(top, sorted(short.items()), look_of(each.source))
            line(top, sorted(values.items()), look_of(each.source), each.source)
        if controls:
            band(top, controls, label="controls")
        top.axhline(1.0, color=_RANK.colour, linewidth=1, linestyle=(0, (1, 1)), label="random directions", zorder=1)
        log_axis(top, "R̄ₖ")
        if rank_points:
            line(panels.axes[1], rank_points, _RANK, "")
            panels.axes[1].set_ylabel("rank-90")
        panels.legend()
        return to_svg(panels.figure, name)


def control_band(series: Sequence[CouplingSeries]) -> list[tuple[int, Ends]]:
    """Return what the controls span at each checkpoint: their intervals and their draws."""
    spanned: dict[int, list[float]] = {}
    for each in series:
        if not is_control(each.source):
            continue
        for t, value in usable(each).items():
            spanned.setdefault(t, []).extend(value.ends or (value.value, value.value))
        for point in each.points:
            if point.full and point.spread is not None and point.t in spanned:
                spanned[point.t] += [point.spread.low, point.spread.high]
    return [(t, (min(values), max(values))) for t, values in sorted(spanned.items())]


def _positive_values(series: CouplingSeries) -> dict[int, Estimate]:
    """Return R̄_k at every checkpoint, short windows too; 0 has no place on a logarithmic axis."""
    estimates = {point.t: estimate(point) for point in series.points}
    return {t: value for t, value in estimates.items() if isinstance(value, Estimate) and value.value > 0.0}
