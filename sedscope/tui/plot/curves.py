"""A chart drawn at a size: data objects in, a `Frame` of text and style keys out.

Style keys: plot, axis, tick, label, title, note, value, grid, rule, moment, cursor, message, and with the place in the
palette after the dot series.N, faint.N (dimmed or not picked), band.N, letter.N, mark.N; `/N` on the tinted ground of
band N, whose edges are ground.N (block in its colour) and cave (block in the background's); `.lit` under the crosshair.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from sedscope.tui.plot import dots, palette
from sedscope.tui.plot.axis import axes, ticks
from sedscope.tui.plot.axis.frame import Frame, Layout, arrange, with_labels
from sedscope.tui.plot.axis.limits import x_range, y_range
from sedscope.tui.plot.axis.scale import AxisRange, Floats, Scale, forward
from sedscope.tui.plot.canvas import BAND, CURVE, FAINT, GRID, MARK, PICKED, RULE, Canvas
from sedscope.tui.plot.columns import Columns, columns
from sedscope.tui.plot.data import Bools, Chart, Look, View
from sedscope.tui.plot.dots import Grid
from sedscope.tui.terminal.cell_text import Line, ascii_text, cut, plain, width

_ROWS_PER_TICK = 4
"""Rows of the plot for each label of y: closer labels read as a column of figures, not as an axis."""
_LETTER_EVERY = 24
"""Cells between two letters on a curve, where letters alone tell curves apart."""
_MARK_EVERY = 3
"""Cells from one mark on a curve to the next, at least."""


def draw(chart: Chart, view: View, cells: int, rows: int, look: Look) -> Frame:
    """Draw the chart in `rows` lines of `cells` cells, both at least 1."""
    x, y = x_range(chart, view), y_range(chart, view, x_range(chart, view))
    notes = _hidden(chart, view)
    titled = bool(chart.title or chart.y.label or notes)
    layout = arrange(cells, rows, titled=titled, lettered=len(chart.series) > 1)
    message = _message(chart, view)
    y_ticks = () if message else _y_ticks(y, view.y_scale(chart), layout.plot_height)
    layout = with_labels(layout, max((width(tick.label) for tick in y_ticks), default=0))
    x_ticks = ticks.ticks(
        x, chart.x.scale, max(layout.plot_width // 8, 2) if chart.steps.size else 0, integers=chart.has_integer_steps
    )
    canvas = Canvas(_grid(layout, look))
    reduced = [
        columns(s, x, chart.x.scale, view.y_scale(chart), canvas.grid.columns, chart.reduce) for s in chart.series
    ]
    if layout.left:
        _paint_grid(canvas, y_ticks, y, look)
    _paint_references(canvas, chart, view, x, y)
    for index, reduced_series in enumerate(reduced):
        _paint_series(canvas, chart, view, index, reduced_series, y, look)
    _put_moment_names(canvas, chart, x, look)
    canvas.put(canvas.grid.height // 2, max((canvas.grid.width - len(message)) // 2, 0), message, "message", MARK)
    letters = _letters(chart, view, reduced, y, layout)
    body = [
        (*left, *middle, *right)
        for left, middle, right in zip(axes.gutter(y_ticks, y, layout, look), canvas.rows(), letters, strict=True)
    ]
    lines = [axes.header(chart.title, chart.y.label, notes, cells, look)] * layout.header + body
    lines += axes.floor(x_ticks, x, chart, layout, look) if layout.foot else []
    lines += [cut([], layout.width, "label")] * layout.summary
    return Frame(tuple(lines), layout, x, chart.x.scale, canvas)


def _y_ticks(y: AxisRange, scale: Scale, rows: int) -> tuple[ticks.Tick, ...]:
    """Return a tick every few rows; denser where that would leave fewer than two."""
    sparse = ticks.ticks(y, scale, max(2, rows // _ROWS_PER_TICK + 1))
    return sparse if len(sparse) > 1 else ticks.ticks(y, scale, max(2, rows // 2))


def _grid(layout: Layout, look: Look) -> Grid:
    across, down = (1, 1) if look.glyphs == "ascii" else (2, 4)
    return Grid(layout.plot_width, layout.plot_height, across, down)


def _paint_grid(canvas: Canvas, y_ticks: tuple[ticks.Tick, ...], y: AxisRange, look: Look) -> None:
    if look.colours == "none":
        return  # without a fainter colour a grid would read as data
    for tick in y_ticks:
        canvas.paint(dots.level(canvas.grid, y, tick.at, 4), "grid", GRID, ".")


def _paint_references(canvas: Canvas, chart: Chart, view: View, x: AxisRange, y: AxisRange) -> None:
    for rule in chart.rules:
        position = float(forward(rule.y, view.y_scale(chart)))
        if np.isfinite(position):
            canvas.paint(dots.level(canvas.grid, y, position, 2), "rule", RULE, "-")
    for moment in chart.moments:
        column = _moment_column(canvas, moment.x, chart, x)
        if column is not None:
            canvas.paint(dots.upright(canvas.grid, column, 2), "moment", RULE, ":")


def _moment_column(canvas: Canvas, at: float, chart: Chart, x: AxisRange) -> int | None:
    """Return the dot column of a moment, None out of view."""
    fraction = float(x.fractions(forward(at, chart.x.scale)))
    return int(fraction * (canvas.grid.columns - 1) + 0.5) if 0 <= fraction <= 1 else None


def _paint_series(
    canvas: Canvas, chart: Chart, view: View, index: int, reduced: Columns, y: AxisRange, look: Look
) -> None:
    colour = chart.colour(index)
    hue, letter = palette.hue(colour), palette.letter(colour)
    aside = view.picked is not None and view.picked != index
    rank = FAINT if aside else PICKED if view.picked == index else CURVE
    if reduced.band is not None and not aside:
        _paint_band(canvas, reduced.band, y, hue, look)
    mask = dots.line(canvas.grid, y, reduced.y)
    faint = np.ones_like(reduced.dimmed) if aside else reduced.dimmed
    canvas.paint(mask & faint, f"faint.{hue}", FAINT, letter.lower())
    canvas.paint(mask & ~faint, f"series.{hue}", rank, letter)
    if not aside:
        _put_on_curve(
            canvas,
            reduced,
            _thinned(reduced.marked, _MARK_EVERY * canvas.grid.across),
            y,
            axes.glyphs(look)["times"],
            f"mark.{hue}",
        )
    if look.colours == "none" and len(chart.series) > 1:
        offset = index * _LETTER_EVERY // len(chart.series) + _LETTER_EVERY // 4
        here = np.zeros_like(reduced.marked)
        here[offset * canvas.grid.across :: _LETTER_EVERY * canvas.grid.across] = True
        _put_on_curve(canvas, reduced, here, y, letter.lower() if aside else letter, f"letter.{hue}")


def _thinned(marked: Bools, apart: int) -> Bools:
    """Return the first mark and those `apart` columns from the one before: the curve shows between them."""
    thinned, last = np.zeros_like(marked), -apart
    for column in np.flatnonzero(marked).tolist():
        if column - last >= apart:
            thinned[column], last = True, column
    return thinned


def _paint_band(canvas: Canvas, ends: tuple[Floats, Floats], y: AxisRange, hue: int, look: Look) -> None:
    """Paint a tinted ground where tints (or greys) can be had, else a pattern of dots."""
    if look.colours == "sixteen" or look.glyphs == "ascii":
        canvas.paint(dots.band(canvas.grid, y, *ends), f"band.{hue}", BAND, ":")
        return
    area = dots.filled(canvas.grid, dots.rows_of(canvas.grid, y, ends[1]), dots.rows_of(canvas.grid, y, ends[0]))
    canvas.shade(area, hue)


def _put_on_curve(canvas: Canvas, reduced: Columns, where: np.ndarray, y: AxisRange, glyph: str, key: str) -> None:
    rows = dots.rows_of(canvas.grid, y, reduced.y)
    for column in np.flatnonzero(where & (rows >= 0) & (rows < canvas.grid.rows)):
        canvas.put(int(rows[column]) // canvas.grid.down, int(column) // canvas.grid.across, glyph, key, MARK)


def _put_moment_names(canvas: Canvas, chart: Chart, x: AxisRange, look: Look) -> None:
    """Put names beside their line, below one another and clear of curves; without such a place, not at all."""
    for number, moment in enumerate(chart.moments):
        column = _moment_column(canvas, moment.x, chart, x)
        name = plain(moment.label)
        name = ascii_text(name) if look.glyphs == "ascii" else name
        if column is None or number >= canvas.grid.height or len(name) != width(name):
            continue
        cell = column // canvas.grid.across
        positions = product(range(number, canvas.grid.height), (cell + 1, cell - len(name)))
        free = next((cell_position for cell_position in positions if canvas.is_free(*cell_position, len(name))), None)
        if free is not None:
            canvas.put(*free, name, "moment", CURVE)


def _letters(chart: Chart, view: View, reduced: list[Columns], y: AxisRange, layout: Layout) -> list[Line]:
    """Return the letters of the curves right of the rows they end in, moved up or down where two would share one."""
    if not layout.right:
        return [()] * layout.plot_height
    blank = ((" " * layout.right, "plot"),)
    grid = Grid(layout.plot_width, layout.plot_height, 2, 4)
    ends = []
    for index, reduced_series in enumerate(reduced):
        seen = np.flatnonzero(np.isfinite(reduced_series.y))
        if seen.size:
            row = float(dots.rows_of(grid, y, reduced_series.y[seen[-1:]])[0]) / 4
            ends.append((min(max(row, 0.0), layout.plot_height - 1.0), index))
    lines: list[Line] = [blank] * layout.plot_height
    for row, index in zip(_apart(sorted(ends), layout.plot_height), [i for _, i in sorted(ends)], strict=False):
        colour = chart.colour(index)
        aside = view.picked is not None and view.picked != index
        lines[row] = ((" " + palette.letter(colour), f"{'faint' if aside else 'letter'}.{palette.hue(colour)}"),)
    return lines


def _apart(ends: list[tuple[float, int]], rows: int) -> list[int]:
    """Return distinct rows, in order, near the wished ones; as many as there are rows."""
    placed: list[int] = []
    for wish, _ in ends[:rows]:
        placed.append(max(int(wish), placed[-1] + 1 if placed else 0))
    limit = rows - 1
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - 1
    return placed


def _hidden(chart: Chart, view: View) -> str:
    """Return a note about values that the axis cannot show: they are never dropped in silence."""
    if view.y_scale(chart) != "log":
        return ""
    below = sum(int(np.count_nonzero(np.isfinite(s.y) & (s.y <= 0))) for s in chart.series)
    return f"{below} value{'s' if below > 1 else ''} ≤ 0 not shown" if below else ""


def _message(chart: Chart, view: View) -> str:
    """Return why the plot area is empty; "" where something can be drawn."""
    scale = view.y_scale(chart)
    if any(np.isfinite(forward(s.y, scale)).any() for s in chart.series):
        return ""
    if not chart.steps.size:
        return "no data"
    return "no values > 0" if any(np.isfinite(s.y).any() for s in chart.series) else "all values undefined"
