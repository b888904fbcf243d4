"""The comparison as a section of the report: for each cohort and task its quotients, its seeds, its curves and R̄_k."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from sedscope.analysis.interventions import Cohort, InterventionComparison, Outcome, TaskComparison, TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import SpeedUp
from sedscope.analysis.interventions.time_quotients import QuotientBounds
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.number_text import short, span
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.group_rbar import GroupRbar, rbar_of, sources_of
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.comparison.words import interval_text, mean_ends, mean_text, ratio_text, steps, times
from sedscope.report.document import Block, Cell, Code, Column, Items, Notes, Paragraph, Section, Table, Term, Words
from sedscope.report.plots.interventions_figure import accuracies_figure
from sedscope.report.sections.cells import EMPTY, estimated, name, names_column, number
from sedscope.report.sections.run_section import figure, side_by_side

ANCHOR = "comparison"
_CURVES: Words = (
    "Mean over runs with their range as a band, up to where the first run of the intervention ends; each run further on"
    " is a thin line.",
)


def comparison_section(comparison: InterventionComparison, analyses: Sequence[RunAnalysis]) -> Section:
    """Everything that was compared."""
    sections = [
        _section(cohort, task, analyses, f"{ANCHOR}-{place + 1}")
        for place, (cohort, task, _) in enumerate(comparison_findings(comparison))
    ]
    words: Words = (
        "Runs are paired by seed within one command, model and optimizer. ", Term("speedup", "Speed-up"),
        ": grok step of the control over that of the run; a run that never got there leaves a bound and stays in every"
        " number. Norm kept: median share of the norm that was let through. Basis: whether the rows of the window were"
        " taken after the projection (applied) or before it (raw).",
    )  # fmt: skip
    nothing = Paragraph(("No run with an intervention names a task, so nothing is timed.",), "warning")
    return Section("Interventions", ANCHOR, (Paragraph(words),) if sections else (nothing,), tuple(sections))


def comparison_words(comparison: InterventionComparison) -> Iterator[Block]:
    """The sentences, for the top of the report."""
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
    blocks: list[Block | None] = [
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
    return Section(title, anchor, tuple(block for block in blocks if block is not None))


def _quotients(task: TaskComparison) -> Table:
    """One row for each intervention."""
    notes = Notes()
    columns = (
        names_column("intervention"), Column("reached 0.5"),
        Column(Term("restricted", "mean t")), Column("median t"), Column(Term("speedup", "speed-up")),
        Column("at 0.98"), Column("norm kept"),
    )  # fmt: skip
    rows = tuple(_quotient_row(group, notes) for group in task.groups)
    caption: Words = (
        "Mean over seeds with its 95 % ", Term("interval_seeds", "interval over seeds"), "; > and < mark bounds,"
        " which are followed by the quotient of ", Term("restricted", "restricted means"), ".",
    )  # fmt: skip
    return Table("speedups", columns, rows, caption, tuple(notes.reasons))


def _quotient_row(group: TreatmentGroup, notes: Notes) -> tuple[Cell, ...]:
    reaching = group.reaching[0]
    gains = [_gain(one, notes) for one in group.speedups] or [Cell("1", detail="by definition"), Cell("1")]
    return (
        name(group.label),
        Cell(f"{reaching.reached} of {reaching.n}"),
        _mean(reaching.mean, notes),
        notes.cell(reaching.median.reason) if isinstance(reaching.median, Undefined) else Cell(steps(reaching.median)),
        *gains,
        _kept(group, notes),
    )


def _mean(mean: Average | Undefined, notes: Notes) -> Cell:
    return notes.cell(mean.reason) if isinstance(mean, Undefined) else Cell(mean_text(mean), detail=mean_ends(mean))


def _gain(speedup: SpeedUp, notes: Notes) -> Cell:
    average = speedup.average
    if speedup.bound is not None:
        detail = "" if isinstance(average, Undefined) else f"{times(average.value)} {interval_text(average)}"
        return Cell(ratio_text(speedup.bound), detail=detail)
    if isinstance(average, Undefined):
        return notes.cell(average.reason)
    return Cell(times(average.value), detail=interval_text(average))


def _kept(group: TreatmentGroup, notes: Notes) -> Cell:
    if isinstance(group.norm_kept, Undefined):
        return notes.cell(group.norm_kept.reason) if group.treatment.acts else EMPTY
    low, middle, high = group.norm_kept
    return Cell(short(middle, 2), detail=span(low, high) if low < high else "")


def _beside(task: TaskComparison) -> Table | None:
    """Kept subspaces beside no movement, SED ones beside random ones."""
    notes = Notes()
    rows = []
    for group in task.groups:
        for one in group.beside:
            cells = [_gain(speedup, notes) for speedup in one.speedups]
            rows.append((name(group.label), Cell(one.speedups[0].reference, is_name=True), *cells))
        if group.no_freeze is not None:
            rows.append((name(group.label), notes.cell(group.no_freeze.reason), EMPTY, EMPTY))
    if not rows:
        return None
    columns = (
        names_column("intervention"), Column("beside", "left"), Column(Term("speedup", "how much earlier")),
        Column("at 0.98"),
    )  # fmt: skip
    caption: Words = (
        "The same runs against weights that stand still (after as many unmodified steps, K 0, where that was run, else"
        " freeze) and against random subspaces: where the interval holds 1, the comparison cannot tell the two apart.",
    )
    return Table("beside", columns, tuple(rows), caption, tuple(notes.reasons))


def _seeds(task: TaskComparison) -> Table:
    """One row for each run."""
    notes = Notes()
    columns = (
        names_column("intervention"), Column("seed"), Column(Term("grok", "grok step")), Column("at 0.98"),
        Column("memorised"), Column("delay"), Column("every"), Column("to t"), Column(Term("speedup", "speed-up")),
        Column("at 0.98"),
    )  # fmt: skip
    rows = tuple(_seed_row(group, one, task.task, notes) for group in task.groups for one in group.runs)
    caption: Words = ("Every run; every: steps between evaluations; to t: the last one.",)
    return Table("seeds", columns, rows, caption, tuple(notes.reasons))


def _seed_row(group: TreatmentGroup, one: Outcome, task: str, notes: Notes) -> tuple[Cell, ...]:
    found = one.on(task)
    assert found is not None
    grokking = found.grokking
    milestones = [each if isinstance(each, Undefined) else each.t for each in (*grokking.grok, grokking.memorised)]
    cadences = [each.cadence for each in (*grokking.grok, grokking.memorised) if isinstance(each, Crossing)]
    known = [each for each in cadences if not isinstance(each, Undefined)]
    return (
        name(group.label),
        Cell(str(one.seed), detail="" if one.is_complete else one.ending),
        *(number(each, notes) for each in milestones[:2]),
        number(milestones[2], notes),
        number(grokking.delay, notes),
        number(known[0], notes) if known else EMPTY,
        number(found.followed_to, notes),
        *_pair_cells(group, one, notes),
    )


def _pair_cells(group: TreatmentGroup, one: Outcome, notes: Notes) -> Iterable[Cell]:
    """Of this run's seed; several runs of a seed share it."""
    if not group.speedups:
        return (EMPTY, EMPTY)
    return [_pair_cell(speedup, str(one.seed), notes) for speedup in group.speedups]


def _pair_cell(speedup: SpeedUp, seed: str, notes: Notes) -> Cell:
    found = next((pair.quotient for pair in speedup.pairs if pair.seed == seed), None)
    if isinstance(found, QuotientBounds):
        return Cell(ratio_text(found))
    absent = found.reason if isinstance(found, Undefined) else dict(speedup.unpaired).get(seed, "it has no pair")
    return notes.cell(absent)


def _rbar(task: TaskComparison, analyses: Sequence[RunAnalysis]) -> Table | None:
    """Final R̄_k of every intervention."""
    found = {group.label: {one.source: one for one in rbar_of(group, task.task, analyses)} for group in task.groups}
    sources = [one for one in sources_of(task.task) if any(one in by_source for by_source in found.values())]
    if not sources:
        return None
    notes = Notes()
    rows = []
    for label, by_source in found.items():
        rows.append((name(label), *(_mean_cell(by_source.get(one), notes) for one in sources)))
    columns = (names_column("intervention"), *(Column(source) for source in sources))
    caption: Words = (
        "Final ", Term("R", "R̄_k"), f", centroids of {task.task}; mean over runs with ", Term("seeds", "interval"), ".",
    )  # fmt: skip
    return Table("interventions-rbar", columns, tuple(rows), caption, tuple(notes.reasons))


def _mean_cell(found: GroupRbar | None, notes: Notes) -> Cell:
    """The mean; one run stands for itself."""
    if found is None:
        return EMPTY
    (*others, last) = found.values
    if not others and not isinstance(last, Undefined):
        return Cell(short(last), detail="one run")
    return estimated(found.mean, notes)
