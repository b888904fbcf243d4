"""The headline on the terminal: for each run its tasks, milestones and the source × task matrix of R̄_k.

Takes results and a console, so that a test compares text. Every foreign name arrives printable from `sedscope.runs` and
is only ever put into `Text`, never into markup. Leaves to others: every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recorders.format import parse_source
from sedscope.analysis.metrics import Reached
from sedscope.analysis.ratio import At
from sedscope.analysis.results import CouplingSeries, RankSeries, RunAnalysis, TaskMetrics
from sedscope.analysis.undefined import Undefined
from sedscope.report.figures import count, short, span

FLAT = "~"
NONE = "—"
_CELL_WIDTH = 14
"""`92.1 80–101 ~` and a space."""
_PARTS = ("peak", "final")


def print_run(run: RunAnalysis, console: Console, *, crossed: bool = False) -> None:
    """Prints the block of one run.

    Args:
        run: The analysed run.
        console: Where to; its width decides how many tasks stand side by side.
        crossed: Whether every source was put against every task, so that rows need full source names.
    """
    footnotes = Footnotes()
    console.print(_headline(run))
    console.print(Padding(_milestones(run, footnotes), (0, 0, 1, 2)))
    for window, rank in dict.fromkeys((series.window, series.rank) for series in run.coupling):
        chosen = [series for series in run.coupling if (series.window, series.rank) == (window, rank)]
        console.print(_caption(run, window, rank))
        for table in _matrices(chosen, run.tasks, console.width, footnotes, crossed=crossed):
            console.print(table)
    if not run.coupling:
        console.print(_spectra(run, footnotes))
    console.print(_notes([*footnotes.lines(), *_remarks(run)]))


@dataclass
class Footnotes:
    """Reasons, each numbered once, in the order in which the reader meets them."""

    numbers: dict[str, int] = field(default_factory=dict)
    flat: bool = False

    def mark(self, reason: str) -> Text:
        """What stands in the place of the number."""
        number = self.numbers.setdefault(reason, len(self.numbers) + 1)
        return Text.assemble(NONE, (f" [{number}]", "dim"))

    def lines(self) -> Iterable[tuple[str, str]]:
        """Mark and explanation of each note, for below the table."""
        if self.flat:
            yield FLAT, "flat spectrum: which directions are the top K is arbitrary there"
        for reason, number in self.numbers.items():
            yield f"[{number}]", f"undefined: {reason}"


def _headline(run: RunAnalysis) -> Text:
    tasks = ", ".join(run.tasks) if run.tasks else "none named"
    steps = "no recorded step" if run.steps is None else f"t {count(run.steps[0])}–{count(run.steps[1])}"
    facts = f"  tasks {tasks} · {steps} · P {count(run.n_selected)} · {run.state}"
    return Text.assemble((run.name, "bold"), facts)


def _milestones(run: RunAnalysis, footnotes: Footnotes) -> RenderableType:
    """One line per task: when it grokked and what happened to its centroids."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("task", "grok step", "at 0.98", "memorised", "delay", "evaluated", "rank-90 start/max/end"):
        table.add_column(title, no_wrap=title == "task", overflow="ellipsis")
    ranks = {series.task: series for series in run.rank90}
    for metrics in run.metrics:
        table.add_row(Text(metrics.task), *_milestone_cells(metrics, footnotes), _rank_cell(ranks, metrics, footnotes))
    return table


def _milestone_cells(metrics: TaskMetrics, footnotes: Footnotes) -> list[Text]:
    grokking = metrics.grokking
    milestones = (*grokking.grok, grokking.memorised)
    steps = [one if isinstance(one, Undefined) else one.t for one in milestones]
    cells = [_whole(step, footnotes) for step in (*steps, grokking.delay)]
    cadences = [one.cadence for one in milestones if isinstance(one, Reached)]
    known = [cadence for cadence in cadences if not isinstance(cadence, Undefined)]
    return [*cells, Text(f"every {count(known[0])}" if known else NONE)]


def _whole(value: int | Undefined, footnotes: Footnotes) -> Text:
    return footnotes.mark(value.reason) if isinstance(value, Undefined) else Text(count(value))


def _rank_cell(ranks: dict[str, RankSeries], metrics: TaskMetrics, footnotes: Footnotes) -> Text:
    series = ranks.get(metrics.task)
    if series is None:
        return Text(NONE)
    if series.undefined is not None:
        return footnotes.mark(series.undefined.reason)
    found = [point.rank for point in series.points if not isinstance(point.rank, Undefined)]
    if not found:
        return footnotes.mark("the centroids' rank is undefined at every checkpoint")
    return Text(f"{found[0]} / {max(found)} / {found[-1]}")


def _caption(run: RunAnalysis, window: int, rank: int) -> Text:
    made = run.settings
    n_probes = max((series.n_probes for series in run.rank90), default=0)
    centroid = "target logit" if made.centroid == "target" else "sum of logits"
    method = "exact" if made.method == "exact" else f"central difference, ε {made.epsilon:g}"
    settings = f"W {window}, K {rank}, {made.align} · {centroid}, {method} · N {n_probes}"
    return Text.assemble(("R̄_k", "bold"), " with 95 % interval  ", (settings, "dim"))


def _matrices(
    chosen: Sequence[CouplingSeries], tasks: Sequence[str], width: int, footnotes: Footnotes, *, crossed: bool
) -> Iterable[Table]:
    """The matrix, cut into as many tables as the width asks for."""
    labels = dict.fromkeys(_label(series, tasks, crossed=crossed) for series in chosen)
    shown = [task for task in tasks if any(series.task == task for series in chosen)]
    room = width - max((len(label) for label in labels), default=0) - 4
    wide = len(shown) * len(_PARTS) * _CELL_WIDTH <= room
    per_table = len(shown) if wide else max(1, (room - len("final") - 2) // _CELL_WIDTH)
    cells = {(_label(series, tasks, crossed=crossed), series.task): series for series in chosen}
    for first in range(0, len(shown), max(1, per_table)):
        part = shown[first : first + per_table]
        yield _wide(labels, part, cells, footnotes) if wide else _stacked(labels, part, cells, footnotes)


def _label(series: CouplingSeries, tasks: Sequence[str], *, crossed: bool) -> str:
    """With several tasks, one row holds each task's own source."""
    source = parse_source(series.source)
    if crossed or len(tasks) < 2 or source is None or source.task is None:
        return series.source
    return f"{source.family}/<task>"


Cells = dict[tuple[str, str], CouplingSeries]


def _wide(labels: Iterable[str], tasks: Sequence[str], cells: Cells, footnotes: Footnotes) -> Table:
    """Peak and final side by side; where there is one task, the step of the peak as well."""
    table = _frame()
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
    table = _frame()
    table.add_column("source", no_wrap=True)
    table.add_column("")
    for task in tasks:
        table.add_column(Text(task), no_wrap=True, min_width=_CELL_WIDTH - 2, overflow="ellipsis")
    for label in labels:
        for part in _PARTS:
            row = [_cell(cells.get((label, task)), part, footnotes) for task in tasks]
            table.add_row(Text(label if part == _PARTS[0] else ""), Text(part, style="dim"), *row)
    return table


def _frame() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=True)


def _cell(series: CouplingSeries | None, part: str, footnotes: Footnotes) -> Text:
    """`92.1 80–101`, marked where the subspace is arbitrary; empty where source and task were not put together."""
    if series is None:
        return Text("")
    moment: At | Undefined = series.peak if part == "peak" else series.final
    point = series.at(moment)
    if isinstance(moment, Undefined) or point is None:
        return footnotes.mark(moment.reason if isinstance(moment, Undefined) else "no such checkpoint")
    interval = point.interval
    ends = "" if interval is None or isinstance(interval, Undefined) else f" {span(interval.low, interval.high)}"
    footnotes.flat |= point.flat is not None
    return Text.assemble((short(moment.value), "bold"), (ends, "dim"), "" if point.flat is None else f" {FLAT}")


def _spectra(run: RunAnalysis, footnotes: Footnotes) -> Table:
    """Where no coupling is known: the edge of each source's last window."""
    table = _frame()
    for title in ("source", "window at t", "rows", "k*", "gap", "participation"):
        table.add_column(title, no_wrap=True, justify="left" if title == "source" else "right")
    for series in run.spectra:
        last = series.points[-1] if series.points else None
        edge = None if last is None else last.edge
        if last is None or edge is None or isinstance(edge, Undefined):
            reason = edge if isinstance(edge, Undefined) else series.undefined
            table.add_row(Text(series.source), footnotes.mark("it has no rows" if reason is None else reason.reason))
            continue
        gap = footnotes.mark(edge.gap.reason) if isinstance(edge.gap, Undefined) else Text(short(edge.gap))
        place = (Text(count(last.t)), Text(str(last.n_rows)))
        table.add_row(Text(series.source), *place, _whole(edge.edge, footnotes), gap, Text(short(edge.participation)))
    return table


def _remarks(run: RunAnalysis) -> Iterable[tuple[str, str]]:
    for note in run.notes:
        yield "note", note
    for damage in run.damage:
        yield "damaged", f"{damage}; the numbers are those of what is good"


def _notes(lines: Iterable[tuple[str, str]]) -> Table:
    """Marks in one column, wrapped explanations in the next."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mark, explanation in lines:
        table.add_row(Text(f"  {mark}"), Text(explanation))
    return table
