"""The comparison as a section of the report: for each cohort and task its quotients, its seeds, its curves and R̄_k."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from sedscope.analysis.interventions import Cohort, InterventionComparison, TaskComparison
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.intervention_columns import (
    INTERVENTIONS,
    REFERENCES,
    treated_run_columns,
    treated_runs,
)
from sedscope.analysis.result_view.number_text import short
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.document import (
    Code,
    ColumnHead,
    Content,
    Items,
    Name,
    Paragraph,
    Section,
    Table,
    TableCell,
    Term,
    Words,
)
from sedscope.report.groups import GroupRbar, rbar_of, sources_of
from sedscope.report.plots.run_figures import accuracies_figure
from sedscope.report.sections.contents import Entry, figure, heads, section, side_by_side, table_of, values

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
        _interventions(task),
        side_by_side(drawn),
        _references(task),
        _treated_runs(task),
        _rbar(task, analyses),
        Items(tuple((note,) for note in cohort.notes)) if cohort.notes else None,
        Paragraph(("The trainings' command, without the seed:",)),
        Code(shlex.join(cohort.command) or "unknown"),
    ]
    title = ", ".join(filter(None, (cohort.label, f"Task {task.task}")))
    return section(title, anchor, contents)


def _interventions(task: TaskComparison) -> Table:
    columns = columns_for("page", INTERVENTIONS)
    caption: Words = (
        f"Thresholds are of test {task.milestones.accuracy}. Mean over seeds with its 95 % ",
        Term("interval_seeds", "interval over seeds"), "; > and < mark bounds, whose interval is open on that side;"
        " where nothing bounds a speed-up, it is the quotient of ", Term("restricted", "restricted means"), ".",
    )  # fmt: skip
    rows = ((Name(group.label), *values(columns, group)) for group in task.groups)
    return table_of("speedups", ("intervention", *heads(columns)), rows, caption)


def _references(task: TaskComparison) -> Table | None:
    """Return kept subspaces beside no movement, SED ones beside random ones; None where there is neither."""
    columns = columns_for("page", REFERENCES)
    rows: list[list[Entry]] = []
    for group in task.groups:
        for beside in group.beside:
            rows.append([Name(group.label), Name(beside.speedups[0].reference), *values(columns, beside)])
        if group.no_freeze is not None:
            rows.append([Name(group.label), group.no_freeze, *[None] * len(columns)])
    caption: Words = (
        "The same runs against weights that stand still (after as many unmodified steps, K 0, where that was run, else"
        " freeze) and against random subspaces: where the interval holds 1, the comparison cannot tell the two apart.",
    )
    titles = ("intervention", ColumnHead("beside", "left"), *heads(columns))
    return table_of("beside", titles, rows, caption) if rows else None


def _treated_runs(task: TaskComparison) -> Table:
    columns = columns_for("page", treated_run_columns())
    rows = (
        (
            Name(row.group.label),
            TableCell(str(row.run.seed), detail="" if row.run.is_complete else row.run.ending),
            *values(columns, row),
        )
        for group in task.groups
        for row in treated_runs(group, task.task)
    )
    caption: Words = ("Every run; every: steps between evaluations; to t: the last one.",)
    return table_of("seeds", ("intervention", "seed", *heads(columns)), rows, caption)


def _rbar(task: TaskComparison, analyses: Sequence[RunAnalysis]) -> Table | None:
    """Return the final R̄_k of every intervention; None where no source was analysed."""
    by_group = {
        group.label: {rbar.source: rbar for rbar in rbar_of(group, task.task, analyses)} for group in task.groups
    }
    sources = [
        source for source in sources_of(task.task) if any(source in by_source for by_source in by_group.values())
    ]
    rows = (
        (Name(label), *(_mean_rbar(by_source.get(source)) for source in sources))
        for label, by_source in by_group.items()
    )
    caption: Words = (
        "Final ", Term("R", "R̄_k"), f", centroids of {task.task}; mean over runs with ", Term("seeds", "interval"), ".",
    )  # fmt: skip
    return table_of("interventions-rbar", ("intervention", *sources), rows, caption) if sources else None


def _mean_rbar(rbar: GroupRbar | None) -> Entry:
    """Return the mean over runs; one run stands for itself."""
    if rbar is None:
        return None
    (*others, last) = rbar.values
    if not others and not isinstance(last, Undefined):
        return TableCell(short(last), detail="one run")
    return rbar.mean
