"""The view of a run that every face shows: tables, how sources share rows, and what is said below the numbers.

Decides that once, from the analysis. Leaves to others: the columns (`columns`) and the looks of a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recorders.row_sources import parse_source
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import TaskResult
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.result_view.result_column import ResultColumn, Value
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries
from sedscope.analysis.undefined import Undefined

OWN_TASK = "<task>"
"""Stands for the task of the column in the name of a row that holds each task's own source."""


@dataclass(frozen=True, slots=True)
class SourceMatrix:
    """The couplings of one W and K: sources down, tasks across."""

    window: int
    rank: int
    tasks: tuple[str, ...]
    """Tasks that a source was put against, in their order."""
    labels: tuple[str, ...]
    """Names of the rows: a source, or `family/<task>` where each task's own source shares a row."""
    series: Mapping[tuple[str, str], CouplingSeries]
    """Series by the name of its row and its task; a pair that was not put together is missing."""

    @classmethod
    def of(cls, series: Sequence[CouplingSeries], tasks: Sequence[str], *, full_names: bool = False) -> SourceMatrix:
        """Arrange the series of one W and K.

        Args:
            series: At least one.
            tasks: The run's, in their order.
            full_names: Gives every source its own row, also where none is put against another task than its own.
        """
        shared = len(tasks) > 1 and not full_names and not is_crossed(series)
        cells = {(_row_name(each.source) if shared else each.source, each.task): each for each in series}
        met = {each.task for each in series}
        labels = tuple(dict.fromkeys(label for label, _ in cells))
        return cls(series[0].window, series[0].rank, tuple(task for task in tasks if task in met), labels, cells)

    def value(self, label: str, task: str, column: ResultColumn[CouplingSeries]) -> Value:
        """Return what stands in a cell; None where source and task were not put together."""
        series = self.series.get((label, task))
        return None if series is None else column.read(series)


def is_crossed(series: Sequence[CouplingSeries]) -> bool:
    """Tell whether a source of one task was put against another task."""
    parsed = [(parse_source(each.source), each.task) for each in series]
    return any(source is not None and source.task not in (None, task) for source, task in parsed)


def _row_name(source: str) -> str:
    parsed = parse_source(source)
    return source if parsed is None or parsed.task is None else f"{parsed.family}/{OWN_TASK}"


def source_matrices(run: RunAnalysis, *, full_names: bool = False) -> tuple[SourceMatrix, ...]:
    """Return one matrix for each W and K of the analysis, in their order."""
    by_basis: dict[tuple[int, int], list[CouplingSeries]] = {}
    for series in run.coupling:
        by_basis.setdefault((series.window, series.rank), []).append(series)
    return tuple(SourceMatrix.of(series, run.tasks, full_names=full_names) for series in by_basis.values())


def task_results(run: RunAnalysis) -> tuple[TaskResult, ...]:
    """Return the rows of the table of tasks."""
    ranks = {series.task: series for series in run.rank90}
    return tuple(TaskResult(metrics, ranks.get(metrics.task)) for metrics in run.metrics)


def last_window(series: SpectrumSeries) -> SpectrumAtStep | Undefined:
    """Return the last window of a source, or why it has no spectrum."""
    if not series.points:
        return series.undefined if series.undefined is not None else Undefined("it has no rows")
    spectrum = series.points[-1].spectrum
    return spectrum if isinstance(spectrum, Undefined) else series.points[-1]


def remarks(run: RunAnalysis) -> list[tuple[str, str]]:
    """Return what a reader must know of the numbers: notes, then damage, each with its kind."""
    damage = [("damaged", f"{each}; the numbers are those of what is good") for each in run.damage]
    return [("note", note) for note in run.notes] + damage


def recorded_steps(run: RunAnalysis) -> str:
    """Return `t 0–2,000`, the first and last recorded step."""
    return "no recorded step" if run.steps is None else f"t {count(run.steps[0])}–{count(run.steps[1])}"
