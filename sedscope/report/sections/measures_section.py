"""The other ratios beside R̄_k: R^logit and R^matched, and where the top-K subspace is arbitrary."""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.number_text import between, count
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Cell, Column, Notes, Section, Table, Term, Words
from sedscope.report.sections.cells import moment, name, names_column, number
from sedscope.report.sections.run_section import Part, not_measured
from sedscope.report.select import KINDS, n_flat


def measures_section(part: Part) -> Section:
    """One table per task: every ratio at the end."""
    blocks: list[Block] = [_table(part, task, place) for place, task in enumerate(part.run.tasks)]
    if not part.series:
        blocks = [not_measured("R^logit and R^matched", "there is no coupling")]
    return part.section("R^logit and R^matched", "measures", *blocks)


def _table(part: Part, task: str, place: int) -> Table:
    notes = Notes()
    rows = tuple(_row(one, notes) for one in part.series if one.task == task)
    columns = (
        names_column("source"), Column(Term("R", "R̄_k")), Column(Term("R_logit", "R^logit")),
        Column(Term("R_matched", "R^matched")), Column("draws"), Column(Term("participation", "participation")),
        Column("flat"),
    )  # fmt: skip
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint. Draws: R̄_k of each draw of a control or fixed batch, least and"
        " largest. Flat: at how many checkpoints with full windows the top K is arbitrary.",
    )
    return Table(f"measures-{place}", columns, rows, caption, tuple(notes.reasons), notes.marks())


def _row(series: CouplingSeries, notes: Notes) -> tuple[Cell, ...]:
    point = series.at(series.final)
    flat, n = n_flat(series)
    participation = Undefined("there is no final checkpoint") if point is None else point.participation
    if isinstance(series.final, Undefined):
        participation = series.final
    return (
        name(series.source),
        *(moment(series, "final", notes, kind) for kind in KINDS),
        _draws(series),
        number(participation, notes),
        Cell(f"{count(flat)} of {count(n)}"),
    )


def _draws(series: CouplingSeries) -> Cell:
    point = series.at(series.final)
    if point is None or point.spread is None:
        return Cell("")
    n = sum(value is not None for value in point.spread.rbar)
    return Cell(between((point.spread.low, point.spread.high)), detail=f"n = {n}")
