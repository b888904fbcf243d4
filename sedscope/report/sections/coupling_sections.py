"""Sections of R̄_k over training, of the ratios beside it, and of alignment with what the training did next."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.result_view.columns import CHECKPOINTS, PHASES, SOURCES
from sedscope.analysis.result_view.diagnostic_columns import (
    ABOVE_FLOOR,
    ALIGNMENTS,
    DIAGNOSTICS,
    AlignmentRow,
    alignment_floors,
)
from sedscope.analysis.result_view.result_column import ResultColumn, Value, columns_for
from sedscope.analysis.result_view.run_view import SourceMatrix, is_crossed, is_own
from sedscope.analysis.result_view.verdict import verdicts
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Content, Figure, Items, Name, Paragraph, Piece, Section, Table, Term, Words
from sedscope.report.plots.coupling_figures import alignment_figure, control_band, ratio_figure
from sedscope.report.sections.contents import (
    RunAtBasis,
    figure,
    heads,
    not_measured,
    side_by_side,
    table_of,
    values,
    without_repeats,
)


def coupling_section(basis: RunAtBasis) -> Section:
    """Return the verdict on every gradient, a figure for each task, then the matrix of peak and end."""
    title = f"Coupling (W {basis.window}, K {basis.rank})"
    series = basis.view.series(basis.window, basis.rank)
    if not series:
        return basis.section(title, "coupling", not_measured("Coupling to features", basis.view.why_no_coupling))
    figures = [_ratio_figure(basis, task, index) for index, task in enumerate(basis.view.run.tasks)]
    judged = [each for each in verdicts(basis.view.run) if (each.window, each.rank) == (basis.window, basis.rank)]
    matrix = basis.view.matrix(basis.window, basis.rank)
    return basis.section(
        title,
        "coupling",
        Items(tuple((verdict.words,) for verdict in judged)) if judged else None,
        _introduction(series),
        side_by_side(*figures),
        _matrix(matrix),
        *(_phases(part, index) for index, part in enumerate(matrix.with_phases)),
    )


def _introduction(series: tuple[CouplingSeries, ...]) -> Content:
    controls = any(is_control(each.source) for each in series)
    crossed: Words = (" ", Term("crossed", "Crossed"), " pairs stand in the table.") if is_crossed(series) else ()
    words: Words = (
        Term("R", "R̄_k"), " over training with its ", Term("interval", "95 % interval"),
        "; thin where the window is short. ",
    )  # fmt: skip
    if controls:
        return Paragraph((*words, "Grey: the ", Term("control_band", "controls"),
                          "; a source inside the band shows no more than they do.", *crossed))  # fmt: skip
    return Paragraph((*words, "No control was measured, so the figures lack their ",
                      Term("control_band", "band"), "."), "warning")  # fmt: skip


def _ratio_figure(basis: RunAtBasis, task: str, index: int) -> Figure | None:
    series = [each for each in basis.view.series(basis.window, basis.rank, task) if is_own(each.source, task)]
    ranks = next((each for each in basis.view.run.rank90 if each.task == task), None)
    name = basis.figure_name(f"coupling-{index}")
    band = " with the band of the controls" if control_band(series) else ""
    alt = f"Coupling ratio of {len(series)} sources against the centroids of {task} over t, logarithmic{band}."
    caption: Words = ("Centroids of ", Name(task), "; beneath, ", Term("rank90", "rank-90"), ".")
    return figure(ratio_figure(series, ranks, name), name, alt, caption)


def _matrix(matrix: SourceMatrix) -> Table:
    caption: Words = (
        Term("R", "R̄_k"), " at its ", Term("peak", "peak and at the end"), ", sources down, centroids across; ",
        Term("interval", "95 % interval"), " beside.",
    )  # fmt: skip
    return _by_source(matrix, "matrix", SOURCES, caption)


def _phases(matrix: SourceMatrix, index: int) -> Table:
    """Return the table of sources by phase of one task."""
    caption: Words = (
        f"Centroids of {matrix.tasks[0]}: mean ", Term("R", "R̄_k"),
        " over checkpoints (their number) from memorisation up to the ",
        Term("grok", "grok step"), ", at it (the nearest one), and after it. The interval of a mean is the mean of the"
        " checkpoints' intervals: probes and directions are common to them, so errors do not average out.",
    )  # fmt: skip
    return _by_source(matrix, f"phases-{index}", PHASES, caption)


def _by_source(
    matrix: SourceMatrix, name: str, registry: Sequence[ResultColumn[CouplingSeries]], caption: Words
) -> Table:
    columns = columns_for("page", registry)
    titles: list[Piece] = ["source"]
    for task in matrix.tasks:
        titles += heads(columns, f"{task} " if len(matrix.tasks) > 1 else "")
    rows = (
        (Name(label), *(matrix.value(label, task, each) for task in matrix.tasks for each in columns))
        for label in matrix.labels
    )
    return table_of(name, titles, rows, caption)


def measures_section(basis: RunAtBasis) -> Section:
    """Return one table per task: every ratio at the end, and where the top-K subspace is arbitrary."""
    tables = [_measures(basis, task, index) for index, task in enumerate(basis.view.run.tasks)]
    known = basis.view.series(basis.window, basis.rank)
    missing = not_measured("R^logit and R^matched", "there is no coupling")
    return basis.section("R^logit and R^matched", "measures", *(tables if known else [missing]))


def _measures(basis: RunAtBasis, task: str, index: int) -> Table:
    # Ratios stand beside one another, what else is known of the windows behind them.
    at_the_end = sorted(columns_for("page", CHECKPOINTS), key=lambda column: not column.has_interval)
    overall = columns_for("page", DIAGNOSTICS)
    rows = (
        (Name(series.source), *(_final(series, column) for column in at_the_end), *values(overall, series))
        for series in basis.view.series(basis.window, basis.rank, task)
    )
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint. Draws: R̄_k of each draw of a control or fixed batch, least and"
        " largest. Flat: at how many checkpoints with full windows the top K is arbitrary.",
    )
    return table_of(f"measures-{index}", ("source", *heads(at_the_end), *heads(overall)), rows, caption)


def _final(series: CouplingSeries, column: ResultColumn[CheckpointCoupling]) -> Value:
    point = series.at(series.final)
    return point if isinstance(point, Undefined) else column.read(point)


def alignment_section(basis: RunAtBasis) -> Section:
    """Return figure and table of every task: do the directions move the centroids as the training moved them next."""
    if not basis.view.series(basis.window, basis.rank):
        return basis.section("Alignment", "alignment", not_measured("Alignment", "there is no coupling"))
    tasks = list(enumerate(basis.view.run.tasks))
    figures = [_alignment_figure(basis, task, index) for index, task in tasks]
    tables = [_alignments(basis, task, index) for index, task in tasks]
    return basis.section("Alignment", "alignment", side_by_side(*figures), *tables)


def _alignment_figure(basis: RunAtBasis, task: str, index: int) -> Figure | None:
    name = basis.figure_name(f"alignment-{index}")
    series = basis.view.series(basis.window, basis.rank, task)
    alt = f"Signed alignment of the sources with what the training did next to the centroids of {task}."
    caption: Words = (
        Term("alignment", "Alignment"), " of each row with the next movement of the centroids of ", Name(task),
        f"; grey: ±{ABOVE_FLOOR:g} × the root mean square of random directions.",
    )  # fmt: skip
    return figure(alignment_figure(series, alignment_floors(basis.view.run, task), name), name, alt, caption)


def _alignments(basis: RunAtBasis, task: str, index: int) -> Table:
    floors = alignment_floors(basis.view.run, task)
    columns = columns_for("page", ALIGNMENTS)
    rows = (
        (Name(series.source), *without_repeats(values(columns, AlignmentRow(series, floors))))
        for series in basis.view.series(basis.window, basis.rank, task)
    )
    caption: Words = (
        f"Centroids of {task}: median of a over the checkpoints, where only the selected parameters move and where all"
        " do; at the end and counts: the first of the two.",
    )
    return table_of(f"alignment-{index}", ("source", *heads(columns)), rows, caption)
