"""Angles between the subspaces of two sources, beside the floor: one source against itself on another batch."""

from __future__ import annotations

import numpy as np

from recorders.row_sources import CONTROL_SHUFFLED, RowSource, row_source
from sedscope.analysis.pipeline.results import AngleSeries
from sedscope.analysis.result_view.number_text import signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import CellNotes, ColumnHead, Content, Paragraph, Section, Table, TableCell, Term, Words
from sedscope.report.sections.cells import name, names_column
from sedscope.report.sections.run_section import RunAtBasis, not_measured

_MOST_ROWS = 40
"""The table holds no more, since every two sources are a pair; the file of tables holds all."""


def angles_section(basis: RunAtBasis) -> Section:
    """Return a table: floors first, then pairs between tasks, then sources of one task."""
    pairs = [each for each in basis.run.angles if (each.window, each.rank) == (basis.window, basis.rank)]
    if not pairs:
        return basis.section("Angles", "angles", not_measured("Principal angles", "two sources are needed"))
    ordered = sorted(pairs, key=_importance)
    notes = CellNotes()
    rows = tuple(_row(series, notes) for series in ordered[:_MOST_ROWS])
    columns = (
        names_column("source"), ColumnHead("and", "left"), ColumnHead(Term("angles", "cosine 1")),
        ColumnHead("mean cosine"), ColumnHead("checkpoints"), ColumnHead("flat"),
    )  # fmt: skip
    left_out = len(ordered) - len(rows)
    more = f" {left_out} more pairs are in tables/angles.csv." if left_out else ""
    caption: Words = (
        "Cosines of the ", Term("angles", "principal angles"), " between top-K subspaces, medians over the"
        f" checkpoints.{more}",
    )  # fmt: skip
    contents: list[Content] = [Table("angles", columns, rows, caption, tuple(notes.numbers))]
    if not any(series.is_floor for series in pairs):
        contents.append(Paragraph(("The floor, another fixed batch of the same task, was not measured.",), "aside"))
    return basis.section("Angles", "angles", *contents)


def _importance(series: AngleSeries) -> int:
    """Return the place of a pair's kind: floors, then fixed gradients, then gradient against others, then the rest."""
    pair = (row_source(series.first), row_source(series.second))
    others = [row for row in pair if row is None or row.is_control or row.derived_from != "program"]
    if series.is_floor:
        return 0
    if len(others) == 2:
        return 4
    return 1 if not others else 2 if others[0] is not None and _is_reference(others[0]) else 3


def _is_reference(row: RowSource) -> bool:
    """Tell whether a gradient is read against this source first: the labels' control, and what the weights did."""
    return row.family == CONTROL_SHUFFLED or row.ends_at_t


def _row(series: AngleSeries, notes: CellNotes) -> tuple[TableCell, ...]:
    measured = [(point, point.cosines) for point in series.points if not isinstance(point.cosines, Undefined)]
    second = TableCell("itself, another batch") if series.is_floor else name(series.second)
    if not measured:
        reasons = [point.cosines.reason for point in series.points if isinstance(point.cosines, Undefined)]
        return (name(series.first), second, notes.cell(reasons[0] if reasons else "there is no checkpoint"),
                TableCell(""), TableCell("0"), TableCell(""))  # fmt: skip
    return (
        name(series.first),
        second,
        TableCell(signed(float(np.median([cosines[0] for _, cosines in measured])), 2)),
        TableCell(signed(float(np.median([cosines.mean() for _, cosines in measured])), 2)),
        TableCell(str(len(measured))),
        TableCell(f"{sum(point.flat is not None for point, _ in measured)} of {len(measured)}"),
    )
