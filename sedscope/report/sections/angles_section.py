"""How close the subspaces of two sources are, beside how close one source is to itself on another batch."""

from __future__ import annotations

import numpy as np

from recorders.format import CONTROL_SHUFFLED, DISPLACEMENT, FIXED_GRADIENT, parse_source
from sedscope.analysis.pipeline.results import AngleSeries
from sedscope.analysis.result_view.number_text import signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Cell, Column, Notes, Paragraph, Section, Table, Term, Words
from sedscope.report.sections.cells import name, names_column
from sedscope.report.sections.run_section import Part, not_measured

_MOST = 40
"""Rows of the table; the file of tables holds all."""


def angles_section(part: Part) -> Section:
    """Floors first, then pairs between tasks, then sources of one task."""
    found = [one for one in part.run.angles if (one.window, one.rank) == (part.window, part.rank)]
    if not found:
        return part.section("Angles", "angles", not_measured("Principal angles", "two sources are needed"))
    ordered = sorted(found, key=_importance)
    notes = Notes()
    rows = tuple(_row(one, notes) for one in ordered[:_MOST])
    columns = (
        names_column("source"), Column("and", "left"), Column(Term("angles", "cosine 1")), Column("mean cosine"),
        Column("checkpoints"), Column("flat"),
    )  # fmt: skip
    left_out = len(ordered) - len(rows)
    more = f" {left_out} more pairs are in tables/angles.csv." if left_out else ""
    caption: Words = (
        "Cosines of the ", Term("angles", "principal angles"), " between top-K subspaces, medians over the"
        f" checkpoints.{more}",
    )  # fmt: skip
    blocks: list[Block] = [Table("angles", columns, rows, caption, tuple(notes.reasons))]
    if not any(one.is_floor for one in found):
        blocks.append(Paragraph(("The floor, another fixed batch of the same task, was not measured.",), "aside"))
    return part.section("Angles", "angles", *blocks)


def _importance(series: AngleSeries) -> int:
    """Floors, then fixed gradients of different tasks, then gradient against control and trajectory, then the rest."""
    first, second = parse_source(series.first), parse_source(series.second)
    families = {one.family for one in (first, second) if one is not None}
    if series.is_floor:
        return 0
    if families == {FIXED_GRADIENT}:
        return 1
    if FIXED_GRADIENT in families and families & {CONTROL_SHUFFLED, DISPLACEMENT}:
        return 2
    return 3 if FIXED_GRADIENT in families else 4


def _row(series: AngleSeries, notes: Notes) -> tuple[Cell, ...]:
    known = [(point, point.cosines) for point in series.points if not isinstance(point.cosines, Undefined)]
    second = Cell("itself, another batch") if series.is_floor else name(series.second)
    if not known:
        reasons = [point.cosines.reason for point in series.points if isinstance(point.cosines, Undefined)]
        return (name(series.first), second, notes.cell(reasons[0] if reasons else "there is no checkpoint"),
                Cell(""), Cell("0"), Cell(""))  # fmt: skip
    return (
        name(series.first),
        second,
        Cell(signed(float(np.median([cosines[0] for _, cosines in known])), 2)),
        Cell(signed(float(np.median([cosines.mean() for _, cosines in known])), 2)),
        Cell(str(len(known))),
        Cell(f"{sum(point.flat is not None for point, _ in known)} of {len(known)}"),
    )
