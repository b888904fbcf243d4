"""The lines around the plot area: title, labels of y, the x axis with its labels, and the summary line."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.tui.plot import palette, readings
from sedscope.tui.plot.axis.frame import Layout
from sedscope.tui.plot.axis.scale import AxisRange
from sedscope.tui.plot.axis.ticks import Tick
from sedscope.tui.plot.data import Chart, Look, View
from sedscope.tui.plot.figures import position_text, readable
from sedscope.tui.terminal.cell_text import Line, Run, ascii_text, cut, fit, plain, width


def glyphs(look: Look) -> dict[str, str]:
    """Return characters of the axes."""
    if look.glyphs == "ascii":
        return {
            "wall": "|",
            "notch": "+",
            "corner": "+",
            "floor": "-",
            "mark": "+",
            "dot": "-",
            "cross": "|",
            "times": "x",
        }
    return {"wall": "│", "notch": "┤", "corner": "└", "floor": "─", "mark": "┬", "dot": "·", "cross": "│", "times": "×"}


def header(title: str, unit: str, notes: str, cells: int, look: Look) -> Line:
    """Return the title and unit on the left, what the plot cannot show on the right."""
    ascii_only = look.glyphs == "ascii"
    title, unit = plain(title), plain(unit)
    notes = ascii_text(notes) if ascii_only else notes
    room = cells - (width(notes) + 2 if notes else 0)
    if room < min(10, width(title or unit) + 1):
        notes, room = "", cells
    gap = "  " if title and unit else ""
    if title and width(title + gap + unit) >= room:
        unit = ""
    left = cut(_safe([(" " + title, "title"), (gap + unit, "label")], ascii_only), room)
    return cut([*left, (f"  {notes}" if notes else "", "note")], cells)


def _safe(runs: list[Run], ascii_only: bool) -> list[Run]:
    return [(ascii_text(text) if ascii_only else text, key) for text, key in runs if text]


def gutter(ticks: Sequence[Tick], y: AxisRange, layout: Layout, look: Look) -> list[Line]:
    """Return the left part of each plot row: the label of the tick that lies in it, and the axis line."""
    if layout.left == 0:
        return [()] * layout.plot_height
    marks = glyphs(look)
    labels = {row_of(tick, y, layout): tick.label for tick in ticks}
    room = layout.left - 2
    return [
        (
            (fit(labels.get(row, ""), room, right=True) + " ", "tick"),
            (marks["notch"] if row in labels else marks["wall"], "axis"),
        )
        for row in range(layout.plot_height)
    ]


def row_of(tick: Tick, y: AxisRange, layout: Layout) -> int:
    """Return the plot row in which a tick of y lies."""
    rows = layout.plot_height * 4
    return int((1 - float(y.fractions(tick.at))) * (rows - 1) + 0.5) // 4


def floor(ticks: Sequence[Tick], x: AxisRange, chart: Chart, layout: Layout, look: Look) -> list[Line]:
    """Return the x axis: its line with a mark at each labelled tick, and the labels below, the axis's own name last."""
    marks = glyphs(look)
    name = plain(chart.x.label)
    name = ascii_text(name) if look.glyphs == "ascii" else name
    name = name if width(name) <= layout.width // 3 else ""
    end = layout.width - (width(name) + 2 if name else 0)
    placed = _placed([(layout.left + column_of(tick, x, layout), tick.label) for tick in ticks], end, layout.width)
    line = [" "] * max(layout.left - 1, 0) + [marks["corner"]] * min(layout.left, 1)
    line += [marks["floor"]] * layout.plot_width + [" "] * layout.right
    for column, _, _ in placed:
        line[column] = marks["mark"]
    runs: list[Run] = []
    used = 0
    for _, start, label in placed:
        runs.append((" " * (start - used) + label, "tick"))
        used = start + len(label)
    runs += [(" " * (layout.width - width(name) - used), "tick"), (name, "label")]
    return [(("".join(line), "axis"),), cut(runs, layout.width, "tick")]


def _placed(wished: list[tuple[int, str]], end: int, cells: int) -> list[tuple[int, int, str]]:
    """Return (column, start of label, label), centred; a label that would touch another or reach `end` is left out."""
    placed: list[tuple[int, int, str]] = []
    used = -1
    for column, label in sorted(wished):
        start = max(0, min(column - len(label) // 2, cells - len(label)))
        if start > used and start + len(label) <= end:
            placed.append((column, start, label))
            used = start + len(label)
    return placed


def column_of(tick: Tick, x: AxisRange, layout: Layout) -> int:
    """Return the plot column in which a tick of x lies."""
    dots = layout.plot_width * 2
    return int(float(x.fractions(tick.at)) * (dots - 1) + 0.5) // 2


def summary(chart: Chart, view: View, cursor: float | None, cells: int, look: Look) -> Line:
    """Return min, max and their ratio in a line of `cells` cells: over the series at the cursor, else over the view."""
    extremes = readings.in_view(chart, view) if cursor is None else readings.at_cursor(chart, cursor)
    name = plain(chart.x.label) or "x"
    where = "in view" if cursor is None else f"{name} {position_text(cursor)}"
    parts: list[list[Run]] = [[(f" {where}", "value")]]
    if extremes is None:
        parts.append([("  no defined values", "label")])
    else:
        ends = (("min", extremes.least, extremes.least_of), ("max", extremes.greatest, extremes.greatest_of))
        parts += [[(f"  {word} ", "label"), (readable(v), "value"), *_owner(chart, of)] for word, v, of in ends]
        parts.append([("  ratio ", "label"), (extremes.ratio, "value")])
    return cut(_safe(_whole_parts(parts, cells), look.glyphs == "ascii"), cells, "label")


def _whole_parts(phrases: list[list[Run]], cells: int) -> list[Run]:
    """Return the first parts that fit whole: a number cut in two would be a wrong one."""
    runs: list[Run] = []
    for phrase in phrases:
        if sum(width(text) for text, _ in [*runs, *phrase]) > cells:
            break
        runs += phrase
    return runs


def _owner(chart: Chart, index: int) -> list[Run]:
    if len(chart.series) < 2:
        return []
    colour = chart.colour(index)
    return [(" ", "label"), (palette.letter(colour), f"letter.{palette.hue(colour)}")]
