"""Gap and participation ratio of every source's windows over training."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.spectra.spectrum_series import SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.plots.colours import Look, look_of
from sedscope.report.plots.figure_canvas import Canvas, drawing, to_svg
from sedscope.report.plots.strokes import line, log_axis


def spectrum_figure(spectra: Sequence[SpectrumSeries], rank: int, name: str) -> str | None:
    """SVG; None where no window has a spectrum.

    Args:
        spectra: Of one W.
        rank: K, drawn as the line below which a spectrum is flat.
        name: Unique in the document.
    """
    shown = [(one, _edges(one)) for one in spectra if not is_control(one.source)]
    shown = [(one, edges) for one, edges in shown if edges]
    if not shown:
        return None
    with drawing():
        canvas = Canvas((0.8, 0.8), legend_lines=(len(shown) + 1) // 2)
        gaps, participation = canvas.panels
        for one, edges in shown:
            look = look_of(one.source)
            thin = Look(look.colour, look.dash, "")
            known = [(t, Estimate(edge.gap)) for t, edge in edges if not isinstance(edge.gap, Undefined)]
            line(gaps, known, thin, one.source)
            line(participation, [(t, Estimate(edge.participation)) for t, edge in edges], thin, "")
        log_axis(gaps, "gap σₖ*/σₖ*₊₁")
        participation.axhline(rank, color="#7f7f7f", linewidth=1, linestyle=(0, (1, 1)))
        participation.set_ylabel("participation ratio")
        canvas.legend()
        return to_svg(canvas.figure, name)


def _edges(series: SpectrumSeries) -> list[tuple[int, WindowSpectrum]]:
    """Of full windows."""
    return [
        (point.t, point.spectrum)
        for point in series.points
        if point.full and isinstance(point.spectrum, WindowSpectrum)
    ]
