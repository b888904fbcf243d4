"""The number of a run that a name in a check asks for, with its interval; or why there is none.

Decides what `final`, `peak` and the others mean: over full windows alone, as everywhere in a report; `final` is the
last checkpoint and no earlier one. Names that a run does not have are answered with those that it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.coupling.alignment import SHIFT_KINDS
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.analysis.pipeline.results import CheckpointRank, CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SPECTRA
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Row
from sedscope.analysis.result_view.run_view import task_results
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, estimate_of
from sedscope.report.facts import Reported
from sedscope.report.gate.grammar import Lookup

Series = dict[int, Estimate | Undefined]
"""The values of a quantity by t, at every checkpoint that counts."""


def look_up(reported: Reported, lookup: Lookup) -> Estimate | Undefined:
    """Return the number that a check asks of a run."""
    if lookup.reduction is None:
        return _milestone(reported.analysis, lookup)
    series = _series(reported, lookup)
    return series if isinstance(series, Undefined) else _reduced(series, lookup)


def _reduced(series: Series, lookup: Lookup) -> Estimate | Undefined:
    if not series:
        return Undefined("there is no checkpoint with a full window")
    if lookup.reduction == "at":
        t = int(float(lookup.get("t") or 0))
        if t not in series:
            return Undefined(f"there is no checkpoint at t = {t}; there are {_listed(map(str, series))}")
        return series[t]
    if lookup.reduction == "final":
        last = series[max(series)]
        return Undefined(f"at t = {max(series)}: {last.reason}") if isinstance(last, Undefined) else last
    estimates = [value for value in series.values() if isinstance(value, Estimate)]
    if not estimates:
        return next(value for value in series.values() if isinstance(value, Undefined))
    if lookup.reduction == "mean":
        return _mean(estimates, len(series))
    choose = max if lookup.reduction == "peak" else min
    return choose(estimates, key=lambda value: value.value)


def _mean(estimates: list[Estimate], n: int) -> Estimate | Undefined:
    if len(estimates) < n:
        return Undefined(f"undefined at {n - len(estimates)} of {n} checkpoints")
    ends = [value.ends for value in estimates if value.ends is not None]
    mean = math.fsum(value.value for value in estimates) / n
    if len(ends) < n:
        return Estimate(mean)
    return Estimate(mean, (math.fsum(low for low, _ in ends) / n, math.fsum(high for _, high in ends) / n))


def _series(reported: Reported, lookup: Lookup) -> Series | Undefined:
    run = reported.analysis
    if lookup.quantity == "metric":
        return _metric(reported, str(lookup.get("name")))
    if (rank_column := _column(RANKS, lookup.quantity)) is not None:
        return _ranks(run, lookup, rank_column)
    if (spectrum_column := _column(SPECTRA, lookup.quantity)) is not None:
        return _spectra(run, lookup, spectrum_column)
    return _coupling(run, lookup)


def _column(columns: Sequence[ResultColumn[Row]], name: str) -> ResultColumn[Row] | None:
    return next((column for column in columns if column.name == name), None)


def _coupling(run: RunAnalysis, lookup: Lookup) -> Series | Undefined:
    matching: list[CouplingSeries] = list(run.coupling)
    for parameter in ("source", "task", "window", "rank"):
        narrowed = _narrowed(matching, parameter, lookup)
        if isinstance(narrowed, Undefined):
            return narrowed
        matching = narrowed
    (series,) = matching
    name = lookup.quantity
    if name == "alignment":
        name = f"alignment_{lookup.get('moved') or SHIFT_KINDS[0]}"
    column = next(column for column in CHECKPOINTS if column.name == name)
    last = max((point.t for point in series.points), default=None)
    # A short window counts for nothing, but where it is the last one `final` must say so and not take an earlier one.
    return {
        point.t: estimate_of(column.read(point))
        if point.full
        else Undefined(f"the window is short: {point.n_rows} rows")
        for point in series.points
        if point.full or point.t == last
    }


def _narrowed(matching: list[CouplingSeries], parameter: str, lookup: Lookup) -> list[CouplingSeries] | Undefined:
    """Return the series with the given value of a parameter; where it is left out there must be no choice."""
    values = list(dict.fromkeys(getattr(series, parameter) for series in matching))
    value = lookup.get(parameter)
    if value is None:
        if len(values) == 1:
            return matching
        return Undefined(f"{parameter}= must say which of {_listed(map(str, values))} is meant")
    narrowed = [series for series in matching if getattr(series, parameter) == value]
    shown = f"{value:g}" if isinstance(value, float) else value
    return narrowed or Undefined(f"{parameter}: {shown!r} was not analysed; known: {_listed(map(str, values))}")


def _ranks(run: RunAnalysis, lookup: Lookup, column: ResultColumn[CheckpointRank]) -> Series | Undefined:
    task = _task(run, lookup)
    if isinstance(task, Undefined):
        return task
    series = next((ranks for ranks in run.rank90 if ranks.task == task), None)
    if series is None:
        return Undefined("rank-90 was not measured")
    if series.undefined is not None:
        return series.undefined
    return {point.t: estimate_of(column.read(point)) for point in series.points}


def _spectra(run: RunAnalysis, lookup: Lookup, column: ResultColumn[SpectrumAtStep]) -> Series | Undefined:
    source, window = lookup.get("source"), lookup.get("window")
    of_source = [series for series in run.spectra if series.source == source]
    if not of_source:
        sources = _listed(series.source for series in run.spectra)
        return Undefined(f"source: {source!r} was not analysed; known: {sources}")
    windows = _listed(str(series.window) for series in of_source)
    if window is None and len(of_source) > 1:
        return Undefined(f"window= must say which of {windows} is meant")
    series = next((series for series in of_source if window is None or series.window == window), None)
    if series is None:
        return Undefined(f"window: {window:g} was not analysed; known: {windows}")
    if series.undefined is not None:
        return series.undefined
    return {point.t: estimate_of(column.read(point)) for point in series.points if point.full}


def _metric(reported: Reported, name: str) -> Series | Undefined:
    metrics = reported.facts.metrics
    if name not in metrics:
        return Undefined(f"metric {name!r} was never logged; known: {_listed(metrics)}")
    return {
        int(t): Estimate(float(value)) if math.isfinite(value) else Undefined(f"{name} is {value} at t = {t}")
        for t, value in zip(*metrics[name], strict=True)
    }


def _milestone(run: RunAnalysis, lookup: Lookup) -> Estimate | Undefined:
    """Return a quantity that is one number of a task, known exactly."""
    task = _task(run, lookup)
    if isinstance(task, Undefined):
        return task
    row = next((row for row in task_results(run) if row.metrics.task == task), None)
    if row is None:
        return Undefined(f"neither {TEST_ACCURACY} nor {TRAIN_ACCURACY} of {task} was logged")
    name = f"{lookup.quantity}_098" if lookup.get("threshold") == GROK_ACCURACIES[1] else lookup.quantity
    value = next(column for column in MILESTONES if column.name == name).read(row)
    return Estimate.exact(float(value.value)) if isinstance(value, Reading) else estimate_of(value)


def _task(run: RunAnalysis, lookup: Lookup) -> str | Undefined:
    task = lookup.get("task")
    if task is None and len(run.tasks) == 1:
        return run.tasks[0]
    if task is None:
        return Undefined(f"task= must say which of {_listed(run.tasks)} is meant")
    if task not in run.tasks:
        return Undefined(f"task: {task!r} was not analysed; known: {_listed(run.tasks)}")
    return str(task)


def _listed(names: Iterable[str], most: int = 40) -> str:
    shown = list(dict.fromkeys(names))
    return (", ".join(shown[:most]) or "none") + (", …" if len(shown) > most else "")
