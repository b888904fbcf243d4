"""The legend as text: letter, swatch, label and the value at the cursor of each series.

One column where the height allows, else several side by side; what has no room is counted, not dropped in silence. In a
narrow entry the interval goes first, then the swatch (the letter has its colour), then the end of a reason why a value
is undefined, and only then is the label cut.
"""

from __future__ import annotations

from sedscope.tui.plot import palette
from sedscope.tui.plot.data import Chart, Look, View
from sedscope.tui.plot.readings import value_text
from sedscope.tui.terminal.cell_text import Line, Run, ascii_text, cut, fit, plain, shortened, width

_LEAST_COLUMN = 16
_GAP = 2
_UNDEFINED = "undefined"


def legend(chart: Chart, view: View, cursor: float | None, cells: int, rows: int, look: Look) -> tuple[Line, ...]:
    """Draw `rows` lines of exactly `cells` cells."""
    slots, across = _slots(len(chart.series), cells, rows)
    shown = len(chart.series) if len(chart.series) <= slots else slots - 1
    room = cells // across
    entries = [_entry(chart, view, i, cursor, room - (_GAP if across > 1 else 0), look) for i in range(shown)]
    if shown < len(chart.series):
        entries.append(((f"+ {len(chart.series) - shown} more", "label"),))
    lines: list[Line] = []
    for row in range(rows):
        row_entries = [entries[i] for i in range(row, len(entries), rows)][:across]
        lines.append(cut([run for entry in row_entries for run in cut(entry, room, "label")], cells, "label"))
    return tuple(lines)


def _slots(count: int, cells: int, rows: int) -> tuple[int, int]:
    """Return how many entries have room, and how many stand side by side."""
    wished = -(-count // rows) if count else 1
    across = max(1, min(wished, cells // _LEAST_COLUMN))
    return across * rows, across


def _entry(chart: Chart, view: View, index: int, cursor: float | None, cells: int, look: Look) -> Line:
    series, colour = chart.series[index], chart.colour(index)
    hue = palette.hue(colour)
    ascii_only = look.glyphs == "ascii"
    aside = view.picked is not None and view.picked != index
    label = ascii_text(plain(series.label)) if ascii_only else plain(series.label)
    value = plain(value_text(series, cursor))
    value = ascii_text(value) if ascii_only else value
    lead, swatch = f"{palette.letter(colour)} ", ("-" if ascii_only else "━") * 2 + " "
    room = cells - width(lead) - width(label) - (1 if value else 0)
    if value and width(value) + width(swatch) > room:
        value = value.split(" [")[0]
    if width(value) + width(swatch) > room:
        swatch = ""
    if value.startswith(_UNDEFINED) and width(value) > room:
        value = fit(value, max(room, len(_UNDEFINED)), ascii_only=ascii_only)
    space = max(cells - width(lead) - width(swatch) - (width(value) + 1 if value else 0), 0)
    runs: list[Run] = [
        (lead, f"{'faint' if aside else 'letter'}.{hue}"),
        (swatch, f"{'faint' if aside else 'series'}.{hue}"),
        (
            fit(shortened(label, space, ascii_only=ascii_only), space),
            "aside" if aside else "chosen" if view.picked == index else "name",
        ),
    ]
    if value:
        runs.append((" " + value, "aside" if aside else "value"))
    return cut(runs, cells, "label")


def entry_at(count: int, cells: int, rows: int, x: int, y: int) -> int | None:
    """Return the series whose entry is at a column and a line, None beside the entries."""
    slots, across = _slots(count, cells, rows)
    shown = count if count <= slots else slots - 1
    index = min(x // max(cells // across, 1), across - 1) * rows + y
    return index if 0 <= index < shown else None
