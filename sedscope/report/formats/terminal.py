"""The headline on the terminal: for each run its verdict, milestones and source × task matrix of R̄_k; interventions.

Takes results and a console, so that a test compares text. Every foreign name arrives printable from `sedscope.runs` and
is only ever put into `Text`, never into markup. Leaves to others: every number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sedscope.analysis.interventions import InterventionComparison, TreatmentGroup
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import MILESTONES, PHASES, SOURCES, SPECTRA
from sedscope.analysis.result_view.intervention_columns import INTERVENTIONS
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.result_view.result_column import (
    NOTHING,
    Footnotes,
    Reading,
    ResultColumn,
    Value,
    columns_for,
)
from sedscope.analysis.result_view.run_view import RunView, SourceMatrix, last_window
from sedscope.analysis.result_view.verdict import headline_verdicts
from sedscope.analysis.sources.variants import varied_by
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.document import plain

_CELL_WIDTH = 15
"""The least: `92.1 80–101 ~†` and a space."""
Columns = Sequence[ResultColumn[CouplingSeries]]
_GAP = 2
_LEGEND = (
    "speed-up: grok step of the control of the same seed / own, 95 % interval over seeds; >, <, ≥: bounds, a run never"
    " got there"
)


@dataclass
class TerminalNotes(Footnotes):
    """The notes of one run on the terminal."""

    def mark(self, reason: str) -> Text:
        """Return what stands in the place of a number that does not exist."""
        return Text.assemble(NOTHING, (f" [{self.number(reason)}]", "dim"))

    def cell(self, value: Value, style: str = "") -> Text:
        """Return `92.1 80–101 ~†`: the value, its interval, and the signs of a flat spectrum and of an edge.

        Args:
            value: As a column read it.
            style: The value's, in rich's words.
        """
        if value is None:
            return Text()
        if isinstance(value, Undefined):
            return self.mark(value.reason)
        signs = self.signs(value)
        ends = f" {value.ends_text}" if value.ends_text else ""
        return Text.assemble((value.text, style), (ends, "dim"), f" {signs}" if signs else "")

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield sign and explanation of each note."""
        yield from self.meanings
        for reason, number in self.numbers.items():
            yield f"[{number}]", f"undefined: {reason}"


def frame() -> Table:
    """Return an empty table without lines."""
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)


def print_run(run: RunAnalysis, console: Console, *, crossed: bool = False) -> None:
    """Print the block of one run.

    Args:
        run: The analysed run.
        console: Where to; its width decides how many tasks stand side by side.
        crossed: Whether every source was put against every task, so that rows need full source names.
    """
    notes, view = TerminalNotes(), RunView(run)
    tasks = ", ".join(run.tasks) if run.tasks else "none named"
    facts = f"  tasks {tasks} · {view.recorded_steps} · P {count(run.n_selected)} · {run.state}"
    console.print(Text.assemble((run.name, "bold"), facts))
    for verdict in headline_verdicts(run):
        console.print(Padding(Text(verdict.words), (0, 0, 0, 2)))
    if run.metrics:
        console.print(Padding(_milestones(view, notes), (0, 0, 1, 2)))
    for basis in view.bases:
        matrix = view.matrix(*basis, full_names=crossed)
        console.print(_caption(run, matrix))
        for table in _matrix_tables(matrix, columns_for("terminal", SOURCES), console.width, notes):
            console.print(table)
        if with_phases := matrix.with_phases:
            console.print(Text("\nmean R̄_k over checkpoints (their number) before, at and after the grok step"))
        for part in with_phases:
            if len(matrix.tasks) > 1:
                console.print(Text(part.tasks[0], style="bold"))
            phases = [_with_common_n(part, column) for column in columns_for("terminal", PHASES)]
            for table in _matrix_tables(part, phases, console.width, notes):
                console.print(table)
    if not run.coupling:
        console.print(_spectra(run, notes))
    console.print(_explanations([*notes.lines(), *view.remarks]))


def _milestones(view: RunView, notes: TerminalNotes) -> Table:
    """Return one line per task: when it grokked and what happened to its centroids."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns = columns_for("terminal", MILESTONES)
    table.add_column("task", no_wrap=True)
    for column in columns:
        table.add_column(column.title, overflow="ellipsis")
    for row in view.task_results:
        table.add_row(Text(row.metrics.task), *(notes.cell(column.read(row)) for column in columns))
    return table


def _caption(run: RunAnalysis, matrix: SourceMatrix) -> Text:
    settings = run.settings
    n_probes = max((series.n_probes for series in run.rank90), default=0)
    epsilon = f", ε = {settings.epsilon:g}" if settings.method == "central" else ""
    words = (
        f"W {matrix.window}, K {matrix.rank}, {settings.align} · {settings.words('centroid')},"
        f" {settings.words('method')}{epsilon} · N {n_probes}"
    )
    if any(varied_by(series.source) for series in run.coupling):
        words += f" · B {_n_batches(run)}"
    return Text.assemble(("R̄_k", "bold"), ", 95 % interval  ", (words, "dim"))


def _n_batches(run: RunAnalysis) -> int:
    """Return the fixed batches that were taken: fewer than were asked for where the pool is the only one."""
    by_batch = [point.effective_examples for series in run.coupling for point in series.points]
    numbers = [len(each) for each in by_batch if each is not None and not isinstance(each, Undefined)]
    return max(numbers, default=run.settings.batches)


def _spectra(run: RunAnalysis, notes: TerminalNotes) -> Table:
    """Return the last window of each source, which is what there is where no coupling is known."""
    table = frame()
    columns = columns_for("terminal", SPECTRA)
    table.add_column("source", no_wrap=True)
    for column in columns:
        table.add_column(column.title, no_wrap=True, justify="right")
    for series in run.spectra:
        window = last_window(series)
        if isinstance(window, Undefined):
            table.add_row(Text(series.source), notes.mark(window.reason))
        else:
            table.add_row(Text(series.source), *(notes.cell(column.read(window)) for column in columns))
    return table


def _explanations(lines: Iterable[tuple[str, str]]) -> Table:
    """Return signs in one column, wrapped explanations in the next."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sign, explanation in lines:
        table.add_row(Text(f"  {sign}"), Text(explanation))
    return table


def _with_common_n(matrix: SourceMatrix, column: ResultColumn[CouplingSeries]) -> ResultColumn[CouplingSeries]:
    """Return a column of means whose head says over how many checkpoints; a cell where it is over another number."""
    means = [mean for series in matrix.cells.values() if isinstance(mean := column.read(series), Reading)]
    n, _ = Counter(mean.n for mean in means).most_common(1)[0] if means else (0, 0)

    def read(series: CouplingSeries) -> Value:
        mean = column.read(series)
        return replace(mean, n=0) if isinstance(mean, Reading) and mean.n == n else mean

    return replace(column, title=f"{column.title} ({n})", read=read)


def _matrix_tables(matrix: SourceMatrix, columns: Columns, width: int, notes: TerminalNotes) -> Iterator[Table]:
    """Yield the matrix, cut into as many tables as the width in characters asks for."""
    measured = [column for column in columns if column.has_interval]
    tasks = matrix.tasks
    widths = [
        max(_CELL_WIDTH, *(len(_cell(matrix, label, task, column, TerminalNotes())) + 2 for label in matrix.labels))
        for task in tasks
        for column in measured
    ]
    room = width - max((len(label) for label in matrix.labels), default=0) - 2
    fits = sum(widths) <= room
    longest_title = max(len(column.title) for column in measured)
    most = len(tasks) if fits else max(1, (room - longest_title - 4) // max(widths))
    per_table = _even(len(tasks), most)
    for first in range(0, len(tasks), per_table):
        shown = tasks[first : first + per_table]
        yield _side_by_side(matrix, shown, columns, notes) if fits else _stacked(matrix, shown, measured, notes)


def _even(n_tasks: int, most: int) -> int:
    """Return the tasks per table, at most `most`, such that the tables are as equal as they can be."""
    tables = -(-n_tasks // most)
    return -(-n_tasks // max(1, tables))


def _side_by_side(matrix: SourceMatrix, tasks: Sequence[str], columns: Columns, notes: TerminalNotes) -> Table:
    """Return all columns of a task beside one another; those without interval where there is one task alone."""
    columns = [
        column
        for column in columns
        if column.has_interval
        or (len(tasks) == 1 and any(matrix.value(label, tasks[0], column) is not None for label in matrix.labels))
    ]
    table = frame()
    table.add_column("source", no_wrap=True)
    for task in tasks:
        for column in columns:
            title = column.title if len(tasks) == 1 else f"{task} {column.title}"
            width, justify = (_CELL_WIDTH - 2, "left") if column.has_interval else (None, "right")
            table.add_column(Text(title), no_wrap=True, min_width=width, justify=justify)  # type: ignore[arg-type]
    for label in matrix.labels:
        table.add_row(Text(label), *(_cell(matrix, label, task, each, notes) for task in tasks for each in columns))
    return table


def _stacked(matrix: SourceMatrix, tasks: Sequence[str], columns: Columns, notes: TerminalNotes) -> Table:
    """Return the columns of a task above one another."""
    table = frame()
    table.add_column("source", no_wrap=True)
    table.add_column("")
    for task in tasks:
        table.add_column(Text(task), no_wrap=True, min_width=_CELL_WIDTH - 2, overflow="ellipsis")
    for label in matrix.labels:
        for column in columns:
            cells = [_cell(matrix, label, task, column, notes) for task in tasks]
            table.add_row(Text(label if column is columns[0] else ""), Text(column.title, style="dim"), *cells)
    return table


def _cell(
    matrix: SourceMatrix, label: str, task: str, column: ResultColumn[CouplingSeries], notes: TerminalNotes
) -> Text:
    style = "bold" if column.has_interval else "dim"
    return notes.cell(matrix.value(label, task, column), style)


def print_comparison(comparison: InterventionComparison, console: Console) -> None:
    """Print every cohort and task in which anything was done."""
    for cohort, task, sentences in comparison_findings(comparison):
        where = " · ".join(filter(None, (cohort.label, f"task {task.task}")))
        notes = TerminalNotes()
        console.print(Text.assemble(("interventions", "bold"), f"  {where}"))
        legend = f"thresholds: of test {task.milestones.accuracy}; {_LEGEND}"
        console.print(Padding(Text(legend, style="dim"), (0, 0, 0, 2)))
        for line in _lines(task.groups, notes):
            console.print(line)
        for sign, explanation in notes.lines():
            console.print(Text(f"  {sign} {explanation}", style="dim"))
        for words in sentences:
            console.print(Padding(Text(f"• {plain(words)}"), (0, 0, 0, 2)))
        for note in cohort.notes:
            console.print(Padding(Text(f"note: {note}", style="dim"), (0, 0, 0, 2)))
        console.print()


def _lines(groups: Sequence[TreatmentGroup], notes: TerminalNotes) -> Iterator[Text]:
    """Yield heads, then two lines for each intervention: names are too long to stand beside numbers."""
    columns = columns_for("terminal", INTERVENTIONS)
    rows = [tuple(notes.cell(column.read(group)) for column in columns) for group in groups]
    heads = tuple(Text(column.title, style="dim") for column in columns)
    widths = [max(map(len, column)) + _GAP for column in zip(heads, *rows, strict=True)]
    yield _aligned(heads, widths)
    for group, row in zip(groups, rows, strict=True):
        yield Text(f"  {group.label}")
        yield _aligned(row, widths)


def _aligned(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text("    ")
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - len(cell)))
    line.rstrip()
    return line
