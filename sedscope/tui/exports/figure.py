"""The process that writes a picture: `python -m sedscope.tui.exports.figure`, a picture and a path on stdin.

A process of its own, since matplotlib and polars take a second to import and the screen must not wait. Prints the paths
that it wrote; on failure one line on stderr and status 1. Data and colours are those of the screen. Decides sizes, and
how bands, short windows, flat spectra and undefined cells look on white. Text is never read as mathematics.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl

from sedscope.tui.exports.pictures import SUFFIXES, Picture, table
from sedscope.tui.plot.data import Chart, Series, View
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.palette import CIVIDIS, OKABE_ITO, hue

STYLE: dict[Any, Any] = {
    "text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "sedscope", "font.size": 8.5,
    "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7,
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "legend.frameon": False, "lines.linewidth": 1.4,
    "figure.dpi": 100, "savefig.dpi": 300, "axes.axisbelow": True,
}  # fmt: skip
_WIDTH, _HEIGHT = 5.6, 3.4
"""Inches: a column and a half of a page."""
_LETTERS = 48
"""Letters of all column names together up to which they stand upright."""
_NUMBERS_TO = 12
"""Columns and rows of a heatmap up to which numbers stand in its cells."""


def write(picture: Picture, stem: Path) -> list[Path]:
    """Write a picture as SVG, PNG, CSV and Parquet; return the paths.

    Raises:
        OSError: A file cannot be written.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    svg, png, csv, parquet = paths = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES]
    mpl.use("agg")
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        if isinstance(picture.content, Heatmap):
            _heatmap(axes, picture.content)
        else:
            _chart(axes, picture.content, picture.view)
        figure.savefig(svg, metadata={"Date": None})
        figure.savefig(png)
    frame = pl.DataFrame(table(picture), strict=False)
    frame.write_csv(csv)
    frame.write_parquet(parquet)
    return paths


def _chart(axes: Any, chart: Chart, view: View) -> None:
    axes.set_title(chart.title)
    axes.set_yscale(view.y_scale(chart))
    axes.set_xscale(chart.x.scale)
    _plain_ticks(*(axis for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"))
    for rule in chart.rules:
        axes.axhline(rule.y, color="0.45", linewidth=0.8, linestyle=(0, (1, 2)), label=rule.label or None)
    for index, series in enumerate(chart.series):
        aside = view.picked is not None and view.picked != index
        _series(axes, series, OKABE_ITO[hue(chart.colour(index))], 0.25 if aside else 1.0)
    for moment in chart.moments:
        axes.axvline(moment.x, color="0.45", linewidth=0.8, linestyle=(0, (4, 2)))
        axes.annotate(
            moment.label, (moment.x, 1.0), (3, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", color="0.35", fontsize=7.5,
        )  # fmt: skip
    axes.set_xlabel(chart.x.label)
    axes.set_ylabel(chart.y.label)
    axes.set_xlim(*_ends(view.low, view.high, chart.x.low, chart.x.high))
    axes.set_ylim(chart.y.low, chart.y.high)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _ends(*wishes: float | None) -> tuple[float | None, float | None]:
    low, high, axis_low, axis_high = wishes
    return (axis_low if low is None else low), (axis_high if high is None else high)


def _series(axes: Any, series: Series, colour: str, strength: float) -> None:
    """Draw full windows as a line, short ones faint; × where marked; the band behind."""
    short = np.zeros(len(series.x), dtype=bool) if series.dimmed is None else series.dimmed
    if series.low is not None and series.high is not None:
        axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18 * strength, linewidth=0)
    if short.any():
        # The faint stretch reaches the first full window, so that the curve has no hole.
        faint = short | np.roll(short, 1) & (np.arange(len(short)) > 0)
        axes.plot(series.x, np.where(faint, series.y, np.nan), color=colour, alpha=0.35 * strength)
    axes.plot(series.x, np.where(short, np.nan, series.y), color=colour, alpha=strength, label=series.label)
    if series.marked is not None and series.marked.any():
        axes.plot(series.x[series.marked], series.y[series.marked], "x", color=colour, alpha=strength, markersize=4)


def _heatmap(axes: Any, heatmap: Heatmap) -> None:
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    axes.set_title(heatmap.title)
    low, high = heatmap.ends or (0.0, 1.0)
    if heatmap.scale == "log":
        low, high = 10.0**low, 10.0**high
    norm = (LogNorm if heatmap.scale == "log" else Normalize)(low, high if high > low else low + 1.0)
    colours = ListedColormap(CIVIDIS).with_extremes(bad="0.85")
    shown = np.ma.masked_invalid(heatmap.placed if heatmap.scale == "linear" else heatmap.values)
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.05)
    if heatmap.scale == "log":
        _plain_ticks(bar.ax.yaxis)
    _names(axes.set_yticks, [heatmap.row_name(row) for row in range(heatmap.values.shape[0])], 0, "right")
    columns = [heatmap.column_name(column) for column in range(heatmap.values.shape[1])]
    slanted = sum(map(len, columns)) > _LETTERS
    _names(axes.set_xticks, columns, 45 if slanted else 0, "right" if slanted else "center")
    axes.set_xlabel(heatmap.column_title)
    axes.set_ylabel(heatmap.row_title)
    if max(heatmap.values.shape) <= _NUMBERS_TO:
        for (row, column), value in np.ndenumerate(heatmap.values):
            dark = not np.isfinite(value) or norm(value) > 0.5
            text = readable(float(value)) if np.isfinite(value) else "undefined"
            axes.text(column, row, text, ha="center", va="center", color="black" if dark else "white", fontsize=7)


def _plain_ticks(*axes: Any) -> None:
    """Write the numbers of a log axis as the screen does."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: readable(float(value))))
        axis.set_minor_formatter(NullFormatter())


def _names(put: Any, names: list[str], rotation: int, side: str) -> None:
    """Label ticks, thinned out where there are many."""
    step = -(-len(names) // 24)
    positions = list(range(0, len(names), max(step, 1)))
    put(positions, [names[position] for position in positions], rotation=rotation, ha=side, fontsize=7.5)


def main() -> int:
    """Read a picture from stdin, write its files, tell which."""
    picture, stem = pickle.load(sys.stdin.buffer)
    try:
        paths = write(picture, stem)
    except OSError as error:
        print(f"{stem}: {error.strerror or error}", file=sys.stderr)
        return 1
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
