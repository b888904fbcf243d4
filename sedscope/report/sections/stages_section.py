"""The walk from the gradient to the displacement: what each stage of the optimizer leaves of the coupling."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.pipeline.results import Stage, StageTable
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import (
    CellNotes,
    ColumnHead,
    Content,
    Paragraph,
    Section,
    Strong,
    Table,
    TableCell,
    Term,
    Words,
)
from sedscope.report.sections.cells import number
from sedscope.report.sections.run_section import RunAtBasis, not_measured


def stages_section(basis: RunAtBasis) -> Section:
    """Return one table and one sentence per task."""
    tables = [each for each in basis.run.stages if (each.window, each.rank) == (basis.window, basis.rank)]
    if not tables:
        reason = "fewer than two stages have a coupling"
        return basis.section("Stages of the optimizer", "stages", not_measured("Where coupling is lost", reason))
    contents: list[Content] = []
    for index, table in enumerate(tables):
        contents += [Paragraph(sentence(table)), _table(table, index)]
    return basis.section("Stages of the optimizer", "stages", *contents)


def sentence(table: StageTable) -> Words:
    """Say where most coupling is lost, by R̄_k and by R^matched."""
    subject: Words = ("Centroids of ", Strong(table.task), ": ")
    if isinstance(table.loses_most, Undefined):
        return (*subject, f"where most coupling is lost is not known ({table.loses_most.reason}).")
    words = (*subject, "most coupling is lost at ", Strong(_stage_name(table, table.loses_most)),
             f", {_factor(table, table.loses_most, matched=False)}")  # fmt: skip
    matched = table.loses_most_matched
    if isinstance(matched, Undefined):
        return (*words, f"; by R^matched it is not known ({matched.reason}).")
    if matched == table.loses_most:
        return (*words, f"; by R^matched as well, {_factor(table, matched, matched=True)}.")
    return (*words, "; by R^matched at ", Strong(_stage_name(table, matched)),
            f", {_factor(table, matched, matched=True)}.")  # fmt: skip


def _stage_name(table: StageTable, source: str) -> str:
    return next(stage.name for stage in table.stages if stage.source == source)


def _factor(table: StageTable, source: str, *, matched: bool) -> str:
    stage = next(stage for stage in table.stages if stage.source == source)
    factor = stage.matched_factor if matched else stage.factor
    return "by an unknown factor" if isinstance(factor, Undefined) else f"to {signed(factor, 2)} of the stage before"


def _table(table: StageTable, index: int) -> Table:
    notes = CellNotes()
    columns = (
        ColumnHead(Term("stages", "stage"), "left"), ColumnHead("R̄_k"), ColumnHead("factor"),
        ColumnHead(Term("R_matched", "R^matched")), ColumnHead("factor"), ColumnHead(Term("participation", "flat")),
    )  # fmt: skip
    rows = tuple(_row(stage, len(table.steps), notes) for stage in table.stages)
    steps = ", ".join(count(t) for t in table.steps[:6]) + (", …" if len(table.steps) > 6 else "")
    same = "".join(f" “{missing}” is “{there}” here." for missing, there in table.merged)
    caption: Words = (
        f"Geometric means over {len(table.steps)} checkpoints at which every stage has a full window (t = {steps})."
        f" Factor: over the stage before.{same}",
    )
    return Table(f"stages-{index}", columns, rows, caption, tuple(notes.numbers))


def _row(stage: Stage, n_steps: int, notes: CellNotes) -> tuple[TableCell, ...]:
    return (
        TableCell(stage.name, detail=stage.source),
        number(_geometric(stage.rbar), notes),
        _factor_cell(stage.factor, notes),
        number(_geometric(stage.matched), notes),
        _factor_cell(stage.matched_factor, notes),
        TableCell(f"{stage.flat} of {n_steps}"),
    )


def _geometric(values: np.ndarray | Undefined) -> float | Undefined:
    if isinstance(values, Undefined):
        return values
    if len(values) == 0:
        return Undefined("at no checkpoint has every stage a full window")
    if np.any(values <= 0.0):
        return Undefined("a stage does not couple at all")
    return float(np.exp(np.mean(np.log(values))))


def _factor_cell(value: float | Undefined, notes: CellNotes) -> TableCell:
    """Return the cell of a factor; it is empty at the first stage, where there is nothing to explain."""
    if isinstance(value, Undefined):
        return TableCell("") if "none before it" in value.reason else notes.cell(value.reason)
    return TableCell(f"× {signed(value, 2)}")
