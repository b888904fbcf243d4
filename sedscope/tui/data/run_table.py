"""The table of runs as text: its columns, how they are sorted, and what a filter matches. Knows no widgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from recorders.byte_size import size_text
from sedscope.runs.text import printable
from sedscope.tui.data.snapshot import SIGNS, STYLES, RunRow
from sedscope.tui.terminal.cell_text import shortened

_LONGEST = 36
"""Characters of a cell: names tend to hold whole command lines, and numbers must stay on the screen."""
_NONE = "–"


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One column of the table."""

    name: str
    text: Callable[[RunRow], str]
    order: Callable[[RunRow], Any]
    """Key of a row when the table is sorted by the column; None comes last in both directions."""
    right: bool = False


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


def _least_grok(row: RunRow) -> int | None:
    return min((t for _, t in row.grok or () if t is not None), default=None)


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """Return a sorting key that takes numbers inside names as numbers: run-2 before run-10."""
    pieces = re.split("([0-9]+)", text.casefold())
    # Numbers stand at the odd places, between the texts around them.
    return [(False, int(piece), "") if index % 2 else (True, 0, piece) for index, piece in enumerate(pieces) if piece]


COLUMNS = (
    RunColumn("Run", lambda row: shortened(row.name, _LONGEST), lambda row: _natural(row.name)),
    RunColumn("State", lambda row: row.state, lambda row: row.state),
    RunColumn("Tasks", lambda row: shortened(", ".join(row.tasks), _LONGEST) or _NONE, lambda row: row.tasks or None),
    RunColumn("Last step", lambda row: _number(row.last_t), lambda row: row.last_t, right=True),
    RunColumn("Grok step", grok_text, _least_grok, right=True),
    RunColumn("Rows", lambda row: _number(row.n_rows), lambda row: row.n_rows, right=True),
    RunColumn(
        "Intervention",
        lambda row: shortened(printable(row.intervention), _LONGEST) or _NONE,
        lambda row: row.intervention or None,
    ),
    RunColumn("Seed", lambda row: row.seed or _NONE, lambda row: _natural(row.seed) if row.seed else None, right=True),
    RunColumn("P", lambda row: _number(row.P), lambda row: row.P, right=True),
    RunColumn(
        "Size", lambda row: counted_size(row.size) if row.P is not None else _NONE, lambda row: row.size, right=True
    ),
    RunColumn("Started", lambda row: row.created or _NONE, lambda row: row.created or None),
    RunColumn("Remark", lambda row: shortened(row.reason, 80), lambda row: row.reason or None),
)


_OPTIONAL = frozenset({"Intervention", "Remark"})
"""Columns that are left out where no run has anything in them."""
_GIVE_WAY = ("P", "Started", "Size", "Rows", "State", "Tasks", "Seed")
"""Columns that a narrow table does without, the first ones first; the sign before the name is the state too."""
_READ = 24
"""Cells of a remark that has to be seen."""
_GAP = 2


def shown_columns(rows: Sequence[RunRow]) -> tuple[int, ...]:
    """Return the indices of the columns that say something about these runs."""
    return tuple(
        index
        for index, column in enumerate(COLUMNS)
        if column.name not in _OPTIONAL or any(column.order(row) is not None for row in rows)
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


def _width(column: RunColumn, rows: Sequence[RunRow]) -> int:
    """Return a column's cells with a gap: of its header or longest text; a remark is read where it is cut too."""
    longest = max((cell_len(column.text(row)) for row in rows), default=0)
    return max(len(column.name) + 1, min(longest, _READ) if column.name == "Remark" else longest) + _GAP


def sign(row: RunRow, marked: bool) -> tuple[str, str]:
    """Return the text and style of the first cell, which shows the mark and the state of a run."""
    return f"{'▶' if marked else ' '}{SIGNS.get(row.state, ' ')}", STYLES.get(row.state, "")


def arranged(rows: Sequence[RunRow], words: str, column: int, backwards: bool) -> list[RunRow]:
    """Return the rows that match, sorted by a column; undefined values last."""
    order = COLUMNS[column].order
    keyed_rows = [(order(row), row) for row in rows if matches(row, words)]
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
