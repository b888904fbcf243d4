"""The signed measure: do the directions move the centroids the way the training moved them next."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.alignment_floor import ABOVE_FLOOR, alignment_floors
from sedscope.report.document import CellNotes, ColumnHead, Figure, Name, Section, Table, TableCell, Term, Words
from sedscope.report.finding.phrases import with_sign
from sedscope.report.plots.alignment_figure import alignment_figure
from sedscope.report.sections.cells import EMPTY, name, names_column
from sedscope.report.sections.run_section import RunAtBasis, figure, not_measured, side_by_side


def alignment_section(basis: RunAtBasis) -> Section:
    """Return figure and table of every task."""
    if not basis.series:
        return basis.section("Alignment", "alignment", not_measured("Alignment", "there is no coupling"))
    figures, tables = [], []
    for index, task in enumerate(basis.run.tasks):
        figures.append(_figure(basis, task, index))
        tables.append(_table(basis, task, index))
    return basis.section("Alignment", "alignment", side_by_side(*figures), *tables)


def _figure(basis: RunAtBasis, task: str, index: int) -> Figure | None:
    anchor = f"{basis.anchor}-w{basis.window}k{basis.rank}-alignment-{index}"
    of_task = [series for series in basis.series if series.task == task]
    svg = alignment_figure(of_task, alignment_floors(basis.run, task), anchor)
    alt = f"Signed alignment of the sources with what the training did next to the centroids of {task}."
    caption: Words = (
        Term("alignment", "Alignment"), " of each row with the next movement of the centroids of ", Name(task),
        f"; grey: ±{ABOVE_FLOOR:g} × the root mean square of random directions.",
    )  # fmt: skip
    return figure(svg, anchor, alt, caption)


def _table(basis: RunAtBasis, task: str, index: int) -> Table:
    notes = CellNotes()
    floors = alignment_floors(basis.run, task)
    rows = tuple(_row(series, floors, notes) for series in basis.series if series.task == task)
    columns = (
        names_column("source"), ColumnHead("selected move"), ColumnHead("all move"), ColumnHead("at the end"),
        ColumnHead("above floor"), ColumnHead("below −floor"),
    )  # fmt: skip
    caption: Words = (
        f"Centroids of {task}: median of a over the checkpoints, where only the selected parameters move and where all"
        " do; at the end and counts: the first of the two.",
    )
    return Table(f"alignment-{index}", columns, rows, caption, tuple(notes.numbers))


def _row(series: CouplingSeries, floors: dict[int, float], notes: CellNotes) -> tuple[TableCell, ...]:
    rows = {}
    reason = "it was not measured"
    for point in series.points:
        row = point.alignment if isinstance(point.alignment, Undefined) else point.alignment.row
        if isinstance(row, Undefined):
            reason = row.reason
        else:
            rows[point.t] = row
    if not rows:
        return (name(series.source), notes.cell(reason), *[EMPTY] * 4)
    medians = np.median(np.stack(list(rows.values())), axis=0)
    with_floor = [(float(row[0]), ABOVE_FLOOR * floors[t]) for t, row in rows.items() if t in floors]
    return (
        name(series.source),
        *(TableCell(with_sign(float(value))) for value in medians),
        TableCell(with_sign(float(rows[max(rows)][0]))),
        TableCell(f"{sum(a > floor for a, floor in with_floor)} of {len(with_floor)}"),
        TableCell(f"{sum(a < -floor for a, floor in with_floor)} of {len(with_floor)}"),
    )
