"""`comparison` of `report.json`: every group with its seeds, quotients and bounds; `docs/report-json.md` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from sedscope.analysis.interventions import InterventionComparison, Outcome, TreatmentGroup
from sedscope.analysis.interventions.accuracy_curves import Curve
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.comparison_results import TimeToThreshold
from sedscope.analysis.interventions.reference_groups import verdict
from sedscope.analysis.interventions.speedup import Pair, SpeedUp
from sedscope.analysis.interventions.time_quotients import QuotientBounds
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.statistics.interval import LEVEL
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.report.comparison.group_rbar import GroupRbar, rbar_of
from sedscope.report.formats.json_parts import Json, Reasons, numbers


def comparison_json(comparison: InterventionComparison, analyses: Iterable[RunAnalysis]) -> Json:
    """The object."""
    known = tuple(analyses)
    return {
        "level": LEVEL,
        "cohorts": [
            {"label": one.label, "command": list(one.command), "notes": list(one.notes)} for one in comparison.cohorts
        ],
        "groups": list(_groups(comparison, known)),
    }


def _groups(comparison: InterventionComparison, analyses: Sequence[RunAnalysis]) -> Iterator[Json]:
    places = {id(cohort): place for place, cohort in enumerate(comparison.cohorts)}
    for cohort, task, group in comparison.groups():
        where = {"cohort": places[id(cohort)], "task": task}
        yield where | _group(group, task) | {"rbar": [_rbar(one) for one in rbar_of(group, task, analyses)]}


def _group(group: TreatmentGroup, task: str) -> Json:
    reasons = Reasons()
    kept = reasons.value("norm_kept", group.norm_kept)
    return {
        "label": group.label,
        "intervention": {key: value for key, value in asdict(group.treatment).items() if key != "key"},
        "runs": [_run(one, task) for one in group.runs],
        "without_task": [one.path for one in group.without_task],
        "reaching": [_reaching(one) for one in group.reaching],
        "speedup": [_speedup(one) for one in group.speedups],
        "beside": [{"kind": one.kind, "speedup": [_speedup(each) for each in one.speedups]} for one in group.beside],
        "no_freeze": None if group.no_freeze is None else group.no_freeze.reason,
        "norm_kept": None if kept is None else dict(zip(("low", "median", "high"), kept, strict=True)),
        "accuracy": _curve(reasons.value("accuracy", group.curve)),
        "undefined": reasons.listed(),
    }


def _run(one: Outcome, task: str) -> Json:
    found = one.on(task)
    assert found is not None
    reasons, grokking = Reasons(), found.grokking
    return {
        "path": one.path,
        "name": one.name,
        "seed": str(one.seed) if one.seed.is_known else None,
        "state": one.state,
        "end_reason": one.end_reason,
        "grok": [_reached(each, "grok", reasons) for each in grokking.grok],
        "memorised": _reached(grokking.memorised, "memorised", reasons),
        "delay": reasons.value("delay", grokking.delay),
        "followed_to": reasons.value("followed_to", found.followed_to),
        "norm_kept": reasons.value("norm_kept", one.norm_kept),
        "undefined": reasons.listed(),
    }


def _reached(value: Crossing | Undefined, what: str, reasons: Reasons) -> Json | None:
    if isinstance(value, Undefined):
        reasons.add(what, value)
        return None
    cadence = reasons.value(f"{what} cadence", value.cadence)
    return {"t": value.t, "threshold": value.threshold, "cadence": cadence}


def _reaching(one: TimeToThreshold) -> Json:
    reasons = Reasons()
    return {
        "threshold": one.threshold,
        "n": one.n,
        "reached": one.reached,
        "mean": _average(one.mean, "mean", reasons),
        "median": reasons.value("median", one.median),
        "undefined": reasons.listed(),
    }


def _speedup(one: SpeedUp) -> Json:
    reasons = Reasons()
    return {
        "threshold": one.threshold,
        "reference": one.reference,
        "average": _average(one.average, "average", reasons),
        "censored": one.is_censored,
        "bound": None if one.bound is None else _ratio(one.bound),
        "verdict": verdict(one.average),
        "pairs": [_pair(pair, reasons) for pair in one.pairs],
        "unpaired": [{"seed": seed, "reason": reason} for seed, reason in one.unpaired],
        "undefined": reasons.listed(),
    }


def _average(found: Average | Undefined, what: str, reasons: Reasons) -> Json | None:
    if isinstance(found, Undefined):
        reasons.add(what, found)
        return None
    ends = reasons.value(f"{what} interval", found.ends)
    return {"value": found.value, "interval": None if ends is None else list(ends), "n": found.n,
            "horizon": found.horizon}  # fmt: skip


def _pair(pair: Pair, reasons: Reasons) -> Json:
    found = reasons.value(f"ratio of seed {pair.seed}", pair.quotient)
    return {
        "seed": pair.seed,
        "reference": _time(pair.reference),
        "own": _time(pair.own),
        "ratio": None if found is None else _ratio(found),
    }


def _ratio(ratio: QuotientBounds) -> Json:
    return {"low": ratio.low, "high": ratio.high}


def _time(time: CensoredTime) -> Json:
    return {"t": time.t, "reached": time.reached}


def _curve(curve: Curve | None) -> Json | None:
    if curve is None:
        return None
    values = {"mean": curve.mean, "low": curve.low, "high": curve.high}
    return {"n": curve.n, "t": curve.t.tolist()} | {name: numbers(value) for name, value in values.items()}


def _rbar(one: GroupRbar) -> Json:
    reasons = Reasons()
    mean = reasons.value("mean", one.mean)
    return {
        "source": one.source,
        "final": [reasons.value("final", value) for value in one.values],
        "mean": None if mean is None else mean.value,
        "interval": None if mean is None or mean.ends is None else list(mean.ends),
        "undefined": reasons.listed(),
    }
