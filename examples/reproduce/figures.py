"""The pictures of the page, drawn by the report's own plots: coupling of each source, accuracy under interventions.

Decides which runs and groups have a picture. Leaves to others: how a picture looks (`sedscope.report.plots`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from examples.reproduce.measure import Measurements, RunCouplings
from sedscope.analysis.interventions import TaskComparison, TreatmentGroup
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.plots.coupling_figures import ratio_figure
from sedscope.report.plots.figure_canvas import standalone
from sedscope.report.plots.run_figures import accuracies_figure

RANK_WINDOW = 40
"""W of the rank experiment; all other subspaces have a window of 20 rows."""


@dataclass(frozen=True)
class Picture:
    """One figure."""

    name: str
    """Name of its file, without the ending."""
    section: str
    """`coupling`, `four` or `interventions`."""
    caption: str
    svg: str


def pictures(measurements: Measurements) -> Iterator[Picture]:
    """Yield every figure that the recordings allow."""
    yield from _coupling(measurements.single, "coupling")
    yield from _coupling(measurements.four, "four")
    for op in dict.fromkeys(op for recording in measurements.inventory.recordings for op in recording.ops):
        task = measurements.task(op)
        if task is not None:
            yield from _accuracies(task)


def _coupling(runs: Sequence[RunCouplings], section: str) -> Iterator[Picture]:
    """Yield the picture of one run of each operation."""
    seen: set[str] = set()
    for run in runs:
        for task in run.recording.ops:
            name = f"{section}-{task}"
            if name in seen:
                continue
            seen.add(name)
            svg = _ratio(run.trailing, task, name)
            if svg is not None:
                what = f"R̄_k of every source against the centroids of {task}, seed {run.recording.seed}"
                yield Picture(name, section, f"{what}; grey: what the controls span; below: rank-90", standalone(svg))


def _ratio(analysis: RunAnalysis, task: str, name: str) -> str | None:
    couplings = [series for series in analysis.coupling if series.task == task]
    ranks = next((series for series in analysis.rank90 if series.task == task), None)
    return ratio_figure(couplings, ranks, name)


def _accuracies(task: TaskComparison) -> Iterator[Picture]:
    """Yield projections of the gradient, of the update, and the ranks, each beside control and freeze."""
    for name, words, groups in (
        ("gradient", "projections of the gradient", [group for group in task.groups if _is_of(group, "gradient")]),
        ("update", "projections of the update", [group for group in task.groups if _is_of(group, "update")]),
        (
            "rank",
            "ranks of the kept subspace",
            [group for group in task.groups if group.treatment.window == RANK_WINDOW],
        ),
    ):
        shared = [group for group in task.groups if not group.treatment.acts or group.treatment.mode == "freeze"]
        own = [group for group in groups if group not in shared]
        svg = accuracies_figure(replace(task, groups=(*shared, *own)), f"{name}-{task.task}") if own else None
        if svg is not None:
            yield Picture(
                f"{name}-{task.task}", "interventions", f"Test accuracy of {task.task}: {words}", standalone(svg)
            )


def _is_of(group: TreatmentGroup, on: str) -> bool:
    return group.treatment.on == on and group.treatment.window != RANK_WINDOW
