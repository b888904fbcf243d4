"""Pictures of coupling: R̄_k of sources with the control band, R_k of one source, rank-90, and the matrix of peaks.

Works on results; knows no widgets. A point that is undefined is a gap with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RankSeries, Spread
from sedscope.analysis.result_view.columns import RBAR, SOURCES
from sedscope.analysis.result_view.result_column import EDGE, FEW, Reading, ResultColumn, columns_for
from sedscope.analysis.result_view.run_view import SourceMatrix
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined
from sedscope.tui.data.source_sets import CONTROL_COLOUR, colours
from sedscope.tui.plot.data import Axis, Chart, Moment, Series
from sedscope.tui.plot.figures import subscript
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.tabs.reference_lines import RANDOM, coupling_curve, curve


def coupling_chart(
    shown: Sequence[CouplingSeries],
    controls: Sequence[CouplingSeries],
    title: str,
    axis: Axis,
    moments: tuple[Moment, ...],
) -> Chart:
    """Return a chart of several sources' R̄_k against steps, log axis; the controls as one band.

    Args:
        shown: Against one task.
        controls: Against the same task; none for no band.
        title: Of the picture.
        axis: Of the steps.
        moments: Grok steps.
    """
    palette = colours([series.source for series in shown])
    curves = [_mean(series, series.source, palette[series.source]) for series in shown]
    band = control_band(controls)
    all_curves = (*curves, *(() if band is None else (band,)))
    return Chart(all_curves, axis, Axis(scale="log"), title, (RANDOM,), moments)


def directions_chart(
    series: CouplingSeries,
    ceiling: Sequence[tuple[int, float | Undefined]],
    title: str,
    axis: Axis,
    moments: tuple[Moment, ...],
) -> Chart:
    """Return a chart of one source's R_1 … R_K and R̄_k; with the strongest coupling in the window's span if known."""
    curves = [_mean(series, "R̄ mean over k", 0)]
    curves += [_direction(series, k) for k in range(series.rank)]
    if ceiling:
        curves.append(curve("ceiling", ceiling, CONTROL_COLOUR))
    return Chart(tuple(curves), axis, Axis(scale="log"), title, (RANDOM,), moments)


def control_band(controls: Sequence[CouplingSeries]) -> Series | None:
    """Return the band that the controls, their draws and their intervals span, around their geometric mean."""
    if not controls:
        return None
    steps = sorted({point.t for series in controls for point in series.points})
    points_at = {t: [point for series in controls for point in series.points if point.t == t] for t in steps}
    rows = [
        _span([point for point in points if isinstance(point.ratio, CouplingRatio)]) for points in points_at.values()
    ]
    middle, low, high = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    dimmed = np.array([not any(point.full for point in points) for points in points_at.values()], dtype=bool)
    reasons = {
        float(t): next(point.ratio.reason for point in points if isinstance(point.ratio, Undefined))
        for t, points in points_at.items()
        if not any(isinstance(point.ratio, CouplingRatio) for point in points)
    }
    x = np.array(steps, dtype=np.float64)
    return Series("controls", x, middle, low, high, dimmed=dimmed, colour=CONTROL_COLOUR, reasons=reasons)


def rank_chart(ranks: Sequence[RankSeries], task: str | None, axis: Axis, moments: tuple[Moment, ...]) -> Chart:
    """Return a chart of the centroids' rank-90 of every task, that of the chosen one first."""
    ordered = sorted(ranks, key=lambda series: series.task != task)
    curves = [
        curve(series.task, [(point.t, point.rank) for point in series.points], colour)
        for colour, series in enumerate(ordered)
    ]
    return Chart(tuple(curves), axis, Axis(low=0.0), "rank-90 of the centroids", moments=moments, reduce="last")


def matrix(
    series: Sequence[CouplingSeries],
    tasks: Sequence[str],
    columns: Sequence[ResultColumn[CouplingSeries]] | None = None,
) -> tuple[Heatmap, Mapping[tuple[int, int], str]]:
    """Return [source, task × column] of a result's table of sources, and words about a cell: why it has no number.

    A source whose peak lies at an edge of what was seen, or that few examples carry, has its sign behind its name.

    Args:
        series: All of an analysis, at one W and K.
        tasks: In their order.
        columns: Those to show; None for every one that the viewer shows.
    """
    columns = columns_for("viewer", SOURCES) if columns is None else columns
    sources = SourceMatrix.of(series, tasks)
    pairs = [(task, column) for task in sources.tasks for column in columns]
    values = np.full((len(sources.labels), len(pairs)), np.nan)
    words: dict[tuple[int, int], str] = {}
    signs: list[dict[str, None]] = [{} for _ in sources.labels]
    by_name = {column.name: column for column in SOURCES}
    for row, label in enumerate(sources.labels):
        for position, (task, column) in enumerate(pairs):
            value = sources.value(label, task, column)
            if isinstance(value, Reading):
                values[row, position] = value.value
                clauses = []
                if value.edge:
                    signs[row][EDGE] = None
                    clauses.append(f"{EDGE} at {value.edge}, an edge of what was seen: it may be higher beyond")
                elif value.n:
                    clauses.append(f"{value.text} {value.ends_text} checkpoints")
                if value.is_carried_by_few:
                    signs[row][FEW] = None
                examples = by_name.get(f"effective_examples_{column.name}")
                count = None if examples is None else sources.value(label, task, examples)
                if isinstance(count, Reading):
                    clauses.append(f"{FEW if value.is_carried_by_few else ''} {count.text} effective examples".strip())
                if clauses:
                    words[row, position] = "; ".join(clauses)
            else:
                reason = "not asked for: o crosses tasks" if value is None else value.reason
                words[row, position] = f"undefined: {reason}"
    titles = tuple(f"{column.title} {task}" if len(tasks) > 1 else column.title for task, column in pairs)
    if len(columns) == 1:
        titles = tuple(tasks)
    title = ", ".join(column.title for column in columns).capitalize() + " R̄"
    labels = (" ".join(filter(None, (label, "".join(of)))) for label, of in zip(sources.labels, signs, strict=True))
    return Heatmap(values, tuple(labels), titles, title=title, scale="log"), words


def why_none(shown: Sequence[CouplingSeries]) -> str | None:
    """Return why no point of any series is defined; None where one is."""
    points = [point for series in shown for point in series.points]
    reasons = dict.fromkeys(point.ratio.reason for point in points if isinstance(point.ratio, Undefined))
    if any(isinstance(point.ratio, CouplingRatio) for point in points):
        return None
    return "; ".join(reasons) or "there are no checkpoints"


def _mean(series: CouplingSeries, label: str, colour: int) -> Series:
    """Return the curve of R̄_k, marked where the top K of a full window are arbitrary."""
    marked = np.array([point.full and point.flat is not None for point in series.points], dtype=bool)
    return replace(coupling_curve(series, RBAR, label, colour), marked=marked)


def _direction(series: CouplingSeries, k: int) -> Series:
    def value(point: CheckpointCoupling) -> float | Undefined:
        if isinstance(point.ratio, Undefined):
            return point.ratio
        n = len(point.ratio.R)
        return float(point.ratio.R[k]) if k < n else Undefined(f"the window has {n} directions")

    short = np.array([not point.full for point in series.points], dtype=bool)
    return curve(f"R{subscript(k + 1)}", [(point.t, value(point)) for point in series.points], k + 1, dimmed=short)


def _span(points: Sequence[CheckpointCoupling]) -> tuple[float, float, float]:
    """Return the geometric mean, least and greatest; NaN without a point."""
    ratios = [point.ratio.rbar for point in points if isinstance(point.ratio, CouplingRatio)]
    if not ratios or min(ratios) <= 0:
        return np.nan, np.nan, np.nan
    around = [
        range_of_point
        for point in points
        for range_of_point in (point.spread, point.interval)
        if isinstance(range_of_point, Spread | Interval)
    ]
    low, high = (
        min([*ratios, *(range_of_point.low for range_of_point in around)]),
        max([*ratios, *(range_of_point.high for range_of_point in around)]),
    )
    return float(np.exp(np.mean(np.log(ratios)))), low, high
