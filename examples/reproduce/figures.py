"""The pictures of the page, drawn by the report's own plots: coupling of each source, accuracy under interventions.

Decides which runs and groups have a picture. Leaves to others: how a picture looks (`sedscope.report.plots`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from examples.reproduce.measure import Coupled, Measurements
from sedscope.analysis.interventions import TaskComparison, TreatmentGroup
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.plots.figure_canvas import standalone
from sedscope.report.plots.interventions_figure import accuracies_figure
from sedscope.report.plots.ratio_figure import ratio_figure

RANK_WINDOW = 40
"""Rows that the rank sweep makes its subspaces of; all other subspaces are made of 20."""


@dataclass(frozen=True)
class Picture:
    """One figure."""

    name: str
    """Of its file, without the ending."""
    section: str
    """`coupling`, `four` or `interventions`."""
    caption: str
    svg: str


def pictures(found: Measurements) -> Iterator[Picture]:
    """Every figure that the recordings allow."""
    yield from _coupling(found.single, "coupling")
    yield from _coupling(found.four, "four")
    for op in dict.fromkeys(op for one in found.found.recordings for op in one.ops):
        task = found.task(op)
        if task is not None:
            yield from _accuracies(task)


def _coupling(runs: Sequence[Coupled], section: str) -> Iterator[Picture]:
    """One run of each operation."""
    seen: set[str] = set()
    for one in runs:
        for task in one.recording.ops:
            name = f"{section}-{task}"
            if name in seen:
                continue
            seen.add(name)
            svg = _ratio(one.trailing, task, name)
            if svg is not None:
                what = f"R̄_k of every source against the centroids of {task}, seed {one.recording.seed}"
                yield Picture(name, section, f"{what}; grey: what the controls span; below: rank-90", standalone(svg))


def _ratio(analysis: RunAnalysis, task: str, name: str) -> str | None:
    series = [one for one in analysis.coupling if one.task == task]
    ranks = next((one for one in analysis.rank90 if one.task == task), None)
    return ratio_figure(series, ranks, name)


def _accuracies(task: TaskComparison) -> Iterator[Picture]:
    """The projections of the gradient, of the update, and the ranks, each beside control and freeze."""
    for name, words, groups in (
        ("gradient", "projections of the gradient", [one for one in task.groups if _is_of(one, "gradient")]),
        ("update", "projections of the update", [one for one in task.groups if _is_of(one, "update")]),
        ("rank", "ranks of the kept subspace", [one for one in task.groups if one.treatment.window == RANK_WINDOW]),
    ):
        shared = [one for one in task.groups if not one.treatment.acts or one.treatment.mode == "freeze"]
        own = [one for one in groups if one not in shared]
        svg = accuracies_figure(replace(task, groups=(*shared, *own)), f"{name}-{task.task}") if own else None
        if svg is not None:
            yield Picture(
                f"{name}-{task.task}", "interventions", f"Test accuracy of {task.task}: {words}", standalone(svg)
            )


def _is_of(group: TreatmentGroup, on: str) -> bool:
    return group.treatment.on == on and group.treatment.window != RANK_WINDOW
