"""Several runs of one recipe: what holds over seeds."""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.number_text import between
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Cell, Column, Figure, Name, Notes, Section, Strong, Table, Term, Words
from sedscope.report.estimate import geometric_mean
from sedscope.report.finding import headline_basis
from sedscope.report.finding.case import Case, Contrast, contrast
from sedscope.report.finding.phrases import times
from sedscope.report.groups import Group, over_seeds
from sedscope.report.plots.seeds_figure import seeds_figure
from sedscope.report.sections.cells import estimated, name, names_column, number
from sedscope.report.sections.run_section import figure, side_by_side
from sedscope.report.select import find


def seeds_section(group: Group, place: int, label: str) -> Section:
    """One group of runs: milestones, figures and final R̄_k over seeds; `label` tells it from other groups."""
    anchor = f"seeds-{place}"
    first = group.runs[0].analysis
    basis = headline_basis(first)
    names = ", ".join(one.analysis.name for one in group.runs)
    title = f"Over {len(group.runs)} seeds{f', {label}' if label else ''}: {names}"
    blocks: list[Block | None] = [_milestones(group)]
    if basis is not None:
        blocks.append(
            side_by_side(*(_figure(group, task, basis, f"{anchor}-{k}") for k, task in enumerate(first.tasks)))
        )
        blocks += [_table(group, task, basis, k) for k, task in enumerate(first.tasks)]
    return Section(title, anchor, tuple(block for block in blocks if block is not None))


def seeds_words(group: Group, label: str) -> tuple[Words, ...]:
    """What the seeds say about the first contrast of the finding, for each task; arguments as for the section."""
    basis = headline_basis(group.runs[0].analysis)
    if basis is None:
        return ()
    return tuple(_words(group, task, basis, label) for task in group.runs[0].analysis.tasks)


def _words(group: Group, task: str, basis: tuple[int, int], label: str) -> Words:
    cases = [Case(one.analysis, task, *basis) for one in group.runs]
    parts: Words = ()
    pairs = (("displacement", "trajectory"), ("the shuffled-label control", "shuffled"))
    for other, attribute in pairs:
        found = [contrast(case.gradient, getattr(case, attribute), what=("a gradient source", other)) for case in cases]
        parts = (*parts, *(("; " if parts else ""), *_over(other, found)))
    whose: Words = (Strong(label), ": over") if label else ("Over",)
    seeds = ", ".join(group.seeds)
    return (*whose, f" {len(cases)} seeds ({seeds}), ", Name(task), ": ", *parts, ".")


def _over(label: str, found: list[Contrast | Undefined]) -> Words:
    known = [one for one in found if isinstance(one, Contrast)]
    if len(known) < len(found):
        reason = next(one.reason for one in found if isinstance(one, Undefined))
        return (f"the quotient to {label} is not known for {len(found) - len(known)} of {len(found)} ({reason})",)
    values = [one.factor.value for one in known]
    above = sum(one.verdict == "above" for one in known)
    spread = "–".join(times(value) for value in (min(values), max(values)))
    if min(values) <= 0.0:
        return (f"the quotient to {label} lies between {spread}",)
    return ("gradient over ", label, " ", Strong(times(geometric_mean(values))),
            f" (geometric mean; {spread}), above 1 by its interval in {above} of {len(known)}")  # fmt: skip


def _milestones(group: Group) -> Table:
    notes = Notes()
    tasks = group.runs[0].analysis.tasks
    rows = []
    for place, task in enumerate(tasks):
        found = [one.analysis.metrics[place].grokking.grok[0] for one in group.runs]
        steps = [one if isinstance(one, Undefined) else one.t for one in found]
        mean = over_seeds(steps, [_cadence(one) for one in found])
        rows.append((name(task), *(number(one, notes) for one in steps), estimated(mean, notes)))
    columns = (names_column("task"), *(Column(f"seed {seed}") for seed in group.seeds), Column("mean"))
    caption: Words = (
        Term("grok", "Grok step"),
        " of every seed, mean with ",
        Term("seeds", "interval over seeds"),
        ".",
    )
    return Table("seeds-grok", columns, tuple(rows), caption, tuple(notes.reasons))


def _cadence(found: Crossing | Undefined) -> float:
    """Where the first evaluation is already there, the crossing lies anywhere before it."""
    if isinstance(found, Undefined):
        return 0.0
    return found.t if isinstance(found.cadence, Undefined) else found.cadence


def _series(group: Group, source: str, task: str, basis: tuple[int, int]) -> list[CouplingSeries | None]:
    return [find(one.analysis, source, task, *basis) for one in group.runs]


def _sources(group: Group, task: str) -> list[str]:
    return list(dict.fromkeys(one.source for one in group.runs[0].analysis.coupling if one.task == task))


def _figure(group: Group, task: str, basis: tuple[int, int], anchor: str) -> Figure | None:
    found = {source: _series(group, source, task, basis) for source in _sources(group, task)}
    whole = {source: [one for one in series if one is not None] for source, series in found.items()}
    complete = {source: series for source, series in whole.items() if len(series) == len(group.runs)}
    caption: Words = ("Mean and range over seeds, centroids of ", Name(task), ".")
    alt = f"Mean coupling ratio over {len(group.runs)} seeds with its range, centroids of {task}."
    return figure(seeds_figure(complete, anchor), anchor, alt, caption)


def _table(group: Group, task: str, basis: tuple[int, int], place: int) -> Table:
    notes = Notes()
    rows = []
    for source in _sources(group, task):
        values = [_final(one) for one in _series(group, source, task, basis)]
        known = [one for one in values if not isinstance(one, Undefined)]
        spread = Cell(between((min(known), max(known)))) if known else Cell("")
        cells = [number(one, notes) for one in values]
        rows.append((name(source), *cells, estimated(over_seeds(values), notes), spread))
    columns = (
        names_column("source"),
        *(Column(f"seed {seed}") for seed in group.seeds),
        Column("mean"),
        Column("range"),
    )
    caption: Words = (
        "Final ", Term("R", "R̄_k"), f", centroids of {task}, W {basis[0]}, K {basis[1]}; mean with ",
        Term("seeds", "interval over seeds"), ".",
    )  # fmt: skip
    return Table(f"seeds-final-{place}", columns, tuple(rows), caption, tuple(notes.reasons))


def _final(series: CouplingSeries | None) -> float | Undefined:
    if series is None:
        return Undefined("it was not analysed")
    return series.final if isinstance(series.final, Undefined) else series.final.value
