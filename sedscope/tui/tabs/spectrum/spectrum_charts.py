"""Pictures of a rolling spectrum: σ over steps, gap and k*, and the heatmap. Works on results; knows no widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.data import Axis, Chart, Moment, Rule, Series
from sedscope.tui.plot.figures import subscript
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.tabs.reference_lines import curve

CURVES = 8
"""σ that are drawn as curves: as many as there are colours."""


def sigma_chart(series: SpectrumSeries, rank: int, moments: tuple[Moment, ...]) -> Chart:
    """Return a chart of σ_1 … σ_8 on a log axis; short windows faint, × on σ_K where the top K are arbitrary."""
    count = min(CURVES, _most(series.points))
    curves = tuple(_sigma(series.points, index, marked=index + 1 == rank) for index in range(count))
    return Chart(curves, Axis("t"), Axis(scale="log"), f"σ of {series.source}, W = {series.window}", moments=moments)


def gap_chart(series: SpectrumSeries, moments: tuple[Moment, ...]) -> Chart:
    """Return a chart of σ_k*/σ_(k*+1): how clearly the leading directions stand apart."""
    gap = _quantity(series.points, "gap", lambda edge: edge.gap)
    return Chart((gap,), Axis("t"), Axis(scale="log"), "Gap σ_k*/σ_k*+1", (Rule(1.0, "no gap"),), moments)


def count_chart(series: SpectrumSeries, rank: int, moments: tuple[Moment, ...]) -> Chart:
    """Return a chart of k* and participation ratio: two answers to how many directions matter."""
    edge = _quantity(series.points, "k*", lambda edge: edge.k_star)
    participation = _quantity(series.points, "participation", lambda edge: edge.participation, colour=1)
    rules = (Rule(float(rank), f"K = {rank}"),)
    return Chart((edge, participation), Axis("t"), Axis(low=0.0), "How many directions", rules, moments, reduce="last")


def sigma_heatmap(series: SpectrumSeries) -> Heatmap:
    """Return [σ, step] in log colours; σ that a short window does not have are undefined."""
    points, count = series.points, _most(series.points)
    values = np.full((count, len(points)), np.nan)
    for column, point in enumerate(points):
        if isinstance(point.spectrum, WindowSpectrum):
            values[: len(point.spectrum.sigma), column] = point.spectrum.sigma
    names = tuple(f"σ{subscript(index + 1)}" for index in range(count))
    return Heatmap(
        values,
        names,
        x=np.array([point.t for point in points], dtype=np.float64),
        title="σ over steps",
        column_title="t",
        scale="log",
    )


def _sigma(points: Sequence[SpectrumAtStep], index: int, *, marked: bool) -> Series:
    def value(window: WindowSpectrum) -> float | Undefined:
        return float(window.sigma[index]) if index < len(window.sigma) else Undefined("short window")

    flat = np.array([marked and _is_flat(point) for point in points], dtype=bool)
    return replace(_quantity(points, f"σ{subscript(index + 1)}", value, index), marked=flat)


def _quantity(
    points: Sequence[SpectrumAtStep], label: str, of: Callable[[WindowSpectrum], float | Undefined], colour: int = 0
) -> Series:
    """Return the curve of one number of each window."""
    values = [
        (point.t, point.spectrum if isinstance(point.spectrum, Undefined) else of(point.spectrum)) for point in points
    ]
    return curve(label, values, colour, dimmed=np.array([not point.full for point in points], dtype=bool))


def _is_flat(point: SpectrumAtStep) -> bool:
    return point.full and isinstance(point.spectrum, WindowSpectrum) and point.spectrum.flat[0] is not None


def _most(points: Sequence[SpectrumAtStep]) -> int:
    return max((len(point.spectrum.sigma) for point in points if isinstance(point.spectrum, WindowSpectrum)), default=0)
