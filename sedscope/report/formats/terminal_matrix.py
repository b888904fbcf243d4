"""The source × task matrix of the result, as wide as the console allows.

Decides which cells stand side by side. Leaves to others: what labels a row, and what a cell holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.columns import SOURCES
from sedscope.analysis.result_view.result_column import ResultColumn, columns_for
from sedscope.analysis.result_view.run_view import SourceMatrix
from sedscope.report.formats.terminal_cells import TerminalNotes, frame

_CELL_WIDTH = 14
"""`92.1 80–101 ~` and a space."""

Columns = Sequence[ResultColumn[CouplingSeries]]


def matrix_tables(matrix: SourceMatrix, width: int, notes: TerminalNotes) -> Iterator[Table]:
    """Yield the matrix, cut into as many tables as the width asks for.

    Args:
        matrix: Of one W and K.
        width: Of the console, in characters.
        notes: Where reasons are gathered.
    """
    measured = [column for column in columns_for("terminal", SOURCES) if column.has_interval]
    tasks = matrix.tasks
    room = width - max((len(label) for label in matrix.labels), default=0) - 4
    fits = len(tasks) * len(measured) * _CELL_WIDTH <= room
    longest_title = max(len(column.title) for column in measured)
    most = len(tasks) if fits else max(1, (room - longest_title - 2) // _CELL_WIDTH)
    per_table = _even(len(tasks), most)
    for first in range(0, len(tasks), per_table):
        shown = tasks[first : first + per_table]
        yield _side_by_side(matrix, shown, notes) if fits else _stacked(matrix, shown, measured, notes)


def _even(n_tasks: int, most: int) -> int:
    """Return the tasks per table, at most `most`, such that the tables are as equal as they can be."""
    tables = -(-n_tasks // most)
    return -(-n_tasks // max(1, tables))


def _side_by_side(matrix: SourceMatrix, tasks: Sequence[str], notes: TerminalNotes) -> Table:
    """Return all columns of a task beside one another; those without interval where there is one task alone."""
    columns = [column for column in columns_for("terminal", SOURCES) if column.has_interval or len(tasks) == 1]
    table = frame()
    table.add_column("source", no_wrap=True)
    for task in tasks:
        for column in columns:
            title = column.title if len(tasks) == 1 else f"{task} {column.title}"
            width, justify = (_CELL_WIDTH - 2, "left") if column.has_interval else (None, "right")
            table.add_column(Text(title), no_wrap=True, min_width=width, justify=justify)  # type: ignore[arg-type]
    for label in matrix.labels:
        table.add_row(Text(label), *(_cell(matrix, label, task, each, notes) for task in tasks for each in columns))
    return table


def _stacked(matrix: SourceMatrix, tasks: Sequence[str], columns: Columns, notes: TerminalNotes) -> Table:
    """Return the columns of a task above one another."""
    table = frame()
    table.add_column("source", no_wrap=True)
    table.add_column("")
    for task in tasks:
        table.add_column(Text(task), no_wrap=True, min_width=_CELL_WIDTH - 2, overflow="ellipsis")
    for label in matrix.labels:
        for column in columns:
            cells = [_cell(matrix, label, task, column, notes) for task in tasks]
            table.add_row(Text(label if column is columns[0] else ""), Text(column.title, style="dim"), *cells)
    return table


def _cell(
    matrix: SourceMatrix, label: str, task: str, column: ResultColumn[CouplingSeries], notes: TerminalNotes
) -> Text:
    style = "bold" if column.has_interval else "dim"
    return notes.cell(matrix.value(label, task, column), empty="", style=style)
