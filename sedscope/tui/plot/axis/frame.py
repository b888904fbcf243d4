"""One drawn plot: its lines, where the plot area lies in them, and how a crosshair goes over it.

`Layout` decides what a size has room for; what goes into each place is decided in `curves` and `axes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sedscope.tui.plot.axis.scale import AxisRange, Scale, backward, forward
from sedscope.tui.plot.canvas import Canvas
from sedscope.tui.terminal.cell_text import Line, Run


@dataclass(frozen=True)
class Layout:
    """Rows and columns of each part, in cells; a part without room has none."""

    width: int
    height: int
    header: int
    """Rows for the title (0 or 1)."""
    left: int
    """Columns for the labels of y and its axis line."""
    right: int
    """Columns for the letters at the ends of the curves."""
    foot: int
    """Rows for the x axis and its labels (0 or 2)."""
    summary: int
    """Rows for min, max and ratio (0 or 1)."""

    @property
    def plot_width(self) -> int:
        """Columns of the plot area."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        """Rows of the plot area."""
        return self.height - self.header - self.foot - self.summary


def arrange(width: int, height: int, *, titled: bool, lettered: bool) -> Layout:
    """Return the layout that fits: first the curve, then axes, title, letters and summary. `left` is still 0."""
    return Layout(
        width=width,
        height=height,
        header=1 if titled and height >= 7 else 0,
        left=0,
        right=2 if lettered and width >= 24 else 0,
        foot=2 if height >= 6 and width >= 12 else 0,
        summary=1 if height >= 9 and width >= 20 else 0,
    )


def with_labels(layout: Layout, label_width: int) -> Layout:
    """Return the layout with a gutter for the labels of y, where that leaves two thirds of the width to the curve."""
    left = label_width + 2
    return replace(layout, left=left if left * 3 <= layout.width else 0)


@dataclass(frozen=True)
class Frame:
    """A drawn plot."""

    lines: tuple[Line, ...]
    """`layout.height` lines of exactly `layout.width` cells; the summary line is left blank."""
    layout: Layout
    x: AxisRange
    x_scale: Scale
    canvas: Canvas
    """The cells of the plot area."""

    def column_of(self, x: float) -> int | None:
        """Return the column of the frame in which x lies, None where it is out of view."""
        fraction = float(self.x.fractions(forward(x, self.x_scale)))
        slack = 1e-9  # going to axis units and back moves the last bits, and the ends of the view belong to it
        if not -slack <= fraction <= 1 + slack:
            return None
        dots = 2 * self.layout.plot_width
        return self.layout.left + int(min(max(fraction, 0.0), 1.0) * (dots - 1) + 0.5) // 2

    def x_at(self, column: int) -> float:
        """Return the data x at the middle of a column of the frame; columns beside the plot area give its ends."""
        dots = max(2 * self.layout.plot_width - 1, 1)
        fraction = (2 * (column - self.layout.left) + 0.5) / dots
        return backward(self.x.at(min(max(fraction, 0.0), 1.0)), self.x_scale)

    def with_crosshairs(self, columns: Sequence[int], glyph: str) -> tuple[Line, ...]:
        """Return the lines with a thin upright in each of the columns. Curves stay in front of it, and are lit up."""
        lines = list(self.lines)
        for column in columns:
            inner = column - self.layout.left
            if not 0 <= inner < self.layout.plot_width:
                continue
            for row in range(self.layout.plot_height):
                at = self.layout.header + row
                lines[at] = _replaced(lines[at], column, self._crossed(row, inner, glyph))
        return tuple(lines)

    def _crossed(self, row: int, inner: int, glyph: str) -> Run:
        character, key, bare = self.canvas.cell(row, inner)
        if not bare:
            return character, f"{key}.lit"
        ground = key.partition("/")[2]
        return glyph, f"cursor/{ground}" if ground else "cursor"


def _replaced(line: Line, column: int, run: Run) -> Line:
    """Return the line with one cell of the plot area replaced; left of it every character is one cell wide."""
    runs: list[Run] = []
    start = 0
    for text, key in line:
        end = start + len(text)
        if start <= column < end:
            inner = column - start
            runs += [(text[:inner], key), run, (text[inner + 1 :], key)]
        else:
            runs.append((text, key))
        start = end
    return tuple((text, key) for text, key in runs if text)
