"""From a name in a check to a number of a run, with its interval; or why there is none.

Decides what `final`, `peak` and the others mean: over full windows alone, as everywhere in a report; `final` is the
last checkpoint and no earlier one. Names that a run does not have are answered with those that it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sedscope.analysis.coupling.alignment import SHIFT_KINDS
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.spectra.spectrum_series import WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Reported
from sedscope.report.gate.grammar import Lookup
from sedscope.report.select import KINDS, estimate

Series = dict[int, Estimate | Undefined]
"""By t; every checkpoint that counts."""


def look_up(one: Reported, wanted: Lookup) -> Estimate | Undefined:
    """The number that a check asks of a run."""
    if wanted.reduction is None:
        return _step(one.analysis, wanted)
    series = _series(one, wanted)
    return series if isinstance(series, Undefined) else _reduced(series, wanted)


def _reduced(series: Series, wanted: Lookup) -> Estimate | Undefined:
    if not series:
        return Undefined("there is no checkpoint with a full window")
    if wanted.reduction == "at":
        t = int(float(wanted.get("t") or 0))
        if t not in series:
            return Undefined(f"there is no checkpoint at t = {t}; there are {_listed(map(str, series))}")
        return series[t]
    if wanted.reduction == "final":
        last = series[max(series)]
        return Undefined(f"at t = {max(series)}: {last.reason}") if isinstance(last, Undefined) else last
    known = [value for value in series.values() if isinstance(value, Estimate)]
    if not known:
        return next(value for value in series.values() if isinstance(value, Undefined))
    if wanted.reduction == "mean":
        return _mean(known, len(series))
    choose = max if wanted.reduction == "peak" else min
    return choose(known, key=lambda value: value.value)


def _mean(known: list[Estimate], n: int) -> Estimate | Undefined:
    if len(known) < n:
        return Undefined(f"undefined at {n - len(known)} of {n} checkpoints")
    ends = [value.ends for value in known if value.ends is not None]
    middle = math.fsum(value.value for value in known) / n
    if len(ends) < n:
        return Estimate(middle)
    return Estimate(middle, (math.fsum(low for low, _ in ends) / n, math.fsum(high for _, high in ends) / n))


def _series(one: Reported, wanted: Lookup) -> Series | Undefined:
    match wanted.quantity:
        case "metric":
            return _metric(one, str(wanted.get("name")))
        case "rank90":
            return _rank90(one.analysis, wanted)
        case "gap" | "k_star" | "participation":
            return _edges(one.analysis, wanted)
        case _:
            return _coupling(one.analysis, wanted)


def _coupling(run: RunAnalysis, wanted: Lookup) -> Series | Undefined:
    found: list[CouplingSeries] = list(run.coupling)
    for parameter in ("source", "task", "window", "rank"):
        chosen = _chosen(found, parameter, wanted)
        if isinstance(chosen, Undefined):
            return chosen
        found = chosen
    (series,) = found
    kind = next((one for one in KINDS if one == wanted.quantity), None)
    last = max((point.t for point in series.points), default=None)
    values: Series = {}
    for point in series.points:
        if not point.full and point.t != last:
            continue
        value = _alignment(point.alignment, wanted) if kind is None else estimate(point, kind)
        values[point.t] = value if point.full else Undefined(f"the window is short: {point.n_rows} rows")
    return values


def _alignment(found: object, wanted: Lookup) -> Estimate | Undefined:
    row = found if isinstance(found, Undefined) else found.row  # type: ignore[attr-defined]
    if isinstance(row, Undefined):
        return row
    return Estimate(float(row[SHIFT_KINDS.index(str(wanted.get("moved") or SHIFT_KINDS[0]))]))


def _chosen(found: list[CouplingSeries], parameter: str, wanted: Lookup) -> list[CouplingSeries] | Undefined:
    """Those with the asked value; without one there must be no choice."""
    known = list(dict.fromkeys(getattr(one, parameter) for one in found))
    value = wanted.get(parameter)
    if value is None:
        if len(known) == 1:
            return found
        return Undefined(f"{parameter}= must say which of {_listed(map(str, known))} is meant")
    chosen = [one for one in found if getattr(one, parameter) == value]
    shown = f"{value:g}" if isinstance(value, float) else value
    return chosen or Undefined(f"{parameter}: {shown!r} was not analysed; known: {_listed(map(str, known))}")


def _rank90(run: RunAnalysis, wanted: Lookup) -> Series | Undefined:
    task = _task(run, wanted)
    if isinstance(task, Undefined):
        return task
    series = next((one for one in run.rank90 if one.task == task), None)
    if series is None:
        return Undefined("rank-90 was not measured")
    if series.undefined is not None:
        return series.undefined
    return {one.t: one.rank if isinstance(one.rank, Undefined) else Estimate(float(one.rank)) for one in series.points}


def _edges(run: RunAnalysis, wanted: Lookup) -> Series | Undefined:
    source, window = wanted.get("source"), wanted.get("window")
    sources = [one for one in run.spectra if one.source == source]
    if not sources:
        return Undefined(f"source: {source!r} was not analysed; known: {_listed(one.source for one in run.spectra)}")
    if window is None and len(sources) > 1:
        return Undefined(f"window= must say which of {_listed(str(one.window) for one in sources)} is meant")
    series = next((one for one in sources if window is None or one.window == window), None)
    if series is None:
        return Undefined(f"window: {window:g} was not analysed; known: {_listed(str(one.window) for one in sources)}")
    if series.undefined is not None:
        return series.undefined
    return {point.t: _edge(point.spectrum, wanted.quantity) for point in series.points if point.full}


def _edge(edge: WindowSpectrum | Undefined, quantity: str) -> Estimate | Undefined:
    if isinstance(edge, Undefined):
        return edge
    value = {"gap": edge.gap, "k_star": edge.k_star, "participation": edge.participation}[quantity]
    return value if isinstance(value, Undefined) else Estimate(float(value))


def _metric(one: Reported, name: str) -> Series | Undefined:
    known = one.facts.metrics
    if name not in known:
        return Undefined(f"metric {name!r} was never logged; known: {_listed(known)}")
    return {
        int(t): Estimate(float(value)) if math.isfinite(value) else Undefined(f"{name} is {value} at t = {t}")
        for t, value in zip(*known[name], strict=True)
    }


def _step(run: RunAnalysis, wanted: Lookup) -> Estimate | Undefined:
    """A quantity that is one number of a task."""
    task = _task(run, wanted)
    if isinstance(task, Undefined):
        return task
    metrics = next((one.grokking for one in run.metrics if one.task == task), None)
    if metrics is None:
        return Undefined(f"neither {TEST_ACCURACY} nor {TRAIN_ACCURACY} of {task} was logged")
    if wanted.quantity == "delay":
        return metrics.delay if isinstance(metrics.delay, Undefined) else Estimate.exact(float(metrics.delay))
    late = wanted.get("threshold") == 0.98
    found = metrics.memorised if wanted.quantity == "memorisation_step" else metrics.grok[1 if late else 0]
    return found if isinstance(found, Undefined) else Estimate.exact(float(found.t))


def _task(run: RunAnalysis, wanted: Lookup) -> str | Undefined:
    task = wanted.get("task")
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
