"""The table of runs as text: its columns, how they are sorted, and what a filter matches. Knows no widgets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from recorders.byte_size import size_text
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value, plain_reading
from sedscope.runs.text import printable
from sedscope.tui.data.snapshot import SIGNS, STYLES, RunRow
from sedscope.tui.terminal.cell_text import shortened

_LONGEST = 36
"""Characters of a cell: names tend to hold whole command lines, and numbers must stay on the screen."""
_NONE = "–"


def counted_size(size: int | None) -> str:
    """Return a run's size in bytes for people; `…` until its files are counted."""
    return "…" if size is None else size_text(size)


def grok_text(row: RunRow) -> str:
    """Return `825`; of two tasks `add 825  mul –`; of more the range and how many have one; `…` until known."""
    if row.grok is None:
        return "…"
    if len(row.grok) == 1:
        return _number(row.grok[0][1])
    if len(row.grok) == 2:
        return "  ".join(f"{shortened(task, 8)} {_number(t)}" for task, t in row.grok)
    grok_steps = [t for _, t in row.grok if t is not None]
    if not grok_steps:
        return _NONE
    ends = (
        _number(min(grok_steps)) if min(grok_steps) == max(grok_steps) else f"{min(grok_steps):,}–{max(grok_steps):,}"
    )
    return ends if len(grok_steps) == len(row.grok) else f"{ends}, {len(grok_steps)} of {len(row.grok)}"


def _number(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """Return a sorting key that takes numbers inside names as numbers: run-2 before run-10."""
    pieces = re.split("([0-9]+)", text.casefold())
    # Numbers stand at the odd places, between the texts around them.
    return [(False, int(piece), "") if index % 2 else (True, 0, piece) for index, piece in enumerate(pieces) if piece]


def _words(text: str, shown: str | None = None) -> Value:
    return Reading(text, words=shortened(text, _LONGEST) if shown is None else shown) if text else None


def _grok_step(row: RunRow) -> Value:
    least = min((t for _, t in row.grok or () if t is not None), default="")
    return Reading(least, words=grok_text(row))


def _size(row: RunRow) -> Value:
    return None if row.P is None else Reading("" if row.size is None else row.size, words=counted_size(row.size))


COLUMNS: list[ResultColumn[RunRow]] = [
    ResultColumn("run", "Run", "name of the run", lambda row: _words(row.name), ("viewer",), str),
    ResultColumn("state", "State", "state of the recording", lambda row: _words(row.state), ("viewer",), str),
    ResultColumn("tasks", "Tasks", "names of the tasks", lambda row: _words(", ".join(row.tasks)), ("viewer",), str),
    ResultColumn(
        "last_step", "Last step", "last recorded t", lambda row: plain_reading(row.last_t), ("viewer",), int, "steps"
    ),
    ResultColumn("grok_step", "Grok step", "grok step of each task", _grok_step, ("viewer",), int, "steps"),
    ResultColumn("rows", "Rows", "recorded steps", lambda row: plain_reading(row.n_rows), ("viewer",), int),
    ResultColumn(
        "intervention", "Intervention", "what the recording changed about the optimizer's steps",
        lambda row: _words(printable(row.intervention)), ("viewer",), str,
    ),
    ResultColumn("seed", "Seed", "seed of the training", lambda row: _words(row.seed, row.seed), ("viewer",), int),
    ResultColumn("P", "P", "number of selected weights", lambda row: plain_reading(row.P), ("viewer",), int),
    ResultColumn("size", "Size", "size of the run directory", _size, ("viewer",), int, "bytes"),
    ResultColumn(
        "started", "Started", "when the recording began", lambda row: _words(row.created, row.created), ("viewer",), str
    ),
    ResultColumn(
        "remark", "Remark", "what is damaged, and why",
        lambda row: Reading(row.reason, words=shortened(row.reason, 80)), ("viewer",), str,
    ),
]  # fmt: skip
"""Columns of the table; it is sorted by a column's values, and a row without one comes last in both directions."""


def cell_text(column: ResultColumn[RunRow], row: RunRow) -> str:
    """Return what a column says of a run, a dash where it says nothing."""
    value = column.read(row)
    return value.text if isinstance(value, Reading) else _NONE


def _order(column: ResultColumn[RunRow], row: RunRow) -> Any:
    """Return a run's key in the order of a column; None where the column says nothing of it."""
    value = column.read(row)
    key = value.value if isinstance(value, Reading) else ""
    return None if key == "" else _natural(key) if isinstance(key, str) else key


_OPTIONAL = frozenset({"intervention", "remark"})
"""Columns that are left out where no run has anything in them."""
_GIVE_WAY = ("P", "started", "size", "rows", "state", "tasks", "seed")
"""Columns that a narrow table does without, the first ones first; the sign before the name is the state too."""
_READ = 24
"""Cells of a remark that has to be seen."""
_GAP = 2


def shown_columns(rows: Sequence[RunRow]) -> tuple[int, ...]:
    """Return the indices of the columns that say something about these runs."""
    return tuple(
        index
        for index, column in enumerate(COLUMNS)
        if column.name not in _OPTIONAL or any(_order(column, row) is not None for row in rows)
    )


def fitted(indices: Sequence[int], rows: Sequence[RunRow], room: int, sorted_by: int) -> tuple[int, ...]:
    """Return the indices of the columns that fit side by side: the least telling give way first, each as a whole.

    Args:
        indices: Of the columns, in their order.
        rows: Of the table.
        room: Cells for the columns and their gaps.
        sorted_by: Index of the column that the table is sorted by, which stays.
    """
    widths = {index: _width(COLUMNS[index], rows) for index in indices}
    for name in _GIVE_WAY:
        if sum(widths.values()) <= room:
            break
        widths = {index: width for index, width in widths.items() if COLUMNS[index].name != name or index == sorted_by}
    return tuple(widths)


def _width(column: ResultColumn[RunRow], rows: Sequence[RunRow]) -> int:
    """Return a column's cells with a gap: of its header or longest text; a remark is read where it is cut too."""
    longest = max((cell_len(cell_text(column, row)) for row in rows), default=0)
    return max(len(column.title) + 1, min(longest, _READ) if column.name == "remark" else longest) + _GAP


def sign(row: RunRow, marked: bool) -> tuple[str, str]:
    """Return the text and style of the first cell, which shows the mark and the state of a run."""
    return f"{'▶' if marked else ' '}{SIGNS.get(row.state, ' ')}", STYLES.get(row.state, "")


def arranged(rows: Sequence[RunRow], words: str, column: int, backwards: bool) -> list[RunRow]:
    """Return the rows that match, sorted by a column; undefined values last."""
    keyed_rows = [(_order(COLUMNS[column], row), row) for row in rows if matches(row, words)]
    sortable = sorted(
        ((key, row) for key, row in keyed_rows if key is not None),
        key=lambda keyed_row: keyed_row[0],
        reverse=backwards,
    )
    return [row for _, row in sortable] + [row for key, row in keyed_rows if key is None]


def matches(row: RunRow, words: str) -> bool:
    """Return whether every word occurs somewhere in the row's texts."""
    text = " ".join([row.name, row.state, *row.tasks, row.intervention, f"seed={row.seed}", row.created, row.reason])
    return all(word in text.casefold() for word in words.casefold().split())
