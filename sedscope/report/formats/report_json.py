"""`report.json`: every number of the analysis for other programs. `docs/report-json.md` explains each field.

Decides the names and the shape of the file. What is undefined is null, and its reason stands under `undefined`; NaN and
Infinity do not occur. No time and no machine is written: same run, same settings, same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from sedscope.analysis.constants import LEVEL, RESAMPLES
from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, RBAR, SOURCES, SPECTRA, TaskResult
from sedscope.analysis.result_view.diagnostic_columns import DIAGNOSTICS
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries
from sedscope.analysis.statistics.coupling_ratio import ValueAtStep
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined
from sedscope.report.failure import Failure
from sedscope.report.formats.json_evidence import angles, coupling_evidence, random_alignment, stages
from sedscope.report.formats.json_interventions import comparison_json
from sedscope.report.formats.json_parts import Json, Reasons, by_step, crossing_json, ends, numbers, padded, readings

FORMAT = "sedscope-report"
VERSION = 2
"""Raised when a reader of the older version would misread the file; new fields alone do not raise it."""


def render_json(
    analyses: Sequence[RunAnalysis],
    failures: Sequence[Failure],
    settings: Settings,
    comparison: InterventionComparison | None = None,
) -> str:
    """Return the whole file as text, ending in a newline.

    Args:
        analyses: The analysed runs, in the order of the command line.
        failures: Runs that could not be analysed.
        settings: The settings of all of them.
        comparison: Interventions beside their controls; None where no run has an intervention.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "settings": asdict(settings),
        "runs": [_run(analysis) for analysis in analyses],
        "comparison": None if comparison is None else comparison_json(comparison, analyses),
        "failed": [{"path": each.path, "reason": each.reason, "status": each.status} for each in failures],
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
        "metrics": [_metrics(row) for row in RunView(run).task_results],
        "rank90": [_rank90(series) for series in run.rank90],
        "spectrum": [_spectrum(series, run.settings) for series in run.spectra],
        "coupling": [_coupling(series, run.settings) for series in run.coupling],
        "blocks": list(run.blocks),
        "random_alignment": [random_alignment(series) for series in run.random_alignment],
        "angles": [angles(series) for series in run.angles],
        "stages": [stages(table) for table in run.stages],
        "notes": list(run.notes),
        "damage": list(run.damage),
    }


_REASON_OF = {"grok_step": "grok", "memorisation_step": "memorised"}
"""Fields that are null together with an object, under whose name their reason stands."""


def _metrics(row: TaskResult) -> Json:
    grokking = row.metrics.grokking
    reasons = Reasons()
    document: Json = {
        "task": row.metrics.task,
        "grok": [crossing_json(milestone, "grok", reasons) for milestone in grokking.grok],
        "memorised": crossing_json(grokking.memorised, "memorised", reasons),
    }
    for column in columns_for("json", MILESTONES):
        document[column.name] = reasons.reading(_REASON_OF.get(column.name, column.name), column.read(row))
    return document | {"undefined": reasons.listed()}


def _rank90(series: RankSeries) -> Json:
    reasons = Reasons()
    if series.undefined is not None:
        reasons.add("rank90", series.undefined)
    return {
        "task": series.task,
        "n_probes": series.n_probes,
        "steps": [point.t for point in series.points],
        **by_step(columns_for("json", RANKS), series.points, reasons),
        "variance_shares": [numbers(point.variances) for point in series.points],
        "undefined": reasons.listed(),
    }


def _spectrum(series: SpectrumSeries, settings: Settings) -> Json:
    reasons = Reasons()
    if series.undefined is not None:
        reasons.add("spectrum", series.undefined)
    spectra = [reasons.value("spectrum", point.spectrum, point.t) for point in series.points]
    document: Json = {
        "source": series.source,
        "window": series.window,
        "align": settings.align,
        "steps": [point.t for point in series.points],
        "sigma": [None if spectrum is None else numbers(spectrum.sigma) for spectrum in spectra],
    }
    for column in columns_for("json", SPECTRA):
        # Where the whole spectrum is undefined the reason stands once, under its own name.
        document[column.name] = [
            reasons.reading(
                "spectrum" if isinstance(point.spectrum, Undefined) else column.name, column.read(point), point.t
            )
            for point in series.points
        ]
    document["flat"] = {
        str(rank): [None if spectrum is None else spectrum.flat[index] for spectrum in spectra]
        for index, rank in enumerate(settings.rank)
    }
    return document | {"undefined": reasons.listed()}


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
        "A": [padded(reasons.value("A", point.A, point.t), series.rank) for point in points],
        "baseline": [reasons.value("baseline", point.baseline, point.t) for point in points],
        "R": [padded(None if isinstance(point.ratio, Undefined) else point.ratio.R, series.rank) for point in points],
        # Reasons stand in this order under `undefined`: first those of R̄_k and its interval.
        **by_step((RBAR,), points, reasons),
        **readings([*columns_for("json", SOURCES), *columns_for("json", DIAGNOSTICS)], series, reasons),
        "interval": _intervals(series, reasons),
        **by_step([column for column in columns_for("json", CHECKPOINTS) if column is not RBAR], points, reasons),
    }
    return document | coupling_evidence(series, reasons) | {"undefined": reasons.listed()}


def _intervals(series: CouplingSeries, reasons: Reasons) -> Json:
    """Return the 95 % intervals of R̄_k at every step, and again those of the peak and the end."""
    intervals: dict[int | None, Interval] = {}
    for point in series.points:
        if isinstance(point.interval, Undefined):
            reasons.add("interval", point.interval, point.t)
        else:
            intervals[point.t] = point.interval
    # Every interval of a series is made from the same probes and random directions.
    basis = next(iter(intervals.values()), None)
    return {
        "level": LEVEL,
        "resamples": RESAMPLES,
        "groups": None if basis is None else basis.n_groups,
        "n_probes": None if basis is None else basis.n_probes,
        "n_random": None if basis is None else basis.n_random,
        "rbar": [ends(intervals.get(point.t)) for point in series.points],
        "peak": ends(intervals.get(_step(series.peak))),
        "final": ends(intervals.get(_step(series.final))),
    }


def _step(moment: ValueAtStep | Undefined) -> int | None:
    return None if isinstance(moment, Undefined) else moment.t
