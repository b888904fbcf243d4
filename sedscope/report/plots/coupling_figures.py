"""R̄_k of every source over training, with the controls or over seeds, and the signed alignment of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recorders.row_sources import LineLook
from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries
from sedscope.analysis.result_view.diagnostic_columns import ABOVE_FLOOR, row_alignments
from sedscope.analysis.result_view.number_text import Ends
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, estimate, usable
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import band, dimmed, line, log_axis, look_of

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
