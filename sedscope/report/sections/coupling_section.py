"""R̄_k of every source: over training, and as the source × task matrix of peak and final."""

from __future__ import annotations

from recorders.row_sources import parse_source
from sedscope.analysis.result_view.columns import SOURCES
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.result_view.run_view import SourceMatrix, is_crossed
from sedscope.analysis.sources.variants import is_control
from sedscope.report.document import CellNotes, Content, Figure, Name, Paragraph, Section, Table, Term, Words
from sedscope.report.plots.ratio_figure import control_band, ratio_figure
from sedscope.report.sections.cells import heads, name, names_column, value_cell
from sedscope.report.sections.run_section import RunAtBasis, figure, not_measured, side_by_side


def coupling_section(basis: RunAtBasis) -> Section:
    """Return a figure for each task, then the matrix."""
    title = f"Coupling (W {basis.window}, K {basis.rank})"
    if not basis.series:
        reason = "; ".join(basis.run.notes) or "no task has a probe"
        return basis.section(title, "coupling", not_measured("Coupling to features", reason))
    figures = [_figure(basis, task, index) for index, task in enumerate(basis.run.tasks)]
    table = _matrix(basis)
    return basis.section(title, "coupling", _introduction(basis), side_by_side(*figures), table)


def _introduction(basis: RunAtBasis) -> Content:
    controls = any(is_control(series.source) for series in basis.series)
    crossed: Words = (" ", Term("crossed", "Crossed"), " pairs stand in the table.") if is_crossed(basis.series) else ()
    words: Words = (
        Term("R", "R̄_k"), " over training with its ", Term("interval", "95 % interval"),
        "; thin where the window is short. ",
    )  # fmt: skip
    if controls:
        return Paragraph((*words, "Grey: the ", Term("control_band", "controls"),
                          "; a source inside the band shows no more than they do.", *crossed))  # fmt: skip
    return Paragraph((*words, "No control was measured, so the figures lack their ",
                      Term("control_band", "band"), "."), "warning")  # fmt: skip


def _figure(basis: RunAtBasis, task: str, index: int) -> Figure | None:
    series = [each for each in basis.series if each.task == task and _is_own(each.source, task)]
    ranks = next((each for each in basis.run.rank90 if each.task == task), None)
    anchor = f"{basis.anchor}-w{basis.window}k{basis.rank}-coupling-{index}"
    band = " with the band of the controls" if control_band(series) else ""
    alt = f"Coupling ratio of {len(series)} sources against the centroids of {task} over t, logarithmic{band}."
    caption: Words = ("Centroids of ", Name(task), "; beneath, ", Term("rank90", "rank-90"), ".")
    return figure(ratio_figure(series, ranks, anchor), anchor, alt, caption)


def _is_own(source: str, task: str) -> bool:
    parsed = parse_source(source)
    return parsed is None or parsed.task in (None, task)


def _matrix(basis: RunAtBasis) -> Table:
    matrix = SourceMatrix.of(basis.series, basis.run.tasks)
    notes = CellNotes()
    columns = columns_for("page", SOURCES)
    table_heads = [names_column("source")]
    for task in matrix.tasks:
        table_heads += heads(columns, f"{task} " if len(matrix.tasks) > 1 else "")
    rows = tuple(
        (
            name(label),
            *(value_cell(matrix.value(label, task, each), notes) for task in matrix.tasks for each in columns),
        )
        for label in matrix.labels
    )
    caption: Words = (
        Term("R", "R̄_k"), " at its ", Term("peak", "peak and at the end"), ", sources down, centroids across; ",
        Term("interval", "95 % interval"), " beside.",
    )  # fmt: skip
    return Table("matrix", tuple(table_heads), rows, caption, tuple(notes.numbers), notes.marks())
