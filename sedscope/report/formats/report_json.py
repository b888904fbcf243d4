"""`report.json`: every number of the analysis for other programs. `docs/report-json.md` explains each field.

Decides the names and the shape of the file. What is undefined is null, and its reason stands under `undefined`; NaN and
Infinity do not occur. No time and no machine is written: same run, same settings, same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from sedscope.analysis.arrays import Floats
from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RankSeries, RunAnalysis, TaskMetrics
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.spectrum_series import SpectrumAtStep, SpectrumSeries
from sedscope.analysis.statistics.coupling_ratio import ValueAtStep
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.statistics.interval import LEVEL, RESAMPLES, Interval
from sedscope.analysis.undefined import Undefined
from sedscope.report.failure import Failure
from sedscope.report.formats.json_evidence import angles, coupling_evidence, random_alignment, stages
from sedscope.report.formats.json_interventions import comparison_json
from sedscope.report.formats.json_parts import Json, Reasons, ends, numbers, padded

FORMAT = "sedscope-report"
VERSION = 1
"""Raised when a reader of the older version would misread the file; new fields alone do not raise it."""


def render_json(
    analyses: Sequence[RunAnalysis],
    failures: Sequence[Failure],
    settings: Settings,
    comparison: InterventionComparison | None = None,
) -> str:
    """The whole file as text, ending in a newline.

    Args:
        analyses: The analysed runs, in the order of the command line.
        failures: Runs that could not be analysed.
        settings: What all of them were asked for.
        comparison: Of the runs; None where no run has an intervention.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "settings": asdict(settings),
        "runs": [_run(analysis) for analysis in analyses],
        "comparison": None if comparison is None else comparison_json(comparison, analyses),
        "failed": [{"path": one.path, "reason": one.reason, "status": one.status} for one in failures],
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"


def _run(run: RunAnalysis) -> Json:
    return {
        "name": run.name,
        "path": run.path,
        "state": run.state,
        "tasks": list(run.tasks),
        "selected_parameters": run.n_selected,
        "steps": None if run.steps is None else {"first": run.steps[0], "last": run.steps[1]},
        "metrics": [_metrics(one) for one in run.metrics],
        "rank90": [_rank90(series) for series in run.rank90],
        "spectrum": [_spectrum(series, run.settings) for series in run.spectra],
        "coupling": [_coupling(series, run.settings) for series in run.coupling],
        "blocks": list(run.blocks),
        "random_alignment": [random_alignment(one) for one in run.random_alignment],
        "angles": [angles(series) for series in run.angles],
        "stages": [stages(table) for table in run.stages],
        "notes": list(run.notes),
        "damage": list(run.damage),
    }


def _metrics(metrics: TaskMetrics) -> Json:
    grokking = metrics.grokking
    reasons = Reasons()
    return {
        "task": metrics.task,
        "grok": [_reached(one, "grok", reasons) for one in grokking.grok],
        "grok_step": _reached_step(grokking.grok[0]),
        "memorised": _reached(grokking.memorised, "memorised", reasons),
        "memorisation_step": _reached_step(grokking.memorised),
        "delay": reasons.value("delay", grokking.delay),
        "undefined": reasons.listed(),
    }


def _reached(value: Crossing | Undefined, what: str, reasons: Reasons) -> Json | None:
    if isinstance(value, Undefined):
        reasons.add(what, value)
        return None
    return {
        "t": value.t,
        "threshold": value.threshold,
        "cadence": reasons.value(f"{what} cadence", value.cadence),
    }


def _reached_step(value: Crossing | Undefined) -> int | None:
    return None if isinstance(value, Undefined) else value.t


def _rank90(series: RankSeries) -> Json:
    reasons = Reasons()
    if series.undefined is not None:
        reasons.add("rank90", series.undefined)
    return {
        "task": series.task,
        "n_probes": series.n_probes,
        "steps": [point.t for point in series.points],
        "rank90": [reasons.value("rank90", point.rank, point.t) for point in series.points],
        "variance_shares": [numbers(point.variances) for point in series.points],
        "undefined": reasons.listed(),
    }


def _spectrum(series: SpectrumSeries, settings: Settings) -> Json:
    reasons = Reasons()
    if series.undefined is not None:
        reasons.add("spectrum", series.undefined)
    columns = [_edge(point, settings, reasons) for point in series.points]
    return {
        "source": series.source,
        "window": series.window,
        "align": settings.align,
        "steps": [point.t for point in series.points],
        "n_rows": [point.n_rows for point in series.points],
        "sigma": [column["sigma"] for column in columns],
        "k_star": [column["k_star"] for column in columns],
        "gap": [column["gap"] for column in columns],
        "participation": [column["participation"] for column in columns],
        "flat": {str(rank): [column["flat"][k] for column in columns] for k, rank in enumerate(settings.rank)},
        "undefined": reasons.listed(),
    }


def _edge(point: SpectrumAtStep, settings: Settings, reasons: Reasons) -> Json:
    """What one step adds to each list of a spectrum."""
    edge = point.spectrum
    if isinstance(edge, Undefined):
        reasons.add("spectrum", edge, point.t)
        absent = dict.fromkeys(("sigma", "k_star", "gap", "participation"))
        return absent | {"flat": [None] * len(settings.rank)}
    return {
        "sigma": numbers(edge.sigma),
        "k_star": reasons.value("k_star", edge.k_star, point.t),
        "gap": reasons.value("gap", edge.gap, point.t),
        "participation": edge.participation,
        "flat": list(edge.flat),
    }


def _coupling(series: CouplingSeries, settings: Settings) -> Json:
    reasons = Reasons()
    points = series.points
    document: Json = {
        "source": series.source,
        "task": series.task,
        "window": series.window,
        "rank": series.rank,
        "align": settings.align,
        "centroid": settings.centroid,
        "method": settings.method,
        "route": series.route,
        "steps": [point.t for point in points],
        "n_rows": [point.n_rows for point in points],
        "full": [point.full for point in points],
        "A": [padded(reasons.value("A", point.A, point.t), series.rank) for point in points],
        "baseline": [reasons.value("baseline", point.baseline, point.t) for point in points],
        "R": [padded(_ratios(point), series.rank) for point in points],
        "rbar": [reasons.value("rbar", _rbar(point), point.t) for point in points],
        "peak": reasons.value("peak", _value(series.peak)),
        "peak_step": _step(series.peak),
        "final": reasons.value("final", _value(series.final)),
        "final_step": _step(series.final),
        "interval": _intervals(series, reasons),
        "flat": [point.flat for point in points],
    }
    return document | coupling_evidence(series, reasons) | {"undefined": reasons.listed()}


def _intervals(series: CouplingSeries, reasons: Reasons) -> Json:
    """95 % intervals of R̄_k at every step, and again those of the peak and the end."""
    found: dict[int | None, Interval] = {}
    for point in series.points:
        if isinstance(point.interval, Undefined):
            reasons.add("interval", point.interval, point.t)
        else:
            found[point.t] = point.interval
    any_one = next(iter(found.values()), None)
    return {
        "level": LEVEL,
        "resamples": RESAMPLES,
        "groups": None if any_one is None else any_one.n_groups,
        "n_probes": None if any_one is None else any_one.n_probes,
        "n_random": None if any_one is None else any_one.n_random,
        "rbar": [ends(found.get(point.t)) for point in series.points],
        "peak": ends(found.get(_step(series.peak))),
        "final": ends(found.get(_step(series.final))),
    }


def _ratios(point: CheckpointCoupling) -> Floats | None:
    return None if isinstance(point.ratio, Undefined) else point.ratio.R


def _rbar(point: CheckpointCoupling) -> float | Undefined:
    return point.ratio if isinstance(point.ratio, Undefined) else point.ratio.rbar


def _value(moment: ValueAtStep | Undefined) -> float | Undefined:
    return moment if isinstance(moment, Undefined) else moment.value


def _step(moment: ValueAtStep | Undefined) -> int | None:
    return None if isinstance(moment, Undefined) else moment.t
