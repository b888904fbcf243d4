"""The source × task matrix of peak and final R̄_k, as wide as the console allows.

Decides which cells stand side by side, what labels a row, and how a cell looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from recorders.format import parse_source
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.number_text import count, short, span
from sedscope.analysis.statistics.coupling_ratio import ValueAtStep
from sedscope.analysis.undefined import Undefined
from sedscope.report.footnotes import FLAT, Footnotes

_CELL_WIDTH = 14
"""`92.1 80–101 ~` and a space."""
_PARTS = ("peak", "final")


def matrices(
    chosen: Sequence[CouplingSeries], tasks: Sequence[str], width: int, footnotes: Footnotes, *, crossed: bool
) -> Iterable[Table]:
    """The matrix, cut into as many tables as the width asks for.

    Args:
        chosen: The series of one W and K.
        tasks: In the order of the columns.
        width: Of the console, in characters.
        footnotes: Where reasons are gathered.
        crossed: Whether rows need full source names.
    """
    labels = dict.fromkeys(_label(series, tasks, crossed=crossed) for series in chosen)
    shown = [task for task in tasks if any(series.task == task for series in chosen)]
    room = width - max((len(label) for label in labels), default=0) - 4
    wide = len(shown) * len(_PARTS) * _CELL_WIDTH <= room
    most = len(shown) if wide else max(1, (room - len("final") - 2) // _CELL_WIDTH)
    per_table = _even(len(shown), most)
    cells = {(_label(series, tasks, crossed=crossed), series.task): series for series in chosen}
    for first in range(0, len(shown), per_table):
        part = shown[first : first + per_table]
        yield _wide(labels, part, cells, footnotes) if wide else _stacked(labels, part, cells, footnotes)


def _even(count: int, most: int) -> int:
    """Columns per table, at most `most`, such that the tables are as equal as they can be."""
    tables = -(-count // most)
    return -(-count // max(1, tables))


def _label(series: CouplingSeries, tasks: Sequence[str], *, crossed: bool) -> str:
    """With several tasks, one row holds each task's own source."""
    source = parse_source(series.source)
    if crossed or len(tasks) < 2 or source is None or source.task is None:
        return series.source
    return f"{source.family}/<task>"


Cells = dict[tuple[str, str], CouplingSeries]


def _wide(labels: Iterable[str], tasks: Sequence[str], cells: Cells, footnotes: Footnotes) -> Table:
    """Peak and final side by side; where there is one task, the step of the peak as well."""
    table = frame()
    table.add_column("source", no_wrap=True)
    for task in tasks:
        for part in _PARTS:
            title = part if len(tasks) == 1 else f"{task} {part}"
            table.add_column(Text(title), no_wrap=True, min_width=_CELL_WIDTH - 2)
    if len(tasks) == 1:
        table.add_column("peak at t", justify="right")
    for label in labels:
        row = [_cell(cells.get((label, task)), part, footnotes) for task in tasks for part in _PARTS]
        steps = [_peak_step(cells.get((label, task))) for task in tasks] if len(tasks) == 1 else []
        table.add_row(Text(label), *row, *steps)
    return table


def _peak_step(series: CouplingSeries | None) -> Text:
    return Text("" if series is None or isinstance(series.peak, Undefined) else count(series.peak.t), style="dim")


def _stacked(labels: Iterable[str], tasks: Sequence[str], cells: Cells, footnotes: Footnotes) -> Table:
    """Peak above final."""
    table = frame()
    table.add_column("source", no_wrap=True)
    table.add_column("")
    for task in tasks:
        table.add_column(Text(task), no_wrap=True, min_width=_CELL_WIDTH - 2, overflow="ellipsis")
    for label in labels:
        for part in _PARTS:
            row = [_cell(cells.get((label, task)), part, footnotes) for task in tasks]
            table.add_row(Text(label if part == _PARTS[0] else ""), Text(part, style="dim"), *row)
    return table


def frame() -> Table:
    """A table without lines."""
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=True)


def _cell(series: CouplingSeries | None, part: str, footnotes: Footnotes) -> Text:
    """`92.1 80–101`, marked where the subspace is arbitrary; empty where source and task were not put together."""
    if series is None:
        return Text("")
    moment: ValueAtStep | Undefined = series.peak if part == "peak" else series.final
    point = series.at(moment)
    if isinstance(moment, Undefined) or point is None:
        return footnotes.mark(moment.reason if isinstance(moment, Undefined) else "no such checkpoint")
    interval = point.interval
    ends = "" if interval is None or isinstance(interval, Undefined) else f" {span(interval.low, interval.high)}"
    footnotes.flat |= point.flat is not None
    return Text.assemble((short(moment.value), "bold"), (ends, "dim"), "" if point.flat is None else f" {FLAT}")
