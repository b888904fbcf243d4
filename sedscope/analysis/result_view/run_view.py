"""The view of a run that every face shows: tables, how sources share rows, and what is said below the numbers.

Decides that once, from the analysis. Leaves to others: the columns (`columns`) and the looks of a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recorders.row_sources import parse_source
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import PHASES, TaskResult
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries
from sedscope.analysis.undefined import Undefined

OWN_TASK = "<task>"
"""Stands for the task of the column in the name of a row that holds each task's own source."""


@dataclass(frozen=True, slots=True)
class RunView:
    """The results of a run, arranged for readers."""

    run: RunAnalysis

    @property
    def bases(self) -> tuple[tuple[int, int], ...]:
        """Every W and K of the analysis, in their order; those that findings speak of come first."""
        return tuple(dict.fromkeys((series.window, series.rank) for series in self.run.coupling))

    @property
    def headline_basis(self) -> tuple[int, int] | None:
        """The W and K that findings speak of: the first of each in the settings; None without coupling."""
        return next(iter(self.bases), None)

    @property
    def task_results(self) -> tuple[TaskResult, ...]:
        """The rows of the table of tasks."""
        ranks = {series.task: series for series in self.run.rank90}
        return tuple(TaskResult(metrics, ranks.get(metrics.task)) for metrics in self.run.metrics)

    @property
    def why_no_coupling(self) -> str:
        """The reason why no source was put against a task."""
        return "; ".join(self.run.notes) or "no task has a probe"

    @property
    def recorded_steps(self) -> str:
        """The first and last recorded step, `t 0–2,000`."""
        steps = self.run.steps
        return "no recorded step" if steps is None else f"t {count(steps[0])}–{count(steps[1])}"

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """Notes, then damage, that a reader must know of the numbers, each with its kind."""
        damage = [("damaged", f"{each}; the numbers are those of what is good") for each in self.run.damage]
        return [("note", note) for note in self.run.notes] + damage

    def series(self, window: int, rank: int, task: str | None = None) -> tuple[CouplingSeries, ...]:
        """Return the series of every source at one W and K, against one task or all of them."""
        return tuple(
            series
            for series in self.run.coupling
            if (series.window, series.rank) == (window, rank) and task in (None, series.task)
        )

    def find(self, source: str, task: str, window: int, rank: int) -> CouplingSeries | None:
        """Return the series of a source against a task; None where it was not put together."""
        return next((series for series in self.series(window, rank, task) if series.source == source), None)

    def matrix(self, window: int, rank: int, *, full_names: bool = False) -> SourceMatrix:
        """Return the table of sources against tasks at one W and K of the analysis."""
        return SourceMatrix.of(self.series(window, rank), self.run.tasks, full_names=full_names)


@dataclass(frozen=True, slots=True)
class SourceMatrix:
    """The couplings of one W and K: sources down, tasks across."""

    window: int
    rank: int
    tasks: tuple[str, ...]
    """Tasks that a source was put against, in their order."""
    labels: tuple[str, ...]
    """Names of the rows: a source, or `family/<task>` where each task's own source shares a row."""
    cells: Mapping[tuple[str, str], CouplingSeries]
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

    def of_task(self, task: str) -> SourceMatrix:
        """Return the part of the table that belongs to one task."""
        cells = {pair: series for pair, series in self.cells.items() if pair[1] == task}
        return replace(self, tasks=(task,), labels=tuple(label for label, _ in cells), cells=cells)

    @property
    def with_phases(self) -> tuple[SourceMatrix, ...]:
        """The parts of tasks with a number before or at the grok step; one after it alone contrasts with nothing."""
        columns = [column for column in PHASES if column.name != "after"]
        return tuple(
            part
            for part in map(self.of_task, self.tasks)
            if any(isinstance(column.read(series), Reading) for series in part.cells.values() for column in columns)
        )

    def value(self, label: str, task: str, column: ResultColumn[CouplingSeries]) -> Value:
        """Return what stands in a cell; None where source and task were not put together."""
        series = self.cells.get((label, task))
        return None if series is None else column.read(series)


def is_own(source: str, task: str) -> bool:
    """Tell whether a source belongs to this task or to none."""
    parsed = parse_source(source)
    return parsed is None or parsed.task in (None, task)


def is_crossed(series: Sequence[CouplingSeries]) -> bool:
    """Tell whether a source of one task was put against another task."""
    return not all(is_own(each.source, each.task) for each in series)


def _row_name(source: str) -> str:
    parsed = parse_source(source)
    return source if parsed is None or parsed.task is None else f"{parsed.family}/{OWN_TASK}"


def last_window(series: SpectrumSeries) -> SpectrumAtStep | Undefined:
    """Return the last window of a source, or why it has no spectrum."""
    if not series.points:
        return series.undefined if series.undefined is not None else Undefined("it has no rows")
    spectrum = series.points[-1].spectrum
    return spectrum if isinstance(spectrum, Undefined) else series.points[-1]
