"""The look of every figure, as SVG that is the same each time, fits its surroundings and needs nothing else.

Decides size, fonts and signs; colours are those of the page: text and axes take `currentColor`, so that one picture
serves light, dark and paper. Names are never read as mathematics. Leaves to others: what is drawn.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH_IN = 4.7
"""Narrow enough for its words to be read on a phone, where it fills the screen."""
PANEL_IN = 2.1
LEGEND_LINE_IN = 0.17

_INK = "#010203"
"""Stands for `currentColor` until the SVG is written."""
_PAPER = "#040506"
"""Stands for the colour of the page."""
BAND = "#8a8a8a"
"""Grey that is seen on white and on black."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "lines.markersize": 3.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": False,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), _INK
    ),
}


class StackedPanels:
    """A figure of one or more panels, one above the other, over the same steps t."""

    def __init__(self, heights: Sequence[float] = (1.0,), legend_lines: int = 0) -> None:
        """Lay out the panels.

        Args:
            heights: Of the panels, as multiples of the usual one.
            legend_lines: Room kept below them.
        """
        panels = sum(heights) * PANEL_IN + 0.3 * len(heights)
        self.figure = Figure(figsize=(WIDTH_IN, panels + legend_lines * LEGEND_LINE_IN + 0.1), layout="constrained")
        grid = self.figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights))
        self.axes: tuple[Axes, ...] = tuple(grid[:, 0])
        self.axes[-1].set_xlabel("t (optimizer steps)")

    def legend(self, columns: int = 2) -> None:
        """Draw one legend for everything that has a label, below the panels."""
        handles, labels = self.axes[0].get_legend_handles_labels()
        if handles:
            self.figure.legend(handles, labels, loc="outside lower left", ncols=columns, columnspacing=1.2)


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the style of the report while a figure is made and written."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}), warnings.catch_warnings():
        # The reader's fonts draw the text; that matplotlib's own lack a sign of some name matters to nobody.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")
        yield


def to_svg(figure: Figure, name: str) -> str:
    """Return the figure as an `<svg>` element; call it while `drawing`.

    Args:
        figure: What was drawn.
        name: Unique in the document; every identifier inside begins with it.
    """
    stream = StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _embedded(stream.getvalue(), name)


def standalone(svg: str) -> str:
    """Return the SVG file of an embedded figure: readable on a light and on a dark page."""
    style = "<style>svg{color:#1b1b1b}@media (prefers-color-scheme:dark){svg{color:#e4e4e4}}</style>"
    head, end, rest = svg.partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{end}{style}{rest}\n'


def _embedded(text: str, name: str) -> str:
    svg = text[text.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<(svg[^>]*?) width="[^"]*"', r"<\1", svg, count=1)
    svg = re.sub(r'<(svg[^>]*?) height="[^"]*"', r"<\1", svg, count=1)
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    return _font(svg).replace(_INK, "currentColor").replace(_PAPER, "var(--paper, #fff)")


def _font(svg: str) -> str:
    """Set the page's own font instead of the list of matplotlib's guesses."""
    return re.sub(r"font: ([0-9.]+px) [^;\"]*", r"font: \1 system-ui, sans-serif", svg)
