"""Gap and participation ratio of every source's windows over training."""

from __future__ import annotations

from collections.abc import Sequence

from recorders.row_sources import LineLook
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import look_of
from sedscope.report.plots.figure_canvas import StackedPanels, drawing, to_svg
from sedscope.report.plots.strokes import line, log_axis


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
