"""The comparison as a section of the report: for each cohort and task its quotients, its seeds, its curves and R̄_k."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from sedscope.analysis.interventions import Cohort, InterventionComparison, Outcome, TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import Pair, SpeedUp
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.columns import evaluation_cadence
from sedscope.analysis.result_view.number_text import short, span
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.group_rbar import GroupRbar, rbar_of, sources_of
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.comparison.words import interval_text, mean_ends, mean_text, ratio_text, steps, times
from sedscope.report.document import (
    CellNotes,
    Code,
    ColumnHead,
    Content,
    Items,
    Paragraph,
    Section,
    Table,
    TableCell,
    Term,
    Words,
)
from sedscope.report.plots.interventions_figure import accuracies_figure
from sedscope.report.sections.cells import EMPTY, estimated, name, names_column, number
from sedscope.report.sections.run_section import figure, side_by_side

ANCHOR = "comparison"
_CURVES: Words = (
    "Mean over runs with their range as a band, up to where the first run of the intervention ends; each run further on"
    " is a thin line.",
)


def comparison_section(comparison: InterventionComparison, analyses: Sequence[RunAnalysis]) -> Section:
    """Return everything that was compared."""
    sections = [
        _section(cohort, task, analyses, f"{ANCHOR}-{number}")
        for number, (cohort, task, _) in enumerate(comparison_findings(comparison), 1)
    ]
    words: Words = (
        "Runs are paired by seed within one command, model and optimizer. ", Term("speedup", "Speed-up"),
        ": grok step of the control over that of the run; a run that never got there leaves a bound and stays in every"
        " number. Norm kept: median share of the norm that was let through. Basis: whether the rows of the window were"
        " taken after the projection (applied) or before it (raw).",
    )  # fmt: skip
    nothing = Paragraph(("No run with an intervention names a task, so nothing is timed.",), "warning")
    return Section("Interventions", ANCHOR, (Paragraph(words),) if sections else (nothing,), tuple(sections))


def comparison_words(comparison: InterventionComparison) -> Iterator[Content]:
    """Yield the sentences, for the top of the report."""
    for cohort, task, sentences in comparison_findings(comparison):
        yield Paragraph(("Interventions, ", *_where(cohort, task), ":"))
        yield Items(sentences)


def _where(cohort: Cohort, task: TaskComparison) -> Words:
    return (f"{cohort.label}, task " if cohort.label else "task ", task.task)


def _section(cohort: Cohort, task: TaskComparison, analyses: Sequence[RunAnalysis], anchor: str) -> Section:
    drawn = figure(
        accuracies_figure(task, f"{anchor}-curves"),
        f"{anchor}-curves",
        f"Test accuracy of {task.task} over t for every intervention.",
        _CURVES,
    )
    contents: list[Content | None] = [
        _quotients(task),
        side_by_side(drawn),
        _beside(task),
        _seeds(task),
        _rbar(task, analyses),
        Items(tuple((note,) for note in cohort.notes)) if cohort.notes else None,
        Paragraph(("The trainings' command, without the seed:",)),
        Code(shlex.join(cohort.command) or "unknown"),
    ]
    title = ", ".join(filter(None, (cohort.label, f"Task {task.task}")))
    return Section(title, anchor, tuple(content for content in contents if content is not None))


def _quotients(task: TaskComparison) -> Table:
    """Return one row for each intervention."""
    notes = CellNotes()
    columns = (
        names_column("intervention"), ColumnHead("reached 0.5"),
        ColumnHead(Term("restricted", "mean t")), ColumnHead("median t"), ColumnHead(Term("speedup", "speed-up")),
        ColumnHead("at 0.98"), ColumnHead("norm kept"),
    )  # fmt: skip
    rows = tuple(_quotient_row(group, notes) for group in task.groups)
    caption: Words = (
        "Mean over seeds with its 95 % ", Term("interval_seeds", "interval over seeds"), "; > and < mark bounds,"
        " which are followed by the quotient of ", Term("restricted", "restricted means"), ".",
    )  # fmt: skip
    return Table("speedups", columns, rows, caption, tuple(notes.numbers))


def _quotient_row(group: TreatmentGroup, notes: CellNotes) -> tuple[TableCell, ...]:
    reaching = group.reaching[0]
    gains = [_gain(speedup, notes) for speedup in group.speedups] or [
        TableCell("1", detail="by definition"),
        TableCell("1"),
    ]
    return (
        name(group.label),
        TableCell(f"{reaching.reached} of {reaching.n}"),
        _mean(reaching.mean, notes),
        _median(reaching.median, notes),
        *gains,
        _norm_kept(group, notes),
    )


def _median(median: float | Undefined, notes: CellNotes) -> TableCell:
    return notes.cell(median.reason) if isinstance(median, Undefined) else TableCell(steps(median))


def _mean(mean: Average | Undefined, notes: CellNotes) -> TableCell:
    if isinstance(mean, Undefined):
        return notes.cell(mean.reason)
    return TableCell(mean_text(mean), detail=mean_ends(mean))


def _gain(speedup: SpeedUp, notes: CellNotes) -> TableCell:
    average = speedup.average
    if speedup.bound is not None:
        detail = "" if isinstance(average, Undefined) else f"{times(average.value)} {interval_text(average)}"
        return TableCell(ratio_text(speedup.bound), detail=detail)
    if isinstance(average, Undefined):
        return notes.cell(average.reason)
    return TableCell(times(average.value), detail=interval_text(average))


def _norm_kept(group: TreatmentGroup, notes: CellNotes) -> TableCell:
    if isinstance(group.norm_kept, Undefined):
        return notes.cell(group.norm_kept.reason) if group.treatment.acts else EMPTY
    low, median, high = group.norm_kept
    return TableCell(short(median, 2), detail=span(low, high) if low < high else "")


def _beside(task: TaskComparison) -> Table | None:
    """Return kept subspaces beside no movement, SED ones beside random ones; None where there is neither."""
    notes = CellNotes()
    rows = []
    for group in task.groups:
        for beside in group.beside:
            cells = [_gain(speedup, notes) for speedup in beside.speedups]
            rows.append((name(group.label), TableCell(beside.speedups[0].reference, is_name=True), *cells))
        if group.no_freeze is not None:
            rows.append((name(group.label), notes.cell(group.no_freeze.reason), EMPTY, EMPTY))
    if not rows:
        return None
    columns = (
        names_column("intervention"), ColumnHead("beside", "left"), ColumnHead(Term("speedup", "how much earlier")),
        ColumnHead("at 0.98"),
    )  # fmt: skip
    caption: Words = (
        "The same runs against weights that stand still (after as many unmodified steps, K 0, where that was run, else"
        " freeze) and against random subspaces: where the interval holds 1, the comparison cannot tell the two apart.",
    )
    return Table("beside", columns, tuple(rows), caption, tuple(notes.numbers))


def _seeds(task: TaskComparison) -> Table:
    """Return one row for each run."""
    notes = CellNotes()
    columns = (
        names_column("intervention"), ColumnHead("seed"), ColumnHead(Term("grok", "grok step")), ColumnHead("at 0.98"),
        ColumnHead("memorised"), ColumnHead("delay"), ColumnHead("every"), ColumnHead("to t"),
        ColumnHead(Term("speedup", "speed-up")), ColumnHead("at 0.98"),
    )  # fmt: skip
    rows = tuple(_seed_row(group, run, task.task, notes) for group in task.groups for run in group.runs)
    caption: Words = ("Every run; every: steps between evaluations; to t: the last one.",)
    return Table("seeds", columns, rows, caption, tuple(notes.numbers))


def _seed_row(group: TreatmentGroup, run: Outcome, task: str, notes: CellNotes) -> tuple[TableCell, ...]:
    outcome = run.on(task)
    assert outcome is not None
    grokking = outcome.grokking
    milestones = (*grokking.grok, grokking.memorised)
    return (
        name(group.label),
        TableCell(str(run.seed), detail="" if run.is_complete else run.ending),
        *(number(each if isinstance(each, Undefined) else each.t, notes) for each in milestones),
        number(grokking.delay, notes),
        number(evaluation_cadence(grokking), notes),
        number(outcome.followed_to, notes),
        *([_pair_cell(speedup.pair_of(run.seed), notes) for speedup in group.speedups] or (EMPTY, EMPTY)),
    )


def _pair_cell(pair: Pair | Undefined, notes: CellNotes) -> TableCell:
    ratio = pair if isinstance(pair, Undefined) else pair.quotient
    return notes.cell(ratio.reason) if isinstance(ratio, Undefined) else TableCell(ratio_text(ratio))


def _rbar(task: TaskComparison, analyses: Sequence[RunAnalysis]) -> Table | None:
    """Return the final R̄_k of every intervention; None where no source was analysed."""
    by_group = {
        group.label: {rbar.source: rbar for rbar in rbar_of(group, task.task, analyses)} for group in task.groups
    }
    sources = [
        source for source in sources_of(task.task) if any(source in by_source for by_source in by_group.values())
    ]
    if not sources:
        return None
    notes = CellNotes()
    rows = []
    for label, by_source in by_group.items():
        rows.append((name(label), *(_mean_rbar(by_source.get(source), notes) for source in sources)))
    columns = (names_column("intervention"), *(ColumnHead(source) for source in sources))
    caption: Words = (
        "Final ", Term("R", "R̄_k"), f", centroids of {task.task}; mean over runs with ", Term("seeds", "interval"), ".",
    )  # fmt: skip
    return Table("interventions-rbar", columns, tuple(rows), caption, tuple(notes.numbers))


def _mean_rbar(rbar: GroupRbar | None, notes: CellNotes) -> TableCell:
    """Return the mean over runs; one run stands for itself."""
    if rbar is None:
        return EMPTY
    (*others, last) = rbar.values
    if not others and not isinstance(last, Undefined):
        return TableCell(short(last), detail="one run")
    return estimated(rbar.mean, notes)
