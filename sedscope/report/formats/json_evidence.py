"""The part of `report.json` that stands beside R: second measures, spread, angles, stages.

Decides its names and shape; `docs/report-json.md` explains each field. Leaves to others: every number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.alignment import SHIFT_KINDS
from sedscope.analysis.pipeline.results import (
    AngleSeries,
    CheckpointAlignment,
    CouplingSeries,
    RandomAlignment,
    Stage,
    StageTable,
)
from sedscope.analysis.sources.variants import varied_by
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.json_parts import Json, Reasons, ends, numbers, padded


def coupling_evidence(series: CouplingSeries, reasons: Reasons) -> Json:
    """What a coupling holds beside R; why something is missing goes into `reasons`."""
    points = series.points
    logit = [_ratio("rbar_logit", point.logit, point.t, reasons) for point in points]
    matched = [_ratio("rbar_matched", point.matched, point.t, reasons) for point in points]
    return {
        "participation": [reasons.value("participation", point.participation, point.t) for point in points],
        "R_logit": [None if one is None else padded(one.R, series.rank) for one in logit],
        "rbar_logit": [None if one is None else one.rbar for one in logit],
        "interval_logit": [_interval("interval_logit", one.logit_interval, one.t, reasons) for one in points],
        "R_matched": [None if one is None else padded(one.R, series.rank) for one in matched],
        "rbar_matched": [None if one is None else one.rbar for one in matched],
        "interval_matched": [_interval("interval_matched", one.matched_interval, one.t, reasons) for one in points],
        "spread": _spread(series),
        "alignment": _alignment(series, reasons),
        "blocks": _blocks(series, reasons),
    }


def random_alignment(found: RandomAlignment) -> Json:
    """How far random directions align with what came next, at the checkpoints that an interval follows."""
    reasons = Reasons()
    values = [reasons.value("random_alignment", one, t) for t, one in found.points]
    columns = {kind: [None if one is None else float(one[at]) for one in values] for at, kind in enumerate(SHIFT_KINDS)}
    steps = [t for t, _ in found.points]
    return {"task": found.task, "steps": steps, **columns, "undefined": reasons.listed()}


def angles(series: AngleSeries) -> Json:
    """Principal angles between two sources, or between two batches of one."""
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
        "cosines": [padded(one, series.rank) for one in cosines],
        "flat": [point.flat for point in series.points],
        "undefined": reasons.listed(),
    }


def stages(table: StageTable) -> Json:
    """What becomes of the coupling from stage to stage."""
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
        "factor": reasons.value(f"factor of {stage.source}", stage.factor),
        "factor_matched": reasons.value(f"factor_matched of {stage.source}", stage.matched_factor),
        "flat_steps": stage.flat,
    }


def _ratio(what: str, value: CouplingRatio | Undefined, t: int, reasons: Reasons) -> CouplingRatio | None:
    found: CouplingRatio | None = reasons.value(what, value, t)
    return found


def _interval(what: str, value: Interval | Undefined, t: int, reasons: Reasons) -> list[float] | None:
    return ends(reasons.value(what, value, t))


def _spread(series: CouplingSeries) -> Json | None:
    """R̄_k of every variant; null where the source was made once."""
    found = [point.spread for point in series.points]
    known = next((one for one in found if one is not None), None)
    if known is None:
        return None
    return {
        "over": varied_by(series.source),
        "count": len(known.rbar),
        "rbar": [None if one is None else list(one.rbar) for one in found],
        "low": [None if one is None else one.low for one in found],
        "high": [None if one is None else one.high for one in found],
    }


def _alignment(series: CouplingSeries, reasons: Reasons) -> Json:
    found: list[CheckpointAlignment | None] = [
        reasons.value("alignment", point.alignment, point.t) for point in series.points
    ]
    known = list(zip([point.t for point in series.points], found, strict=True))
    rows = [None if one is None else reasons.value("alignment row", one.row, t) for t, one in known]
    intervals = [None if one is None else reasons.value("alignment row", one.row_interval, t) for t, one in known]
    vs = [None if one is None else reasons.value("alignment v", one.v, t) for t, one in known]

    def by_kind(values: Sequence[Any], of: Callable[[Any, int], Any]) -> Json:
        return {kind: [None if one is None else of(one, at) for one in values] for at, kind in enumerate(SHIFT_KINDS)}

    return {
        "next_steps": [None if one is None else one.next_t for one in found],
        "row": by_kind(rows, lambda row, at: float(row[at])),
        "row_interval": by_kind(intervals, lambda both, at: ends(both[at])),
        "v": by_kind(vs, lambda v, at: padded(v[:, at], series.rank)),
    }


def _blocks(series: CouplingSeries, reasons: Reasons) -> Json:
    energies = [reasons.value("blocks energy", point.energy, point.t) for point in series.points]
    return {
        "energy": [_matrix(one, series.rank) for one in energies],
        "coupling": [
            {
                "t": one.t,
                "n_probes": one.n_probes,
                "A": _matrix(reasons.value("blocks coupling", one.A, one.t), series.rank),
            }
            for one in series.blocks
        ],
    }


def _matrix(values: Floats | None, rank: int) -> list[list[float | None] | None] | None:
    """K lists of numbers by block; a window with fewer directions ends in nulls."""
    if values is None:
        return None
    return [numbers(row) for row in values] + [None] * (rank - len(values))
