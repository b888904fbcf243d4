"""When each task was memorised and grokked."""

from __future__ import annotations

from sedscope.analysis.pipeline.results import TaskMetrics
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Cell, Column, Notes, Section, Table, Term
from sedscope.report.plots.accuracy_figure import accuracy_figure
from sedscope.report.sections.cells import EMPTY, name, names_column, number
from sedscope.report.sections.run_section import Part, figure, not_measured, side_by_side


def metrics_section(part: Part) -> Section:
    """Milestones and accuracies."""
    run = part.run
    if not run.metrics:
        return part.section("Metrics", "metrics", not_measured("Milestones", "the run names no task"))
    notes = Notes()
    rows = tuple(_row(one, notes) for one in run.metrics)
    columns = (
        names_column("task"), Column(Term("grok", "grok step")), Column("at 0.98"), Column("memorised"),
        Column("delay"), Column("evaluated every"),
    )  # fmt: skip
    caption = ("First evaluated t with test accuracy ≥ 0.5 and ≥ 0.98, with train accuracy ≥ 0.99; delay: grok step"
               " − memorisation step.",)  # fmt: skip
    table = Table("milestones", columns, rows, caption, tuple(notes.reasons))
    anchor = f"{part.anchor}-accuracy"
    svg = accuracy_figure(part.facts, run.tasks, anchor)
    drawn = figure(
        svg, anchor, f"Train and test accuracy of {_listed(run.tasks)} over t.", ("Accuracy over training.",)
    )
    return part.section("Metrics", "metrics", table, side_by_side(drawn))


def _row(metrics: TaskMetrics, notes: Notes) -> tuple[Cell, ...]:
    grokking = metrics.grokking
    milestones = (*grokking.grok, grokking.memorised)
    steps = [number(one if isinstance(one, Undefined) else one.t, notes) for one in milestones]
    cadences = [one.cadence for one in milestones if isinstance(one, Crossing)]
    known = [one for one in cadences if not isinstance(one, Undefined)]
    return (
        name(metrics.task),
        *steps,
        number(grokking.delay, notes),
        Cell(f"{count(known[0])} steps") if known else EMPTY,
    )


def _listed(tasks: tuple[str, ...]) -> str:
    return ", ".join(tasks)
