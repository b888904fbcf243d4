"""A heatmap drawn at a size: a matrix in, lines of text and style keys out.

Style keys: heat.L (a level as background), heat.U.L (upper and lower half of a cell), shade (levels as characters),
undefined, bar, and those of the axes; `.lit` under the cell cursor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot import palette
from sedscope.tui.plot.axis.axes import header
from sedscope.tui.plot.axis.scale import Floats, backward, usable_range
from sedscope.tui.plot.axis.ticks import ticks
from sedscope.tui.plot.columns import means
from sedscope.tui.plot.data import Look
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.heatmap.heatmap_data import LEVELS, UNDEFINED, Heatmap, levels
from sedscope.tui.plot.heatmap.heatmap_layout import HeatLayout, arrange_heatmap
from sedscope.tui.terminal.cell_text import Line, Run, ascii_text, cut, fit, plain, width


@dataclass(frozen=True)
class _Cells:
    """The drawn cells of the matrix: r × c means, their levels, and their numbers where these fit."""

    levels: NDArray[np.int8]
    texts: list[list[str]] | None


def draw_heatmap(heatmap: Heatmap, cells: int, rows: int, look: Look, cursor: tuple[int, int] | None) -> list[Line]:
    """Draw the heatmap in `rows` lines of `cells` cells, both at least 1; the cursor's cell is marked."""
    layout = arrange_heatmap(heatmap, cells, rows, look)
    drawn = _reduced(heatmap, layout)
    lines: list[Line] = [header(heatmap.title, heatmap.row_title, "", cells, look)] * layout.header
    for line in range(layout.lines):
        lines.append(_row_line(heatmap, layout, drawn, line, look, cursor))
    lines += [_column_names(heatmap, layout, look, cursor)] * layout.foot
    lines += [_bar(heatmap, cells, look)] * layout.bar + [reading(heatmap, cursor, cells, look)] * layout.reading
    lines += [cut([], cells, "plot")] * (rows - len(lines))
    return [cut(line, cells, "plot") for line in lines[:rows]]


def reading(heatmap: Heatmap, cursor: tuple[int, int] | None, cells: int, look: Look) -> Line:
    """Return the exact value of the cursor's cell, with its names; without a cursor the least and greatest value."""
    ascii_only = look.glyphs == "ascii"
    if cursor is None:
        finite = heatmap.values[np.isfinite(heatmap.values)]
        text = f" min {readable(finite.min())}  max {readable(finite.max())}" if finite.size else " no defined values"
        return cut([(text, "label")], cells, "label")
    row, column = cursor
    names = f" {plain(heatmap.row_name(row))} · {plain(heatmap.column_name(column))}"
    names = ascii_text(names) if ascii_only else names
    value = readable(float(heatmap.values[row, column]), 4)
    names = fit(names, min(width(names), max(cells - len(value) - 2, 0)), ascii_only=ascii_only)
    return cut([(names, "label"), ("  " + value, "value")], cells, "label")


def _reduced(heatmap: Heatmap, layout: HeatLayout) -> _Cells:
    """Average the matrix over the drawn cells (geometric on a log scale); each value has a cell where there is room."""
    placed = heatmap.placed
    unreduced = (len(layout.row_starts) - 1, len(layout.column_starts) - 1) == placed.shape
    if placed.size and not unreduced:
        placed = means(means(placed, layout.row_starts[:-1]), layout.column_starts[:-1], axis=1)
    texts = None
    if unreduced and not layout.halved and placed.size:
        numbers = _numbers(heatmap.values)
        narrowest = int(np.diff(layout.across).min())
        texts = numbers if max(len(text) for row in numbers for text in row) + 2 <= narrowest else None
    return _Cells(levels(placed, heatmap.ends), texts)


def _numbers(values: Floats) -> list[list[str]]:
    """Return the values as text, all with decimals or all without."""
    finite = values[np.isfinite(values)]
    all_integers = bool(np.all(finite == np.round(finite)))
    return [
        [readable(v, plain_integers=all_integers) if np.isfinite(v) else "·" for v in row] for row in values.tolist()
    ]


def _row_line(
    heatmap: Heatmap, layout: HeatLayout, drawn: _Cells, line: int, look: Look, cursor: tuple[int, int] | None
) -> Line:
    """Draw a line of cells, with the name of the row whose middle it is (of two, the cursor's)."""
    lit = None if cursor is None else (layout.drawn_row(cursor[0]), layout.drawn_column(cursor[1]))
    row = line * 2 if layout.halved else int(np.searchsorted(layout.down, line, "right")) - 1
    named = layout.line_of(row) == layout.header + line
    here = lit is not None and lit[0] in ((row, row + 1) if layout.halved else (row,))
    shown = cursor[0] if here and cursor is not None else int(layout.row_starts[row])
    name = plain(heatmap.row_name(shown)) if named else ""
    label = fit(name, layout.left - 1, ascii_only=look.glyphs == "ascii", right=True) + " " if layout.left else ""
    runs: list[Run] = [(label, "chosen" if here and named else "tick")]
    for column in range(drawn.levels.shape[1]):
        size = int(layout.across[column + 1] - layout.across[column])
        marked = lit is not None and here and lit[1] == column
        text = drawn.texts[row][column] if drawn.texts and named else ""
        runs += _cell(drawn, layout, row, column, size, text, look, marked)
    return _joined(runs)


def _cell(
    drawn: _Cells, layout: HeatLayout, row: int, column: int, size: int, text: str, look: Look, lit: bool
) -> list[Run]:
    level = int(drawn.levels[row, column])
    if layout.halved:
        below = int(drawn.levels[row + 1, column]) if row + 1 < drawn.levels.shape[0] else None
        key = f"heat.{_name(level)}.{_name(below)}"
        return [("▀" * size, key)] if not lit else [("◆".center(size), f"{key}.lit")]
    fill, key = _fill(level, look)
    if not text:
        text = "·" if level == UNDEFINED and size < 3 else ""
    body = f" {text} ".center(size, fill) if text and size > len(text) else text or fill * size
    if look.glyphs == "ascii":
        body = body.replace("·", "?")
    return [(_framed(body, look) if lit else body, f"{key}.lit" if lit else key)]


def _name(level: int | None) -> str:
    """Return a half cell's part of the key; below the last row there is nothing."""
    return "x" if level is None else "none" if level == UNDEFINED else str(level)


def _fill(level: int, look: Look) -> tuple[str, str]:
    """Return the character and style key that show a level."""
    if level == UNDEFINED:
        return " ", "undefined"
    if look.colours != "none":
        return " ", f"heat.{level}"
    shades = palette.ASCII_SHADES if look.glyphs == "ascii" else palette.SHADES
    return shades[level * len(shades) // LEVELS], "shade"


def _framed(body: str, look: Look) -> str:
    """Return a cell with the cursor's brackets, or its mark where the cell is too narrow for them."""
    if len(body) >= 3:
        return f"[{body[1:-1]}]"
    return ("X" if look.glyphs == "ascii" else "◆").ljust(len(body))


def _joined(runs: list[Run]) -> Line:
    """Join neighbours of one style: fewer bytes for the terminal."""
    joined: list[Run] = []
    for text, key in runs:
        if joined and joined[-1][1] == key:
            joined[-1] = (joined[-1][0] + text, key)
        else:
            joined.append((text, key))
    return tuple(joined)


def _column_names(heatmap: Heatmap, layout: HeatLayout, look: Look, cursor: tuple[int, int] | None) -> Line:
    """Draw names below their columns, the cursor's first; one that would touch another is left out."""
    taken = np.zeros(layout.width + 1, dtype=bool)
    placed: list[tuple[int, str, str]] = []
    order = [layout.drawn_column(cursor[1])] if cursor is not None else []
    for column in [*order, *(c for c in _named_columns(heatmap, layout) if c not in order)]:
        low, high = int(layout.across[column]), int(layout.across[column + 1])
        exact = cursor[1] if cursor is not None and column in order else int(layout.column_starts[column])
        name = plain(heatmap.column_name(exact))
        room = max(high - low - 1, 12 if high - low < 6 else 1)
        name = fit(name, min(width(name), room, layout.width), ascii_only=look.glyphs == "ascii")
        start = layout.left + (low + high - width(name)) // 2
        start = max(0, min(start, layout.width - width(name)))
        if name and not taken[max(start - 1, 0) : start + width(name) + 1].any():
            taken[start : start + width(name)] = True
            placed.append((start, name, "chosen" if column in order else "tick"))
    runs: list[Run] = []
    used = 0
    for start, name, key in sorted(placed):
        runs += [(" " * (start - used), "tick"), (name, key)]
        used = start + width(name)
    return cut(runs, layout.width, "tick")


def _named_columns(heatmap: Heatmap, layout: HeatLayout) -> list[int]:
    """Return the drawn columns worth a name: all, or of narrow columns of steps those nearest to round ones."""
    drawn = len(layout.across) - 1
    if heatmap.columns or heatmap.x is None or not drawn or layout.across[-1] >= 6 * drawn:
        return list(range(drawn))
    x = heatmap.x[layout.column_starts[:-1]]
    round_ticks = ticks(
        usable_range(float(x[0]), float(x[-1]), "linear"), "linear", max(int(layout.across[-1]) // 10, 2)
    )
    return sorted({int(np.argmin(np.abs(x / 2 - tick.at / 2))) for tick in round_ticks})


def _bar(heatmap: Heatmap, cells: int, look: Look) -> Line:
    """Draw the levels from low to high between the values at their ends."""
    if heatmap.ends is None:
        return cut([(" all values are undefined", "label")], cells, "label")
    low, high = (readable(backward(end, heatmap.scale)) for end in heatmap.ends)
    note = "" if heatmap.low is not None and heatmap.high is not None else "  2nd–98th percentile"
    note += ", log" if heatmap.scale == "log" and note else "  log" if heatmap.scale == "log" else ""
    if cells >= 2 * LEVELS + 20:
        swatches = [_fill(level, look) for level in range(LEVELS) for _ in range(2)]
    else:
        swatches = [_fill(level, look) for level in range(LEVELS)]
    note = ascii_text(note) if look.glyphs == "ascii" else note
    if cells < len(swatches) + len(low) + len(high) + 3:
        return cut([(f" {low} to {high}", "label")], cells, "label")
    named = width(note) + len(swatches) + len(low) + len(high) + 3 <= cells
    return cut(
        _joined([(f" {low} ", "tick"), *swatches, (f" {high}", "tick"), (note if named else "", "label")]),
        cells,
        "label",
    )
