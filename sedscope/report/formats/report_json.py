"""`report.json`: every number of the analysis for other programs. `docs/report-json.md` explains each field.

Decides the names and the shape of the file. What is undefined is null, and its reason stands under `undefined`; NaN and
Infinity do not occur. No time and no machine is written: same run, same settings, same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.constants import LEVEL, RESAMPLES
from sedscope.analysis.coupling.response import SHIFT_KINDS
from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.pipeline.results import (
    AngleSeries,
    CheckpointAlignment,
    CouplingSeries,
    Quotient,
    RandomAlignment,
    RankSeries,
    RunAnalysis,
    Stage,
    StageTable,
)
from sedscope.analysis.result_view.columns import (
    CHECKPOINTS,
    MILESTONES,
    PHASES,
    RANKS,
    RBAR,
    SOURCES,
    SPECTRA,
    TaskResult,
)
from sedscope.analysis.result_view.diagnostic_columns import ANGLES, DIAGNOSTICS, STAGES
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, columns_for
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import SourceVerdict, verdicts
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import varied_by
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import Failure
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
        "verdicts": [_verdict(verdict) for verdict in verdicts(run)],
        "metrics": [_metrics(row) for row in RunView(run).task_results],
        "rank90": [_rank90(series) for series in run.rank90],
        "spectrum": [_spectrum(series, run.settings) for series in run.spectra],
        "coupling": [_coupling(series, run.settings) for series in run.coupling],
        "blocks": list(run.blocks),
        "random_alignment": [_random_alignment(series) for series in run.random_alignment],
        "angles": [_angles(series) for series in run.angles],
        "stages": [_stages(table) for table in run.stages],
        "notes": list(run.notes),
        "damage": list(run.damage),
    }


def _verdict(verdict: SourceVerdict) -> Json:
    """Return what may be claimed of one gradient source, in words and as the quotients behind them."""
    reasons = Reasons()
    strongest = verdict.strongest
    return {
        "source": verdict.source,
        "task": verdict.task,
        "window": verdict.window,
        "rank": verdict.rank,
        "t": verdict.t,
        "words": verdict.words,
        "claim": verdict.claim,
        "strongest_control": None if isinstance(strongest, Undefined) else strongest[0],
        "over_controls": [
            {"control": name, "quotient": _quotient(name, each, reasons)} for name, each in verdict.over_controls
        ],
        "movement": verdict.movement,
        "over_movement": _quotient("over_movement", verdict.over_movement, reasons),
        "over_movement_matched": _quotient("over_movement_matched", verdict.matched, reasons),
        "undefined": reasons.listed(),
    }


def _quotient(what: str, quotient: Quotient | Undefined, reasons: Reasons) -> Json | None:
    value: Quotient | None = reasons.value(what, quotient)
    if value is None:
        return None
    interval = reasons.value(f"interval of {what}", value.ends)
    return {
        "value": value.value,
        "interval": None if interval is None else list(interval),
        "relation": value.relation,
        "t": value.t,
        "lowest": value.lowest,
        "highest": value.highest,
        "checkpoints": value.n,
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
        "phases": {column.name: _phase(column, series, reasons) for column in columns_for("json", PHASES)},
        **by_step([column for column in columns_for("json", CHECKPOINTS) if column is not RBAR], points, reasons),
    }
    return document | _coupling_evidence(series, reasons) | {"undefined": reasons.listed()}


def _phase(column: ResultColumn[CouplingSeries], series: CouplingSeries, reasons: Reasons) -> Json | None:
    """Return the mean R̄_k of a phase, or null with its reason noted."""
    mean: Reading | None = reasons.value(column.name, column.read(series))
    if mean is None:
        return None
    return {"rbar": mean.value, "interval": None if mean.ends is None else list(mean.ends), "checkpoints": mean.n}


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
        "n_batches": None if basis is None else basis.n_batches,
        "rbar": [ends(intervals.get(point.t)) for point in series.points],
        "peak": ends(intervals.get(_step(series.peak))),
        "final": ends(intervals.get(_step(series.final))),
    }


def _step(moment: ValueAtStep | Undefined) -> int | None:
    return None if isinstance(moment, Undefined) else moment.t


def _coupling_evidence(series: CouplingSeries, reasons: Reasons) -> Json:
    """Return what a coupling holds beside R; why something is missing goes into `reasons`."""
    points = series.points
    return {
        "R_logit": [_ratios(point.logit, series.rank) for point in points],
        "interval_logit": [ends(reasons.value("interval_logit", point.logit_interval, point.t)) for point in points],
        "R_matched": [_ratios(point.matched, series.rank) for point in points],
        "interval_matched": [
            ends(reasons.value("interval_matched", point.matched_interval, point.t)) for point in points
        ],
        "spread": _spread(series),
        "effective_examples_by_batch": [
            numbers(effective) if isinstance(effective := point.effective_examples, np.ndarray) else None
            for point in points
        ],
        "alignment": _alignment(series, reasons),
        "blocks": _blocks(series, reasons),
    }


def _random_alignment(series: RandomAlignment) -> Json:
    """Return how far random directions align with what came next, at the checkpoints that an interval follows."""
    reasons = Reasons()
    values = [reasons.value("random_alignment", by_kind, t) for t, by_kind in series.points]
    steps = [t for t, _ in series.points]
    by_kind = _by_kind(values, lambda value, kind: float(value[kind]))
    return {"task": series.task, "steps": steps, **by_kind, "undefined": reasons.listed()}


def _angles(series: AngleSeries) -> Json:
    """Return principal angles between two sources, or between two batches of one."""
    reasons = Reasons()
    cosines = [reasons.value("cosines", point.cosines, point.t) for point in series.points]
    return {
        "first": series.first,
        "second": series.second,
        "second_batch": series.second_batch,
        "floor": series.is_floor,
        "window": series.window,
        "rank": series.rank,
        "steps": [point.t for point in series.points],
        "cosines": [padded(at_step, series.rank) for at_step in cosines],
        "flat": [point.flat for point in series.points],
        **readings(columns_for("json", ANGLES), series, reasons),
        "undefined": reasons.listed(),
    }


def _stages(table: StageTable) -> Json:
    """Return what becomes of the coupling from stage to stage."""
    reasons = Reasons()
    return {
        "task": table.task,
        "window": table.window,
        "rank": table.rank,
        "steps": list(table.steps),
        "stages": [_stage(stage, reasons) for stage in table.stages],
        "merged": [{"stage": stage, "same_as": other} for stage, other in table.merged],
        "loses_most": reasons.value("loses_most", table.loses_most),
        "loses_most_matched": reasons.value("loses_most_matched", table.loses_most_matched),
        "undefined": reasons.listed(),
    }


def _stage(stage: Stage, reasons: Reasons) -> Json:
    matched = reasons.value(f"rbar_matched of {stage.source}", stage.matched)
    return {
        "stage": stage.name,
        "source": stage.source,
        "rbar": numbers(stage.rbar),
        "rbar_matched": None if matched is None else numbers(matched),
        **readings(columns_for("json", STAGES), stage, reasons, f" of {stage.source}"),
    }


def _ratios(ratio: CouplingRatio | Undefined, rank: int) -> list[float | None] | None:
    """Return a ratio by direction; the reason why it is null stands with its mean over k."""
    return None if isinstance(ratio, Undefined) else padded(ratio.R, rank)


def _spread(series: CouplingSeries) -> Json | None:
    """Return R̄_k of every variant; null where the source was made once."""
    spreads = [point.spread for point in series.points]
    first = next((spread for spread in spreads if spread is not None), None)
    if first is None:
        return None
    return {
        "over": varied_by(series.source),
        "count": len(first.rbar),
        "rbar": [None if spread is None else list(spread.rbar) for spread in spreads],
        "low": [None if spread is None else spread.low for spread in spreads],
        "high": [None if spread is None else spread.high for spread in spreads],
    }


def _alignment(series: CouplingSeries, reasons: Reasons) -> Json:
    steps = [point.t for point in series.points]
    alignments: list[CheckpointAlignment | None] = [
        reasons.value("alignment", point.alignment, point.t) for point in series.points
    ]
    at_steps = list(zip(steps, alignments, strict=True))
    rows = [None if each is None else reasons.value("alignment row", each.row, t) for t, each in at_steps]
    intervals = [None if each is None else reasons.value("alignment row", each.row_interval, t) for t, each in at_steps]
    directions = [None if each is None else reasons.value("alignment v", each.v, t) for t, each in at_steps]
    return {
        "next_steps": [None if each is None else each.next_t for each in alignments],
        "row": _by_kind(rows, lambda row, kind: float(row[kind])),
        "row_interval": _by_kind(intervals, lambda by_kind, kind: ends(by_kind[kind])),
        "v": _by_kind(directions, lambda v, kind: padded(v[:, kind], series.rank)),
    }


def _by_kind(values: Sequence[Any], of: Callable[[Any, int], Any]) -> Json:
    """Return one list for each kind of shift: `of` each value and the kind's index, null where there is none."""
    return {
        name: [None if value is None else of(value, kind) for value in values] for kind, name in enumerate(SHIFT_KINDS)
    }


def _blocks(series: CouplingSeries, reasons: Reasons) -> Json:
    energies = [reasons.value("blocks energy", point.energy, point.t) for point in series.points]
    return {
        "energy": [_matrix(energy, series.rank) for energy in energies],
        "coupling": [
            {
                "t": each.t,
                "n_probes": each.n_probes,
                "A": _matrix(reasons.value("blocks coupling", each.A, each.t), series.rank),
            }
            for each in series.blocks
        ],
    }


def _matrix(values: Floats | None, rank: int) -> list[list[float | None] | None] | None:
    """Return K lists of numbers by block; a window with fewer directions ends in nulls."""
    if values is None:
        return None
    return [numbers(row) for row in values] + [None] * (rank - len(values))
