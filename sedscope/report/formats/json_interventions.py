"""`comparison` of `report.json`: every group with its seeds, quotients and bounds; `docs/report-json.md` has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from sedscope.analysis.constants import LEVEL
from sedscope.analysis.interventions import InterventionComparison, TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.compare import Curve, TimeToThreshold
from sedscope.analysis.interventions.speedup import Pair, SpeedUp, verdict
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.intervention_columns import (
    INTERVENTIONS,
    REFERENCES,
    TREATED_RUNS,
    TreatedRun,
    treated_runs,
)
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.json_parts import Json, Reasons, crossing_json, numbers, readings
from sedscope.report.groups import GroupRbar, rbar_of


def comparison_json(comparison: InterventionComparison, analyses: Iterable[RunAnalysis]) -> Json:
    """Return the field `comparison`."""
    analysed = tuple(analyses)
    return {
        "level": LEVEL,
        "cohorts": [
            {"label": cohort.label, "command": list(cohort.command), "notes": list(cohort.notes)}
            for cohort in comparison.cohorts
        ],
        "groups": list(_groups(comparison, analysed)),
    }


def _groups(comparison: InterventionComparison, analyses: Sequence[RunAnalysis]) -> Iterator[Json]:
    indices = {id(cohort): index for index, cohort in enumerate(comparison.cohorts)}
    for cohort, task, group in comparison.groups():
        where = {"cohort": indices[id(cohort)], "task": task}
        yield where | _group(group, task) | {"rbar": [_rbar(rbar) for rbar in rbar_of(group, task, analyses)]}


def _group(group: TreatmentGroup, task: str) -> Json:
    reasons = Reasons()
    norm_kept = reasons.value("norm_kept", group.norm_kept)
    return {
        "label": group.label,
        "intervention": {key: value for key, value in asdict(group.treatment).items() if key != "key"},
        "runs": [_run(row) for row in treated_runs(group, task)],
        "without_task": [run.path for run in group.without_task],
        "reaching": [_reaching(times) for times in group.reaching],
        "speedup": [_speedup(speedup) for speedup in group.speedups],
        "beside": [
            {
                "kind": beside.kind,
                "speedup": [_speedup(speedup) for speedup in beside.speedups],
                **readings(columns_for("json", REFERENCES), beside, reasons),
            }
            for beside in group.beside
        ],
        "no_freeze": None if group.no_freeze is None else group.no_freeze.reason,
        "norm_kept": None if norm_kept is None else dict(zip(("low", "median", "high"), norm_kept, strict=True)),
        **readings(columns_for("json", INTERVENTIONS), group, reasons),
        "accuracy": _curve(reasons.value("accuracy", group.curve)),
        "undefined": reasons.listed(),
    }


def _run(row: TreatedRun) -> Json:
    run, grokking = row.run, row.outcome.grokking
    reasons = Reasons()
    return {
        "path": run.path,
        "name": run.name,
        "seed": str(run.seed) if run.seed.is_known else None,
        "state": run.state,
        "end_reason": run.end_reason,
        "grok": [crossing_json(each, "grok", reasons) for each in grokking.grok],
        "memorised": crossing_json(grokking.memorised, "memorised", reasons),
        "delay": reasons.value("delay", grokking.delay),
        "chance": reasons.value("chance", grokking.chance),
        **readings(columns_for("json", TREATED_RUNS), row, reasons),
        "undefined": reasons.listed(),
    }


def _reaching(times: TimeToThreshold) -> Json:
    reasons = Reasons()
    return {
        "threshold": times.threshold,
        "n": times.n,
        "reached": times.reached,
        "mean": _average(times.mean, "mean", reasons),
        "median": reasons.value("median", times.median),
        "undefined": reasons.listed(),
    }


def _speedup(speedup: SpeedUp) -> Json:
    reasons = Reasons()
    return {
        "threshold": speedup.threshold,
        "reference": speedup.reference,
        "average": _average(speedup.average, "average", reasons),
        "censored": speedup.is_censored,
        "bound": _bound(speedup),
        "verdict": verdict(speedup.average),
        "pairs": [_pair(pair, reasons) for pair in speedup.pairs],
        "unpaired": [{"seed": seed, "reason": reason} for seed, reason in speedup.unpaired],
        "undefined": reasons.listed(),
    }


def _average(average: Average | Undefined, what: str, reasons: Reasons) -> Json | None:
    if isinstance(average, Undefined):
        reasons.add(what, average)
        return None
    ends = reasons.value(f"{what} interval", average.ends)
    interval = None if ends is None else [ends[0], None if math.isinf(ends[1]) else ends[1]]
    return {"value": average.value, "interval": interval, "n": average.n, "horizon": average.horizon}


def _bound(speedup: SpeedUp) -> Json | None:
    """Return the ends that bound a censored speed-up; null for one that is known."""
    average = speedup.average
    if not speedup.is_censored:
        return None
    known = {} if isinstance(average, Undefined) else {average.bound: average.value}
    return {"low": known.get(">"), "high": known.get("<")}


def _pair(pair: Pair, reasons: Reasons) -> Json:
    ratio = reasons.value(f"ratio of seed {pair.seed}", pair.quotient)
    return {
        "seed": pair.seed,
        "reference": _time(pair.reference),
        "own": _time(pair.own),
        "ratio": None if ratio is None else asdict(ratio),
    }


def _time(time: CensoredTime) -> Json:
    return {"t": time.t, "reached": time.reached}


def _curve(curve: Curve | None) -> Json | None:
    if curve is None:
        return None
    values = {"mean": curve.mean, "low": curve.low, "high": curve.high}
    return {"n": curve.n, "t": curve.t.tolist()} | {name: numbers(value) for name, value in values.items()}


def _rbar(rbar: GroupRbar) -> Json:
    reasons = Reasons()
    mean = reasons.value("mean", rbar.mean)
    return {
        "source": rbar.source,
        "final": [reasons.value("final", value) for value in rbar.values],
        "mean": None if mean is None else mean.value,
        "interval": None if mean is None or mean.ends is None else list(mean.ends),
        "undefined": reasons.listed(),
    }
