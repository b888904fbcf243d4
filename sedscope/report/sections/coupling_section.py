"""R̄_k of every source: over training, and as the source × task matrix of peak and final."""

from __future__ import annotations

from recorders.format import parse_source
from sedscope.analysis.sources.variants import is_control
from sedscope.report.document import Block, Cell, Column, Figure, Name, Notes, Paragraph, Section, Table, Term, Words
from sedscope.report.plots.ratio_figure import control_band, ratio_figure
from sedscope.report.sections.cells import EMPTY, moment, name, names_column
from sedscope.report.sections.run_section import Part, figure, not_measured, side_by_side


def coupling_section(part: Part) -> Section:
    """Figures by task, then the matrix."""
    title = f"Coupling (W {part.window}, K {part.rank})"
    if not part.series:
        reason = "; ".join(part.run.notes) or "no task has a probe"
        return part.section(title, "coupling", not_measured("Coupling to features", reason))
    figures = [_figure(part, task, place) for place, task in enumerate(part.run.tasks)]
    table = _matrix(part)
    return part.section(title, "coupling", _introduction(part), side_by_side(*figures), table)


def _introduction(part: Part) -> Block:
    controls = any(is_control(one.source) for one in part.series)
    crossed: Words = (" ", Term("crossed", "Crossed"), " pairs stand in the table.") if is_crossed(part) else ()
    words: Words = (
        Term("R", "R̄_k"), " over training with its ", Term("interval", "95 % interval"),
        "; thin where the window is short. ",
    )  # fmt: skip
    if controls:
        return Paragraph((*words, "Grey: the ", Term("control_band", "controls"),
                          "; a source inside the band shows no more than they do.", *crossed))  # fmt: skip
    return Paragraph((*words, "No control was measured, so the figures lack their ",
                      Term("control_band", "band"), "."), "warning")  # fmt: skip


def _figure(part: Part, task: str, place: int) -> Figure | None:
    series = [one for one in part.series if one.task == task and _is_own(one.source, task)]
    ranks = next((one for one in part.run.rank90 if one.task == task), None)
    anchor = f"{part.anchor}-w{part.window}k{part.rank}-coupling-{place}"
    band = " with the band of the controls" if control_band(series) else ""
    alt = f"Coupling ratio of {len(series)} sources against the centroids of {task} over t, logarithmic{band}."
    caption: Words = ("Centroids of ", Name(task), "; beneath, ", Term("rank90", "rank-90"), ".")
    return figure(ratio_figure(series, ranks, anchor), anchor, alt, caption)


def _is_own(source: str, task: str) -> bool:
    parsed = parse_source(source)
    return parsed is None or parsed.task in (None, task)


def _matrix(part: Part) -> Table:
    """Source × task; one row for each task's own source where nothing is crossed."""
    tasks = [task for task in part.run.tasks if any(one.task == task for one in part.series)]
    labels = dict.fromkeys(_label(part, one.source) for one in part.series)
    notes = Notes()
    columns = [names_column("source")]
    for task in tasks:
        columns += [Column(f"{task} peak" if len(tasks) > 1 else "peak"),
                    Column(f"{task} final" if len(tasks) > 1 else "final")]  # fmt: skip
    rows = tuple((name(label), *_cells(part, label, tasks, notes)) for label in labels)
    caption: Words = (
        Term("R", "R̄_k"), " at its ", Term("peak", "peak and at the end"), ", sources down, centroids across; ",
        Term("interval", "95 % interval"), " beside.",
    )  # fmt: skip
    return Table("matrix", tuple(columns), rows, caption, tuple(notes.reasons), notes.marks())


def _cells(part: Part, label: str, tasks: list[str], notes: Notes) -> list[Cell]:
    cells = []
    for task in tasks:
        series = part.of(label.replace(_OWN, task), task)
        cells += [EMPTY if series is None else moment(series, at, notes) for at in ("peak", "final")]
    return cells


_OWN = "<task>"


def _label(part: Part, source: str) -> str:
    """`fixed_gradient/<task>` where each task's own source stands in its own column alone."""
    parsed = parse_source(source)
    if parsed is None or parsed.task is None or len(part.run.tasks) < 2 or is_crossed(part):
        return source
    return f"{parsed.family}/{_OWN}"


def is_crossed(part: Part) -> bool:
    """Whether a source of one task was put against another task."""
    parsed = [(parse_source(one.source), one.task) for one in part.series]
    return any(source is not None and source.task not in (None, task) for source, task in parsed)
