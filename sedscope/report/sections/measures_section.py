"""The other ratios beside R̄_k: R^logit and R^matched, and where the top-K subspace is arbitrary."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.result_view.columns import CHECKPOINTS
from sedscope.analysis.result_view.number_text import between, count
from sedscope.analysis.result_view.result_column import ResultColumn, Value, columns_for
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import CellNotes, ColumnHead, Content, Section, Table, TableCell, Words
from sedscope.report.sections.cells import heads, name, names_column, value_cell
from sedscope.report.sections.run_section import RunAtBasis, not_measured
from sedscope.report.series_lookup import n_flat


def measures_section(basis: RunAtBasis) -> Section:
    """Return one table per task: every ratio at the end."""
    tables: list[Content] = [_table(basis, task, index) for index, task in enumerate(basis.run.tasks)]
    if not basis.series:
        tables = [not_measured("R^logit and R^matched", "there is no coupling")]
    return basis.section("R^logit and R^matched", "measures", *tables)


def _table(basis: RunAtBasis, task: str, index: int) -> Table:
    notes = CellNotes()
    columns = columns_for("page", CHECKPOINTS)
    ratios = [column for column in columns if column.has_interval]
    others = [column for column in columns if not column.has_interval]
    rows = tuple(_row(series, ratios, others, notes) for series in basis.series if series.task == task)
    table_heads = (
        names_column("source"), *heads(ratios), ColumnHead("draws"), *heads(others), ColumnHead("flat"),
    )  # fmt: skip
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint. Draws: R̄_k of each draw of a control or fixed batch, least and"
        " largest. Flat: at how many checkpoints with full windows the top K is arbitrary.",
    )
    return Table(f"measures-{index}", table_heads, rows, caption, tuple(notes.numbers), notes.marks())


Columns = Sequence[ResultColumn[CheckpointCoupling]]


def _row(series: CouplingSeries, ratios: Columns, others: Columns, notes: CellNotes) -> tuple[TableCell, ...]:
    flat, n = n_flat(series)
    return (
        name(series.source),
        *(value_cell(_final(series, column), notes) for column in ratios),
        _draws(series),
        *(value_cell(_final(series, column), notes) for column in others),
        TableCell(f"{count(flat)} of {count(n)}"),
    )


def _final(series: CouplingSeries, column: ResultColumn[CheckpointCoupling]) -> Value:
    point = series.at(series.final)
    return point if isinstance(point, Undefined) else column.read(point)


def _draws(series: CouplingSeries) -> TableCell:
    point = series.at(series.final)
    if isinstance(point, Undefined) or point.spread is None:
        return TableCell("")
    n = sum(value is not None for value in point.spread.rbar)
    return TableCell(between((point.spread.low, point.spread.high)), detail=f"n = {n}")
