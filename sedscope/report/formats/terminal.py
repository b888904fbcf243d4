"""The headline on the terminal: for each run its tasks, milestones and the source × task matrix of R̄_k.

Takes results and a console, so that a test compares text. Every foreign name arrives printable from `sedscope.runs` and
is only ever put into `Text`, never into markup. Leaves to others: every number.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sedscope.analysis.pipeline.results import RankSeries, RunAnalysis, TaskMetrics
from sedscope.analysis.result_view.number_text import count, short
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.footnotes import NONE, Footnotes
from sedscope.report.formats.terminal_matrix import frame, matrices


def print_run(run: RunAnalysis, console: Console, *, crossed: bool = False) -> None:
    """Prints the block of one run.

    Args:
        run: The analysed run.
        console: Where to; its width decides how many tasks stand side by side.
        crossed: Whether every source was put against every task, so that rows need full source names.
    """
    footnotes = Footnotes()
    console.print(_headline(run))
    if run.metrics:
        console.print(Padding(_milestones(run, footnotes), (0, 0, 1, 2)))
    for window, rank in dict.fromkeys((series.window, series.rank) for series in run.coupling):
        chosen = [series for series in run.coupling if (series.window, series.rank) == (window, rank)]
        console.print(_caption(run, window, rank))
        for table in matrices(chosen, run.tasks, console.width, footnotes, crossed=crossed):
            console.print(table)
    if not run.coupling:
        console.print(_spectra(run, footnotes))
    console.print(_notes([*footnotes.lines(), *_remarks(run)]))


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
    cadences = [one.cadence for one in milestones if isinstance(one, Crossing)]
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
    if any(is_control(series.source) for series in run.coupling):
        settings += f" · {made.draws} draw{'' if made.draws == 1 else 's'}"
    return Text.assemble(("R̄_k", "bold"), ", 95 % interval  ", (settings, "dim"))


def _spectra(run: RunAnalysis, footnotes: Footnotes) -> Table:
    """Where no coupling is known: the edge of each source's last window."""
    table = frame()
    for title in ("source", "window at t", "rows", "k*", "gap", "participation"):
        table.add_column(title, no_wrap=True, justify="left" if title == "source" else "right")
    for series in run.spectra:
        last = series.points[-1] if series.points else None
        edge = None if last is None else last.spectrum
        if last is None or edge is None or isinstance(edge, Undefined):
            reason = edge if isinstance(edge, Undefined) else series.undefined
            table.add_row(Text(series.source), footnotes.mark("it has no rows" if reason is None else reason.reason))
            continue
        gap = footnotes.mark(edge.gap.reason) if isinstance(edge.gap, Undefined) else Text(short(edge.gap))
        place = (Text(count(last.t)), Text(str(last.n_rows)))
        table.add_row(Text(series.source), *place, _whole(edge.k_star, footnotes), gap, Text(short(edge.participation)))
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
