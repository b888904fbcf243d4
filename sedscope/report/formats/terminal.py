"""The headline on the terminal: for each run its tasks, milestones and the source × task matrix of R̄_k.

Takes results and a console, so that a test compares text. Every foreign name arrives printable from `sedscope.runs` and
is only ever put into `Text`, never into markup. Leaves to others: every number.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.columns import MILESTONES, SPECTRA
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.result_view.run_view import (
    SourceMatrix,
    last_window,
    recorded_steps,
    remarks,
    source_matrices,
    task_results,
)
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.terminal_cells import TerminalNotes, frame
from sedscope.report.formats.terminal_matrix import matrix_tables


def print_run(run: RunAnalysis, console: Console, *, crossed: bool = False) -> None:
    """Print the block of one run.

    Args:
        run: The analysed run.
        console: Where to; its width decides how many tasks stand side by side.
        crossed: Whether every source was put against every task, so that rows need full source names.
    """
    notes = TerminalNotes()
    console.print(_headline(run))
    if run.metrics:
        console.print(Padding(_milestones(run, notes), (0, 0, 1, 2)))
    for matrix in source_matrices(run, full_names=crossed):
        console.print(_caption(run, matrix))
        for table in matrix_tables(matrix, console.width, notes):
            console.print(table)
    if not run.coupling:
        console.print(_spectra(run, notes))
    console.print(_explanations([*notes.lines(), *remarks(run)]))


def _headline(run: RunAnalysis) -> Text:
    tasks = ", ".join(run.tasks) if run.tasks else "none named"
    facts = f"  tasks {tasks} · {recorded_steps(run)} · P {count(run.n_selected)} · {run.state}"
    return Text.assemble((run.name, "bold"), facts)


def _milestones(run: RunAnalysis, notes: TerminalNotes) -> Table:
    """Return one line per task: when it grokked and what happened to its centroids."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns = columns_for("terminal", MILESTONES)
    table.add_column("task", no_wrap=True)
    for column in columns:
        table.add_column(column.title, overflow="ellipsis")
    for row in task_results(run):
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
    if any(is_control(series.source) for series in run.coupling):
        words += f" · {settings.draws} draw{'' if settings.draws == 1 else 's'}"
    return Text.assemble(("R̄_k", "bold"), ", 95 % interval  ", (words, "dim"))


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
