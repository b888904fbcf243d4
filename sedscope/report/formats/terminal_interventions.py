"""The comparison on the terminal: a few numbers for each intervention, its name above them, and sentences below.

Foreign names arrive printable and are only ever put into `Text`. Leaves to others: every number and every word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sedscope.analysis.interventions import InterventionComparison, TreatmentGroup
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.result_view.number_text import between, short, span
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.comparison.words import mean_ends, mean_text, ratio_text, times
from sedscope.report.document import plain
from sedscope.report.formats.terminal_cells import TerminalNotes

_HEADS = ("reached 0.5", "at t", "speed-up", "at 0.98", "norm kept")
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
    rows = [_row(group, notes) for group in groups]
    heads = tuple(Text(head, style="dim") for head in _HEADS)
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


def _row(group: TreatmentGroup, notes: TerminalNotes) -> tuple[Text, ...]:
    reaching = group.reaching[0]
    gains = [_gain(speedup, notes) for speedup in group.speedups] or [Text("1"), Text("1")]
    return (
        Text(f"{reaching.reached} of {reaching.n}"),
        _steps(group, notes),
        *gains,
        _norm_kept(group, notes),
    )


def _steps(group: TreatmentGroup, notes: TerminalNotes) -> Text:
    mean = group.reaching[0].mean
    if isinstance(mean, Undefined):
        return notes.mark(mean.reason)
    return Text.assemble(mean_text(mean), (f" {mean_ends(mean)}".rstrip(), "dim"))


def _gain(speedup: SpeedUp, notes: TerminalNotes) -> Text:
    """Return the speed-up, a bound alone where a run never got there: restricted means stand in the sentences."""
    average = speedup.average
    if speedup.bound is not None:
        return Text(ratio_text(speedup.bound))
    if isinstance(average, Undefined):
        return notes.mark(average.reason)
    ends = "one seed" if isinstance(average.ends, Undefined) else between(average.ends)
    return Text.assemble(times(average.value), (f" {ends}", "dim"))


def _norm_kept(group: TreatmentGroup, notes: TerminalNotes) -> Text:
    if isinstance(group.norm_kept, Undefined):
        return notes.mark(group.norm_kept.reason) if group.treatment.acts else Text("")
    low, median, high = group.norm_kept
    return Text.assemble(short(median, 2), (f" {span(low, high)}" if low < high else "", "dim"))
