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
from sedscope.analysis.result_view.diagnostic_columns import ANGLES, STAGES
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.sources.variants import varied_by
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.json_parts import Json, Reasons, ends, numbers, padded, readings


def coupling_evidence(series: CouplingSeries, reasons: Reasons) -> Json:
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
        "alignment": _alignment(series, reasons),
        "blocks": _blocks(series, reasons),
    }


def random_alignment(series: RandomAlignment) -> Json:
    """Return how far random directions align with what came next, at the checkpoints that an interval follows."""
    reasons = Reasons()
    values = [reasons.value("random_alignment", by_kind, t) for t, by_kind in series.points]
    steps = [t for t, _ in series.points]
    by_kind = _by_kind(values, lambda value, kind: float(value[kind]))
    return {"task": series.task, "steps": steps, **by_kind, "undefined": reasons.listed()}


def angles(series: AngleSeries) -> Json:
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


def stages(table: StageTable) -> Json:
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
