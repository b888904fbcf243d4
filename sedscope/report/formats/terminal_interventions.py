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
from sedscope.report.footnotes import Footnotes

_HEADS = ("reached 0.5", "at t", "speed-up", "at 0.98", "norm kept")
_GAP = 2
_LEGEND = (
    "speed-up: grok step of the control of the same seed / own, 95 % interval over seeds; >, <, ≥: bounds, a run never"
    " got there"
)


def print_comparison(comparison: InterventionComparison, console: Console) -> None:
    """Prints every cohort and task in which anything was done."""
    for cohort, task, sentences in comparison_findings(comparison):
        where = " · ".join(filter(None, (cohort.label, f"task {task.task}")))
        footnotes = Footnotes()
        console.print(Text.assemble(("interventions", "bold"), f"  {where}"))
        console.print(Padding(Text(_LEGEND, style="dim"), (0, 0, 0, 2)))
        for line in _lines(task.groups, footnotes):
            console.print(line)
        for mark, text in footnotes.lines():
            console.print(Text(f"  {mark} {text}", style="dim"))
        for words in sentences:
            console.print(Padding(Text(f"• {plain(words)}"), (0, 0, 0, 2)))
        for note in cohort.notes:
            console.print(Padding(Text(f"note: {note}", style="dim"), (0, 0, 0, 2)))
        console.print()


def _lines(groups: Sequence[TreatmentGroup], footnotes: Footnotes) -> Iterator[Text]:
    """Heads, then two lines for each intervention: names are too long to stand beside numbers."""
    rows = [_row(group, footnotes) for group in groups]
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


def _row(group: TreatmentGroup, footnotes: Footnotes) -> tuple[Text, ...]:
    reaching = group.reaching[0]
    gains = [_gain(one, footnotes) for one in group.speedups] or [Text("1"), Text("1")]
    return (
        Text(f"{reaching.reached} of {reaching.n}"),
        _steps(group, footnotes),
        *gains,
        _kept(group, footnotes),
    )


def _steps(group: TreatmentGroup, footnotes: Footnotes) -> Text:
    mean = group.reaching[0].mean
    if isinstance(mean, Undefined):
        return footnotes.mark(mean.reason)
    return Text.assemble(mean_text(mean), (f" {mean_ends(mean)}".rstrip(), "dim"))


def _gain(speedup: SpeedUp, footnotes: Footnotes) -> Text:
    """A bound alone where a run never got there: restricted means stand in the sentences."""
    average = speedup.average
    if speedup.bound is not None:
        return Text(ratio_text(speedup.bound))
    if isinstance(average, Undefined):
        return footnotes.mark(average.reason)
    ends = "one seed" if isinstance(average.ends, Undefined) else between(average.ends)
    return Text.assemble(times(average.value), (f" {ends}", "dim"))


def _kept(group: TreatmentGroup, footnotes: Footnotes) -> Text:
    if isinstance(group.norm_kept, Undefined):
        return footnotes.mark(group.norm_kept.reason) if group.treatment.acts else Text("")
    low, middle, high = group.norm_kept
    return Text.assemble(short(middle, 2), (f" {span(low, high)}" if low < high else "", "dim"))
