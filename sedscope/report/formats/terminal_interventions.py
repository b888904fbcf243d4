"""The comparison on the terminal: a few numbers for each intervention, its name above them, and sentences below.

Foreign names arrive printable and are only ever put into `Text`. Leaves to others: every number and every word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sedscope.analysis.interventions import InterventionComparison, TreatmentGroup
from sedscope.analysis.result_view.intervention_columns import INTERVENTIONS
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.document import plain
from sedscope.report.formats.terminal_cells import TerminalNotes

_GAP = 2
_LEGEND = (
    "speed-up: grok step of the control of the same seed / own, 95 % interval over seeds; >, <, ≥: bounds, a run never"
    " got there"
)


def print_comparison(comparison: InterventionComparison, console: Console) -> None:
    """Print every cohort and task in which anything was done."""
    for cohort, task, sentences in comparison_findings(comparison):
        where = " · ".join(filter(None, (cohort.label, f"task {task.task}")))
        notes = TerminalNotes()
        console.print(Text.assemble(("interventions", "bold"), f"  {where}"))
        console.print(Padding(Text(_LEGEND, style="dim"), (0, 0, 0, 2)))
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
    rows = [tuple(notes.cell(column.read(group), empty="") for column in columns) for group in groups]
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
