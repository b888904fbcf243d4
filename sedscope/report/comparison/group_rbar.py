"""R̄_k of the runs of an intervention, beside one another.

Decides which sources stand for a group (gradient, update, displacement, and the task's fixed gradient), and that a mean
over its runs exists only where each of them was analysed. R̄_k of different interventions have the same model and
selection, so they can be read along a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recorders.row_sources import ROW_SOURCES
from sedscope.analysis.interventions import TreatmentGroup
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.groups import over_seeds
from sedscope.report.series_lookup import bases, find


@dataclass(frozen=True, slots=True)
class GroupRbar:
    """Final R̄_k of one source in every run of a group, at the first W and K."""

    source: str
    values: tuple[float | Undefined, ...]
    """Values of the runs, in the group's order."""
    mean: Estimate | Undefined


def sources_of(task: str) -> tuple[str, ...]:
    """Return the sources that are compared, where runs have them."""
    return tuple(row.name(task) for row in ROW_SOURCES if row.is_headline)


def rbar_of(group: TreatmentGroup, task: str, analyses: Iterable[RunAnalysis]) -> tuple[GroupRbar, ...]:
    """Return the final R̄_k of every source that at least one run of the group has against the task."""
    by_path = {run.path: run for run in analyses}
    rbars = []
    for source in sources_of(task):
        values = _values(group, task, source, by_path)
        if any(not isinstance(value, Undefined) for value in values):
            rbars.append(GroupRbar(source, tuple(values), over_seeds(values)))
    return tuple(rbars)


def _values(
    group: TreatmentGroup, task: str, source: str, by_path: Mapping[str, RunAnalysis]
) -> Sequence[float | Undefined]:
    return [_final(by_path.get(run.path), task, source) for run in group.runs]


def _final(run: RunAnalysis | None, task: str, source: str) -> float | Undefined:
    if run is None:
        return Undefined("the run could not be analysed")
    basis = next(iter(bases(run)), None)
    series = None if basis is None else find(run, source, task, *basis)
    if series is None:
        return Undefined(f"{source} of {run.name} was not analysed against {task}")
    return series.final if isinstance(series.final, Undefined) else series.final.value
