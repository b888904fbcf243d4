"""From the gradient to the displacement: what each stage of the optimizer leaves of the coupling."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.pipeline.results import Stage, StageTable
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Cell, Column, Notes, Paragraph, Section, Strong, Table, Term, Words
from sedscope.report.sections.cells import number
from sedscope.report.sections.run_section import Part, not_measured


def stages_section(part: Part) -> Section:
    """One table and one sentence per task."""
    tables = [one for one in part.run.stages if (one.window, one.rank) == (part.window, part.rank)]
    if not tables:
        reason = "fewer than two stages have a coupling"
        return part.section("Stages of the optimizer", "stages", not_measured("Where coupling is lost", reason))
    blocks: list[Block] = []
    for place, table in enumerate(tables):
        blocks += [Paragraph(sentence(table)), _table(table, place)]
    return part.section("Stages of the optimizer", "stages", *blocks)


def sentence(table: StageTable) -> Words:
    """Where most is lost, by either measure."""
    subject: Words = ("Centroids of ", Strong(table.task), ": ")
    if isinstance(table.loses_most, Undefined):
        return (*subject, f"where most coupling is lost is not known ({table.loses_most.reason}).")
    words = (*subject, "most coupling is lost at ", Strong(_named(table, table.loses_most)),
             f", {_factor(table, table.loses_most, matched=False)}")  # fmt: skip
    matched = table.loses_most_matched
    if isinstance(matched, Undefined):
        return (*words, f"; by R^matched it is not known ({matched.reason}).")
    if matched == table.loses_most:
        return (*words, f"; by R^matched as well, {_factor(table, matched, matched=True)}.")
    return (*words, "; by R^matched at ", Strong(_named(table, matched)),
            f", {_factor(table, matched, matched=True)}.")  # fmt: skip


def _named(table: StageTable, source: str) -> str:
    return next(stage.name for stage in table.stages if stage.source == source)


def _factor(table: StageTable, source: str, *, matched: bool) -> str:
    stage = next(stage for stage in table.stages if stage.source == source)
    factor = stage.matched_factor if matched else stage.factor
    return "by an unknown factor" if isinstance(factor, Undefined) else f"to {signed(factor, 2)} of the stage before"


def _table(table: StageTable, place: int) -> Table:
    notes = Notes()
    columns = (
        Column(Term("stages", "stage"), "left"), Column("R̄_k"), Column("factor"),
        Column(Term("R_matched", "R^matched")), Column("factor"), Column(Term("participation", "flat")),
    )  # fmt: skip
    rows = tuple(_row(stage, len(table.steps), notes) for stage in table.stages)
    steps = ", ".join(count(t) for t in table.steps[:6]) + (", …" if len(table.steps) > 6 else "")
    same = "".join(f" “{missing}” is “{there}” here." for missing, there in table.merged)
    caption: Words = (
        f"Geometric means over {len(table.steps)} checkpoints at which every stage has a full window (t = {steps})."
        f" Factor: over the stage before.{same}",
    )
    return Table(f"stages-{place}", columns, rows, caption, tuple(notes.reasons))


def _row(stage: Stage, n_steps: int, notes: Notes) -> tuple[Cell, ...]:
    return (
        Cell(stage.name, detail=stage.source),
        number(_geometric(stage.rbar), notes),
        _factor_cell(stage.factor, notes),
        number(_geometric(stage.matched), notes),
        _factor_cell(stage.matched_factor, notes),
        Cell(f"{stage.flat} of {n_steps}"),
    )


def _geometric(values: np.ndarray | Undefined) -> float | Undefined:
    if isinstance(values, Undefined):
        return values
    if len(values) == 0:
        return Undefined("at no checkpoint has every stage a full window")
    if np.any(values <= 0.0):
        return Undefined("a stage does not couple at all")
    return float(np.exp(np.mean(np.log(values))))


def _factor_cell(value: float | Undefined, notes: Notes) -> Cell:
    """The first stage has none before it: nothing stands there, for there is nothing to explain."""
    if isinstance(value, Undefined):
        return Cell("") if "none before it" in value.reason else notes.cell(value.reason)
    return Cell(f"× {signed(value, 2)}")
