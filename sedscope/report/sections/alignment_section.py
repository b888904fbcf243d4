"""The signed measure: do the directions move the centroids the way the training moved them next."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.alignment_floor import ABOVE_FLOOR, alignment_floors
from sedscope.report.document import Block, Cell, Column, Figure, Name, Notes, Section, Table, Term, Words
from sedscope.report.finding.phrases import with_sign
from sedscope.report.plots.alignment_figure import alignment_figure
from sedscope.report.sections.cells import EMPTY, name, names_column
from sedscope.report.sections.run_section import Part, figure, not_measured, side_by_side


def alignment_section(part: Part) -> Section:
    """Figure and table of every task."""
    if not part.series:
        return part.section("Alignment", "alignment", not_measured("Alignment", "there is no coupling"))
    figures, tables = [], []
    for place, task in enumerate(part.run.tasks):
        figures.append(_figure(part, task, place))
        tables.append(_table(part, task, place))
    blocks: list[Block | None] = [side_by_side(*figures), *tables]
    return part.section("Alignment", "alignment", *blocks)


def _figure(part: Part, task: str, place: int) -> Figure | None:
    anchor = f"{part.anchor}-w{part.window}k{part.rank}-alignment-{place}"
    own = [one for one in part.series if one.task == task]
    svg = alignment_figure(own, alignment_floors(part.run, task), anchor)
    alt = f"Signed alignment of the sources with what the training did next to the centroids of {task}."
    caption: Words = (
        Term("alignment", "Alignment"), " of each row with the next movement of the centroids of ", Name(task),
        f"; grey: ±{ABOVE_FLOOR:g} × the root mean square of random directions.",
    )  # fmt: skip
    return figure(svg, anchor, alt, caption)


def _table(part: Part, task: str, place: int) -> Table:
    notes = Notes()
    floors = alignment_floors(part.run, task)
    rows = tuple(_row(one, floors, notes) for one in part.series if one.task == task)
    columns = (
        names_column("source"), Column("selected move"), Column("all move"), Column("at the end"),
        Column("above floor"), Column("below −floor"),
    )  # fmt: skip
    caption: Words = (
        f"Centroids of {task}: median of a over the checkpoints, where only the selected parameters move and where all"
        " do; at the end and counts: the first of the two.",
    )
    return Table(f"alignment-{place}", columns, rows, caption, tuple(notes.reasons))


def _row(series: CouplingSeries, floors: dict[int, float], notes: Notes) -> tuple[Cell, ...]:
    known = {}
    reason = "it was not measured"
    for point in series.points:
        found = point.alignment
        row = found if isinstance(found, Undefined) else found.row
        if isinstance(row, Undefined):
            reason = row.reason
        else:
            known[point.t] = row
    if not known:
        return (name(series.source), notes.cell(reason), *[EMPTY] * 4)
    middle = np.median(np.stack(list(known.values())), axis=0)
    counted = [(float(row[0]), ABOVE_FLOOR * floors[t]) for t, row in known.items() if t in floors]
    return (
        name(series.source),
        *(Cell(with_sign(float(value))) for value in middle),
        Cell(with_sign(float(known[max(known)][0]))),
        Cell(f"{sum(a > floor for a, floor in counted)} of {len(counted)}"),
        Cell(f"{sum(a < -floor for a, floor in counted)} of {len(counted)}"),
    )
