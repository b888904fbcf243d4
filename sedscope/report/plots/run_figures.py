"""Accuracy of a run and of interventions over training, and the spectra of a run's windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from recorders.row_sources import LineLook
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions import TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.compare import Curve
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import RunFacts
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import dimmed, line, log_axis, look_of, task_colour, treatment_look

_CURVES = ((TEST_ACCURACY, "test", "-"), (TRAIN_ACCURACY, "train", (0, (2, 1.5))))


def accuracy_figure(facts: RunFacts, tasks: Sequence[str], name: str) -> str | None:
    """Return the SVG; None where no accuracy was logged."""
    curves = [
        (index, f"{task} {split}", dash, values)
        for index, task in enumerate(tasks)
        for metric, split, dash in _CURVES
        if (values := _points(facts, metric, task, tasks))
    ]
    if not curves:
        return None
    with drawing():
        panels = StackedPanels((0.9,), legend_lines=(len(curves) + 1) // 2)
        (axes,) = panels.axes
        for index, label, dash, values in curves:
            line(axes, values, LineLook(task_colour(index), dash, ""), label)
        axes.set_ylabel("accuracy")
        panels.legend()
        return to_svg(panels.figure, name)


def _points(facts: RunFacts, metric: str, task: str, tasks: Sequence[str]) -> list[tuple[int, Estimate]]:
    names = [f"{metric}/{task}"] + ([metric] if len(tasks) == 1 else [])
    metric_values = next((facts.metrics[name] for name in names if name in facts.metrics), None)
    if metric_values is None:
        return []
    return [(int(t), Estimate(float(y))) for t, y in zip(*metric_values, strict=True) if y == y]


_GREY = "#7f7f7f"
_LABEL_LENGTH = 68
"""The legend has one column: the options at a label's end tell interventions apart."""


def accuracies_figure(comparison: TaskComparison, name: str) -> str | None:
    """Return the SVG; None where no accuracy was logged."""
    shown = [(index, group) for index, group in enumerate(comparison.groups) if isinstance(group.curve, Curve)]
    if not shown:
        return None
    with drawing():
        panels = StackedPanels((1.35,), legend_lines=len(shown))
        (axes,) = panels.axes
        for index, group in shown:
            _draw(axes, group, treatment_look(index), comparison.task)
        for threshold in GROK_ACCURACIES:
            accuracy = comparison.milestones.accuracy_at(threshold)
            axes.axhline(accuracy, color=_GREY, linewidth=0.8, linestyle=(0, (1, 1)), zorder=1)
        axes.set_ylabel("test accuracy")
        axes.set_ylim(-0.03, 1.03)
        panels.legend(columns=1)
        return to_svg(panels.figure, name)


def _draw(axes: Axes, group: TreatmentGroup, look: LineLook, task: str) -> None:
    """Draw mean and band as far as all runs go, then each run by itself."""
    curve = group.curve
    assert isinstance(curve, Curve)
    ends = curve.n > 1
    points = [
        (int(t), Estimate(float(mean), (float(low), float(high)) if ends else None))
        for t, mean, low, high in zip(curve.t, curve.mean, curve.low, curve.high, strict=True)
    ]
    line(axes, points, look, f"n = {curve.n}: {group.label}", longest=_LABEL_LENGTH)
    for run in group.runs:
        on = run.on(task)
        if on is None:
            continue
        t, value = on.test
        beyond = (t >= curve.t[-1]) & np.isfinite(value)
        if np.count_nonzero(beyond) > 1:
            rest = [(int(x), Estimate(float(y))) for x, y in zip(t[beyond], value[beyond], strict=True)]
            dimmed(axes, rest, look)


def spectrum_figure(spectra: Sequence[SpectrumSeries], rank: int, name: str) -> str | None:
    """Return the SVG; None where no window has a spectrum.

    Args:
        spectra: Every source at one W.
        rank: K, drawn as the line below which a spectrum is flat.
        name: Unique in the document.
    """
    shown = [(each, windows) for each in spectra if not is_control(each.source) and (windows := _full_windows(each))]
    if not shown:
        return None
    with drawing():
        panels = StackedPanels((0.8, 0.8), legend_lines=(len(shown) + 1) // 2)
        gaps, participation = panels.axes
        for series, windows in shown:
            look = look_of(series.source)
            thin = LineLook(look.colour, look.dash, "")
            gap_points = [(t, Estimate(window.gap)) for t, window in windows if not isinstance(window.gap, Undefined)]
            line(gaps, gap_points, thin, series.source)
            line(participation, [(t, Estimate(window.participation)) for t, window in windows], thin, "")
        log_axis(gaps, "gap σₖ*/σₖ*₊₁")
        participation.axhline(rank, color="#7f7f7f", linewidth=1, linestyle=(0, (1, 1)))
        participation.set_ylabel("participation ratio")
        panels.legend()
        return to_svg(panels.figure, name)


def _full_windows(series: SpectrumSeries) -> list[tuple[int, WindowSpectrum]]:
    """Return step and spectrum of every full window."""
    return [
        (point.t, point.spectrum)
        for point in series.points
        if point.full and isinstance(point.spectrum, WindowSpectrum)
    ]
