"""Spectra of the windows: edge, gap, participation ratio and where the spectrum is flat."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.result_view.columns import SPECTRA
from sedscope.analysis.result_view.result_column import ResultColumn, columns_for
from sedscope.analysis.result_view.run_view import last_window
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import CellNotes, ColumnHead, Section, Table, TableCell, Term, Words
from sedscope.report.plots.spectrum_figure import spectrum_figure
from sedscope.report.sections.cells import EMPTY, heads, name, names_column, value_cell
from sedscope.report.sections.run_section import RunAtBasis, figure, not_measured, side_by_side


def spectra_section(basis: RunAtBasis) -> Section:
    """Return the figure and the last window of every source."""
    title = f"Spectra (W {basis.window})"
    if not basis.spectra:
        return basis.section(title, "spectra", not_measured("Spectra", "no source has rows"))
    notes = CellNotes()
    rank_index = basis.run.settings.rank.index(basis.rank)
    columns = columns_for("page", SPECTRA)
    rows = tuple(_row(series, columns, rank_index, notes) for series in basis.spectra)
    table_heads = (names_column("source"), *heads(columns), ColumnHead(f"flat for K {basis.rank}"))
    table = Table("spectra", table_heads, rows, ("The last window of each source; flat: of all full windows.",),
                  tuple(notes.numbers))  # fmt: skip
    anchor = f"{basis.anchor}-w{basis.window}-spectrum"
    svg = spectrum_figure(basis.spectra, basis.rank, anchor)
    caption: Words = (
        Term("k_star", "Gap"), " and ", Term("participation", "participation ratio"),
        f" of full windows; below the dotted line, K = {basis.rank}, the top K is arbitrary.",
    )  # fmt: skip
    drawn = figure(svg, anchor, "Spectral gap and participation ratio of every source over t.", caption)
    return basis.section(title, "spectra", side_by_side(drawn), table)


def _row(
    series: SpectrumSeries, columns: Sequence[ResultColumn[SpectrumAtStep]], rank_index: int, notes: CellNotes
) -> tuple[TableCell, ...]:
    window = last_window(series)
    if isinstance(window, Undefined):
        return (name(series.source), notes.cell(window.reason), *[EMPTY] * len(columns))
    cells = [value_cell(column.read(window), notes) for column in columns]
    return (name(series.source), *cells, _flat(series.points, rank_index))


def _flat(points: tuple[SpectrumAtStep, ...], rank_index: int) -> TableCell:
    full = [point.spectrum for point in points if point.full and isinstance(point.spectrum, WindowSpectrum)]
    return TableCell(f"{sum(spectrum.flat[rank_index] is not None for spectrum in full)} of {len(full)}")
