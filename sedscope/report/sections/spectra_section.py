"""Spectra of the windows: edge, gap, participation ratio and where the spectrum is flat."""

from __future__ import annotations

from sedscope.analysis.spectra.spectrum_series import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Cell, Column, Notes, Section, Table, Term, Words
from sedscope.report.plots.spectrum_figure import spectrum_figure
from sedscope.report.sections.cells import EMPTY, name, names_column, number
from sedscope.report.sections.run_section import Part, figure, not_measured, side_by_side


def spectra_section(part: Part) -> Section:
    """The figure and the last window of every source."""
    title = f"Spectra (W {part.window})"
    if not part.spectra:
        return part.section(title, "spectra", not_measured("Spectra", "no source has rows"))
    notes = Notes()
    place = part.run.settings.rank.index(part.rank)
    rows = tuple(_row(one, place, notes) for one in part.spectra)
    columns = (
        names_column("source"), Column("at t"), Column("rows"), Column(Term("k_star", "k*")), Column("gap"),
        Column(Term("participation", "participation")), Column(f"flat for K {part.rank}"),
    )  # fmt: skip
    table = Table("spectra", columns, rows, ("The last window of each source; flat: of all full windows.",),
                  tuple(notes.reasons))  # fmt: skip
    anchor = f"{part.anchor}-w{part.window}-spectrum"
    svg = spectrum_figure(part.spectra, part.rank, anchor)
    caption: Words = (
        Term("k_star", "Gap"), " and ", Term("participation", "participation ratio"),
        f" of full windows; below the dotted line, K = {part.rank}, the top K is arbitrary.",
    )  # fmt: skip
    drawn = figure(svg, anchor, "Spectral gap and participation ratio of every source over t.", caption)
    return part.section(title, "spectra", side_by_side(drawn), table)


def _row(series: SpectrumSeries, place: int, notes: Notes) -> tuple[Cell, ...]:
    last = series.points[-1] if series.points else None
    edge = None if last is None else last.spectrum
    if last is None or not isinstance(edge, WindowSpectrum):
        absent = edge if isinstance(edge, Undefined) else series.undefined
        return (name(series.source), notes.cell("it has no rows" if absent is None else absent.reason), *[EMPTY] * 5)
    return (
        name(series.source),
        number(last.t, notes),
        number(last.n_rows, notes),
        number(edge.k_star, notes),
        number(edge.gap, notes),
        number(edge.participation, notes),
        _flat(series.points, place),
    )


def _flat(points: tuple[SpectrumAtStep, ...], place: int) -> Cell:
    full = [point.spectrum for point in points if point.full and isinstance(point.spectrum, WindowSpectrum)]
    return Cell(f"{sum(edge.flat[place] is not None for edge in full)} of {len(full)}")
