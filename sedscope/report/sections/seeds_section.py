"""Several runs of one recipe: what holds over seeds."""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CouplingSeries, Quotient
from sedscope.analysis.result_view.number_text import between, times
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import SourceVerdict, headline_verdicts
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Content, Figure, Name, Section, Strong, Table, Term, Words
from sedscope.report.estimate import geometric_mean
from sedscope.report.groups import SeedGroup, over_seeds
from sedscope.report.plots.coupling_figures import seeds_figure
from sedscope.report.sections.contents import figure, section, side_by_side, table_of


def seeds_section(group: SeedGroup, index: int, label: str) -> Section:
    """Return milestones, figures and final R̄_k over the seeds of a group.

    Args:
        group: Runs that differ in nothing but the seed.
        index: Of the group, for its anchor.
        label: Tells it from other groups; empty where there is one alone.
    """
    anchor = f"seeds-{index}"
    first = group.runs[0].analysis
    basis = RunView(first).headline_basis
    names = ", ".join(run.analysis.name for run in group.runs)
    title = f"Over {len(group.runs)} seeds{f', {label}' if label else ''}: {names}"
    contents: list[Content | None] = [_milestones(group)]
    if basis is not None:
        contents.append(
            side_by_side(*(_figure(group, task, basis, f"{anchor}-{k}") for k, task in enumerate(first.tasks)))
        )
        contents += [_table(group, task, basis, k) for k, task in enumerate(first.tasks)]
    return section(title, anchor, contents)


def seeds_words(group: SeedGroup, label: str) -> tuple[Words, ...]:
    """Say for each task how the verdict's quotients vary over the seeds of a group."""
    by_task: dict[str, list[SourceVerdict]] = {}
    for run in group.runs:
        for verdict in headline_verdicts(run.analysis):
            by_task.setdefault(verdict.task, []).append(verdict)
    return tuple(_words(group, task, verdicts, label) for task, verdicts in by_task.items())


def _words(group: SeedGroup, task: str, verdicts: list[SourceVerdict], label: str) -> Words:
    strongest = [each if isinstance(each := verdict.strongest, Undefined) else each[1] for verdict in verdicts]
    movement = _over(verdicts[0].movement, [verdict.over_movement for verdict in verdicts])
    whose: Words = (Strong(label), ": over") if label else ("Over",)
    seeds = f" {len(verdicts)} seeds ({', '.join(group.seeds)}), "
    return (*whose, seeds, Name(task), ": ", *_over("its strongest control", strongest), "; ", *movement, ".")


def _over(label: str, quotients: list[Quotient | Undefined]) -> Words:
    defined = [quotient for quotient in quotients if isinstance(quotient, Quotient)]
    n = len(quotients)
    if len(defined) < n:
        reason = next(quotient.reason for quotient in quotients if isinstance(quotient, Undefined))
        return (f"the quotient to {label} is not known for {n - len(defined)} of {n} ({reason})",)
    values = [quotient.value for quotient in defined]
    above = sum(quotient.relation == "above" for quotient in defined)
    spread = "–".join(times(value, 2) for value in (min(values), max(values)))
    if min(values) <= 0.0:
        return (f"the quotient to {label} lies between {spread}",)
    return ("gradient over ", label, " ", Strong(times(geometric_mean(values), 2)),
            f" (geometric mean; {spread}), above 1 by its interval in {above} of {n}")  # fmt: skip


def _milestones(group: SeedGroup) -> Table:
    tasks = group.runs[0].analysis.tasks
    rows = []
    for index, task in enumerate(tasks):
        milestones = [run.analysis.metrics[index].grokking.grok[0] for run in group.runs]
        steps = [milestone if isinstance(milestone, Undefined) else milestone.t for milestone in milestones]
        mean = over_seeds(steps, [_cadence(milestone) for milestone in milestones])
        rows.append((Name(task), *steps, mean))
    heads = ("task", *(f"seed {seed}" for seed in group.seeds), "mean")
    caption: Words = (
        Term("grok", "Grok step"),
        " of every seed, mean with ",
        Term("seeds", "interval over seeds"),
        ".",
    )
    return table_of("seeds-grok", heads, rows, caption)


def _cadence(milestone: Crossing | Undefined) -> float:
    """Return the steps that a crossing is uncertain by: all before it where the first evaluation is already there."""
    if isinstance(milestone, Undefined):
        return 0.0
    return milestone.t if isinstance(milestone.cadence, Undefined) else milestone.cadence


def _series(group: SeedGroup, source: str, task: str, basis: tuple[int, int]) -> list[CouplingSeries | None]:
    return [RunView(run.analysis).find(source, task, *basis) for run in group.runs]


def _sources(group: SeedGroup, task: str) -> list[str]:
    return list(dict.fromkeys(series.source for series in group.runs[0].analysis.coupling if series.task == task))


def _figure(group: SeedGroup, task: str, basis: tuple[int, int], anchor: str) -> Figure | None:
    by_source = {
        source: [series for series in _series(group, source, task, basis) if series is not None]
        for source in _sources(group, task)
    }
    complete = {source: series for source, series in by_source.items() if len(series) == len(group.runs)}
    caption: Words = ("Mean and range over seeds, centroids of ", Name(task), ".")
    alt = f"Mean coupling ratio over {len(group.runs)} seeds with its range, centroids of {task}."
    return figure(seeds_figure(complete, anchor), anchor, alt, caption)


def _table(group: SeedGroup, task: str, basis: tuple[int, int], index: int) -> Table:
    rows = []
    for source in _sources(group, task):
        values = [_final(series) for series in _series(group, source, task, basis)]
        defined = [value for value in values if not isinstance(value, Undefined)]
        spread = between((min(defined), max(defined))) if defined else ""
        rows.append((Name(source), *values, over_seeds(values), spread))
    heads = ("source", *(f"seed {seed}" for seed in group.seeds), "mean", "range")
    caption: Words = (
        "Final ", Term("R", "R̄_k"), f", centroids of {task}, W {basis[0]}, K {basis[1]}; mean with ",
        Term("seeds", "interval over seeds"), ".",
    )  # fmt: skip
    return table_of(f"seeds-final-{index}", heads, rows, caption)


def _final(series: CouplingSeries | None) -> float | Undefined:
    if series is None:
        return Undefined("it was not analysed")
    return series.final if isinstance(series.final, Undefined) else series.final.value
