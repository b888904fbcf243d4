"""When each task was memorised and grokked."""

from __future__ import annotations

from sedscope.analysis.result_view.columns import MILESTONES
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.result_view.run_view import task_results
from sedscope.report.document import CellNotes, Section, Table
from sedscope.report.plots.accuracy_figure import accuracy_figure
from sedscope.report.sections.cells import heads, name, names_column, value_cell
from sedscope.report.sections.run_section import RunAtBasis, figure, not_measured, side_by_side


def milestones_section(basis: RunAtBasis) -> Section:
    """Return milestones and accuracies of the run."""
    run = basis.run
    if not run.metrics:
        return basis.section("Metrics", "metrics", not_measured("Milestones", "the run names no task"))
    notes = CellNotes()
    columns = columns_for("page", MILESTONES)
    rows = tuple(
        (name(row.metrics.task), *(value_cell(column.read(row), notes) for column in columns))
        for row in task_results(run)
    )
    caption = ("First evaluated t with test accuracy ≥ 0.5 and ≥ 0.98, with train accuracy ≥ 0.99; delay: grok step"
               " − memorisation step.",)  # fmt: skip
    table = Table("milestones", (names_column("task"), *heads(columns)), rows, caption, tuple(notes.numbers))
    anchor = f"{basis.anchor}-accuracy"
    svg = accuracy_figure(basis.facts, run.tasks, anchor)
    alt = f"Train and test accuracy of {', '.join(run.tasks)} over t."
    return basis.section(
        "Metrics", "metrics", table, side_by_side(figure(svg, anchor, alt, ("Accuracy over training.",)))
    )
