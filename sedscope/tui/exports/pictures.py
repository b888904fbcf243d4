"""The current picture, which is the one with the keys or else the first one shown, and its data as a table.

Decides file names and columns. A picture is a `Chart` with its `View`, or a `Heatmap`: plain data that a process can be
handed. Leaves drawing to `figure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedscope.tui.plot.data import Chart, View
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap

if TYPE_CHECKING:
    from textual.widget import Widget

Table = dict[str, list[Any]]
"""Column → values; None where undefined."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 80
SUFFIXES = (".svg", ".png", ".csv", ".parquet")
"""Of the files that a picture is written as."""


@dataclass(frozen=True)
class Picture:
    """One widget's chart or heatmap, with its view and cursor."""

    content: Chart | Heatmap
    view: View
    cursor: float | tuple[int, int] | None
    """Step of a chart, cell of a heatmap."""


def current(tab: Widget) -> Picture | None:
    """Return the picture that the user is at; None where the tab shows none."""
    shown = list(_shown(tab))
    focused = tab.app.focused
    focused_picture = next((picture for widget, picture in shown if widget is focused), None)
    return focused_picture or next((picture for _, picture in shown), None)


def _shown(tab: Widget) -> Iterator[tuple[Any, Picture]]:
    from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
    from sedscope.tui.plot.plot_widget import Plot

    for widget in tab.query("*"):
        if not _visible(widget, tab):
            continue
        if isinstance(widget, Plot) and widget.chart.series:
            yield widget, Picture(widget.chart, widget.view, widget.cursor)
        elif isinstance(widget, HeatmapView) and widget.heatmap.values.size:
            yield widget, Picture(widget.heatmap, View(), widget.cursor)
        elif (heatmap := getattr(widget, "picture", None)) is not None:
            yield widget, Picture(heatmap, View(), None)


def _visible(widget: Any, tab: Widget) -> bool:
    return all(node.display for node in (widget, *widget.ancestors) if node is tab or tab in node.ancestors)


def table(picture: Picture) -> Table:
    """Return the data of a picture, one line per point or cell."""
    content = picture.content
    return _heatmap_table(content) if isinstance(content, Heatmap) else _chart_table(content)


def values(picture: Picture) -> Table:
    """Return the values at the cursor: a line per series, or the cell; everything where there is no cursor."""
    content, cursor = picture.content, picture.cursor
    if isinstance(content, Heatmap) and isinstance(cursor, tuple):
        row, column = cursor
        cell = _number(content.values[row, column])
        return {"row": [content.row_name(row)], "column": [content.column_name(column)], "value": [cell]}
    if isinstance(content, Chart) and isinstance(cursor, float):
        return _at_cursor(content, cursor)
    return table(picture)


def as_text(columns: Table) -> str:
    """Return a table as tab-separated text with a line of names."""
    lines = ["\t".join(columns), *("\t".join(map(_cell, line)) for line in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def stem(folder: Path, *names: str) -> Path:
    """Return a file name without suffix that is not taken yet, of plain letters."""
    base = (
        "-".join(safe_name for name in names if (safe_name := _UNSAFE.sub("-", name).strip("-.")))[:_LONGEST]
        or "picture"
    )
    return free_path(folder / base, SUFFIXES)


def free_path(path: Path, suffixes: Sequence[str]) -> Path:
    """Return the path, or one of its name with a number, at which no file with any of the suffixes is there yet."""
    number, free = 1, path
    while any(free.with_name(free.name + suffix).exists() for suffix in suffixes):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _chart_table(chart: Chart) -> Table:
    columns: Table = {name: [] for name in ("series", "t", "value", "low", "high", "short_window", "flat", "undefined")}
    for series in chart.series:
        n = len(series.x)
        columns["series"] += [series.label] * n
        columns["t"] += [_plain_number(x) for x in series.x]
        columns["value"] += [_number(y) for y in series.y]
        for name, ends in (("low", series.low), ("high", series.high)):
            columns[name] += [None] * n if ends is None else [_number(end) for end in ends]
        for name, marks in (("short_window", series.dimmed), ("flat", series.marked)):
            columns[name] += [None] * n if marks is None else [bool(mark) for mark in marks]
        columns["undefined"] += [series.reasons.get(float(x)) for x in series.x]
    return {name: column for name, column in columns.items() if name == "value" or any(v is not None for v in column)}


def _heatmap_table(heatmap: Heatmap) -> Table:
    rows, columns = heatmap.values.shape
    return {
        "row": [heatmap.row_name(row) for row in range(rows) for _ in range(columns)],
        "column": [heatmap.column_name(column) for _ in range(rows) for column in range(columns)],
        "value": [_number(value) for value in heatmap.values.ravel()],
    }


def _at_cursor(chart: Chart, x: float) -> Table:
    from sedscope.tui.plot.readings import read

    readings = [(series.label, read(series, x)) for series in chart.series]
    reached = [(label, reading) for label, reading in readings if reading is not None]
    return {
        "series": [label for label, _ in reached],
        "t": [_plain_number(reading.x) for _, reading in reached],
        "value": [_number(reading.y) for _, reading in reached],
        "low": [None if reading.low is None else _number(reading.low) for _, reading in reached],
        "high": [None if reading.high is None else _number(reading.high) for _, reading in reached],
        "undefined": [reading.reason or None for _, reading in reached],
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _plain_number(x: float) -> int | float:
    return int(x) if x == round(x) else float(x)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")
