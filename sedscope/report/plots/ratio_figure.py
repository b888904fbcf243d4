"""R̄_k of every source over training on a logarithmic axis, the controls as a band, rank-90 beneath."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries
from sedscope.analysis.result_view.number_text import Ends
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import Look, look_of
from sedscope.report.plots.figure_canvas import Canvas, drawing, to_svg
from sedscope.report.plots.strokes import band, dimmed, line, log_axis
from sedscope.report.select import Kind, estimate, usable

_RANK = Look("#7f7f7f")


def ratio_figure(
    series: Sequence[CouplingSeries], ranks: RankSeries | None, name: str, kind: Kind = "rbar"
) -> str | None:
    """SVG of one task; None where no series has a value.

    Args:
        series: Of one task, W and K.
        ranks: rank-90 of the task.
        name: Unique in the document.
        kind: Which of the ratios.
    """
    shown = [one for one in series if not is_control(one.source) and _values(one, kind)]
    bands = control_band(series, kind)
    if not shown and not bands:
        return None
    points = [(one.t, one.rank) for one in (ranks.points if ranks is not None else ())]
    known = [(t, Estimate(float(rank))) for t, rank in points if not isinstance(rank, Undefined)]
    with drawing():
        canvas = Canvas((1.35, 0.5) if known else (1.35,), legend_lines=(len(shown) + 3) // 2)
        top = canvas.panels[0]
        for one in shown:
            values = usable(one, kind)
            short = {t: value for t, value in _values(one, kind).items() if t <= min(values, default=t)}
            dimmed(top, sorted(short.items()), look_of(one.source))
            line(top, sorted(values.items()), look_of(one.source), one.source)
        if bands:
            band(top, bands, label="controls")
        top.axhline(1.0, color=_RANK.colour, linewidth=1, linestyle=(0, (1, 1)), label="random directions", zorder=1)
        log_axis(top, _LABELS[kind])
        if known:
            line(canvas.panels[1], known, _RANK, "")
            canvas.panels[1].set_ylabel("rank-90")
        canvas.legend()
        return to_svg(canvas.figure, name)


_LABELS: dict[Kind, str] = {"rbar": "R̄ₖ", "rbar_logit": "R^logit", "rbar_matched": "R^matched"}


def control_band(series: Sequence[CouplingSeries], kind: Kind = "rbar") -> list[tuple[int, Ends]]:
    """What the controls span at each checkpoint: their intervals, and their draws where R̄_k is asked for."""
    found: dict[int, list[float]] = {}
    for one in series:
        if not is_control(one.source):
            continue
        for t, value in usable(one, kind).items():
            found.setdefault(t, []).extend(value.ends or (value.value, value.value))
        if kind == "rbar":
            for point in one.points:
                if point.full and point.spread is not None and point.t in found:
                    found[point.t] += [point.spread.low, point.spread.high]
    return [(t, (min(values), max(values))) for t, values in sorted(found.items())]


def _values(series: CouplingSeries, kind: Kind) -> dict[int, Estimate]:
    """At every checkpoint, short windows too; a ratio of 0 has no place on a logarithmic axis."""
    found = {point.t: estimate(point, kind) for point in series.points}
    return {t: one for t, one in found.items() if isinstance(one, Estimate) and one.value > 0.0}
