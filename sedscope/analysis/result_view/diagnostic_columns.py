"""Columns of what stands beside R̄_k: flat windows, alignment, stages of the optimizer, blocks and angles.

An alignment counts as moving the way the training moved next from a multiple of what random directions reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import (
    NOT_MEASURED,
    AngleSeries,
    CheckpointAngles,
    CheckpointCoupling,
    CouplingSeries,
    RunAnalysis,
    Stage,
)
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value, plain_reading
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined

ABOVE_FLOOR = 2.0
"""An alignment counts from this many times the root mean square of random directions: of normally distributed
cosines one in twenty lies beyond it, to either side."""


def alignment_floors(run: RunAnalysis, task: str) -> dict[int, float]:
    """Return the root mean square of random directions by t, where only the selected parameters move."""
    series = next((each for each in run.random_alignment if each.task == task), None)
    points = () if series is None else series.points
    return {t: float(by_kind[0]) for t, by_kind in points if not isinstance(by_kind, Undefined)}


def alignment_rows(series: CouplingSeries) -> dict[int, Floats] | Undefined:
    """Return a of the row by t `[2]` (kinds as in `response.SHIFT_KINDS`), or why no checkpoint has one."""
    rows = {}
    missing = NOT_MEASURED
    for point in series.points:
        row = point.alignment if isinstance(point.alignment, Undefined) else point.alignment.row
        if isinstance(row, Undefined):
            missing = row
        else:
            rows[point.t] = row
    return rows or missing


def row_alignments(series: CouplingSeries) -> list[tuple[int, float]]:
    """Return t and a of the row at each checkpoint that has one, where only the selected parameters move."""
    rows = alignment_rows(series)
    return [] if isinstance(rows, Undefined) else [(t, float(row[0])) for t, row in rows.items()]


def alignments(series: CouplingSeries, floors: dict[int, float]) -> list[tuple[float, float]]:
    """Return a of the row and the floor that counts, at every checkpoint with both.

    Args:
        series: One source against one task.
        floors: As `alignment_floors` returns them.
    """
    return [(a, ABOVE_FLOOR * floors[t]) for t, a in row_alignments(series) if t in floors]


def with_sign(value: float) -> str:
    """Return `+0.21`."""
    return f"{'+' if value > 0 else ''}{signed(value, 2)}"


def n_flat(series: CouplingSeries) -> tuple[int, int]:
    """Return at how many checkpoints with full windows the subspace is arbitrary, and of how many."""
    full = [point for point in series.points if point.full and isinstance(point.ratio, CouplingRatio)]
    return sum(point.flat is not None for point in full), len(full)


def _of(n: int, total: int) -> Reading:
    return Reading(n, words=f"{count(n)} of {count(total)}")


DIAGNOSTICS: list[ResultColumn[CouplingSeries]] = [
    ResultColumn(
        "flat_checkpoints", "flat", "checkpoints with full windows at which the top K is arbitrary",
        lambda series: _of(*n_flat(series)), ("page",), int,
    ),
]  # fmt: skip
"""Columns of a source against a task over all checkpoints, beside those of its last one."""


@dataclass(frozen=True, slots=True)
class AlignmentRow:
    """The alignment of a source's rows with what the training did next to one task, over the checkpoints."""

    series: CouplingSeries
    floors: dict[int, float]
    """As `alignment_floors` returns them."""


def _over_checkpoints(read: Callable[[dict[int, Floats]], float]) -> Callable[[AlignmentRow], Value]:
    def value(row: AlignmentRow) -> Value:
        rows = alignment_rows(row.series)
        if isinstance(rows, Undefined):
            return rows
        number = read(rows)
        return Reading(number, words=with_sign(number))

    return value


def _beyond(sign: int) -> Callable[[AlignmentRow], Value]:
    def value(row: AlignmentRow) -> Value:
        rows = alignment_rows(row.series)
        if isinstance(rows, Undefined):
            return rows
        pairs = alignments(row.series, row.floors)
        return _of(sum(sign * a > floor for a, floor in pairs), len(pairs))

    return value


ALIGNMENTS: list[ResultColumn[AlignmentRow]] = [
    ResultColumn(
        "median_selected", "selected move", "median of a over the checkpoints, selected parameters moved",
        _over_checkpoints(lambda rows: float(np.median(np.stack(list(rows.values())), axis=0)[0])), ("page",),
    ),
    ResultColumn(
        "median_all", "all move", "median of a over the checkpoints, all parameters moved",
        _over_checkpoints(lambda rows: float(np.median(np.stack(list(rows.values())), axis=0)[1])), ("page",),
    ),
    ResultColumn(
        "final_alignment", "at the end", "a at the last checkpoint, selected parameters moved",
        _over_checkpoints(lambda rows: float(rows[max(rows)][0])), ("page",),
    ),
    ResultColumn(
        "above_floor", "above floor", "checkpoints at which a is above the floor of random directions",
        _beyond(1), ("page",), int,
    ),
    ResultColumn(
        "below_floor", "below −floor", "checkpoints at which a is below minus that floor", _beyond(-1), ("page",), int,
    ),
]  # fmt: skip
"""Columns of the table of alignments."""


def _geometric_mean(values: Floats | Undefined) -> Value:
    if isinstance(values, Undefined):
        return values
    if len(values) == 0:
        return Undefined("at no checkpoint has every stage a full window")
    if np.any(values <= 0.0):
        return Undefined("a stage does not couple at all")
    return Reading(float(np.exp(np.mean(np.log(values)))))


def _factor(value: float | Undefined) -> Value:
    return value if isinstance(value, Undefined) else Reading(value, words=f"× {signed(value, 2)}")


STAGES: list[ResultColumn[Stage]] = [
    ResultColumn(
        "rbar_mean", "R̄_k", "geometric mean of R̄_k over the checkpoints at which every stage has a full window",
        lambda stage: _geometric_mean(stage.rbar), ("page",),
    ),
    ResultColumn(
        "factor", "factor", "R̄_k over that of the stage before", lambda stage: _factor(stage.factor), ("page", "json"),
    ),
    ResultColumn(
        "rbar_matched_mean", "R^matched", "geometric mean of R^matched over the same checkpoints",
        lambda stage: _geometric_mean(stage.matched), ("page",), term="R_matched",
    ),
    ResultColumn(
        "factor_matched", "factor", "R^matched over that of the stage before",
        lambda stage: _factor(stage.matched_factor), ("page", "json"),
    ),
    ResultColumn(
        "flat_steps", "flat", "how many of these checkpoints have a top K that is arbitrary",
        lambda stage: _of(stage.flat, len(stage.rbar)), ("page", "json"), int, term="participation",
    ),
]  # fmt: skip
"""Columns of the table of the optimizer's stages."""


@dataclass(frozen=True, slots=True)
class StageAtStep:
    """A stage at one of the checkpoints of its table."""

    stage: Stage
    index: int


STAGE_STEPS: list[ResultColumn[StageAtStep]] = [
    ResultColumn("rbar", "R̄_k", "R̄_k of the stage", lambda row: Reading(float(row.stage.rbar[row.index])), ("tables",)),
    ResultColumn(
        "rbar_matched", "R^matched", "mean R^matched of the stage",
        lambda row: row.stage.matched
        if isinstance(row.stage.matched, Undefined)
        else Reading(float(row.stage.matched[row.index])),
        ("tables",),
    ),
]  # fmt: skip
"""Columns of a stage at one checkpoint."""


@dataclass(frozen=True, slots=True)
class BlockOfDirection:
    """One v_k within one block, at one checkpoint."""

    energy: Floats | Undefined
    """`[K', B]`, as in `CheckpointCoupling.energy`."""
    coupling: Floats | Undefined
    """`[K'', B]`, as in `BlockCoupling.A`."""
    k: int
    """Index of the direction; a window can have fewer."""
    block: int
    """Index of the block."""


def block_rows(series: CouplingSeries, point: CheckpointCoupling | Undefined) -> list[list[BlockOfDirection]]:
    """Return the rows `[rank, B]` of a source at one checkpoint; B is 1 where nothing is known."""
    energy = point if isinstance(point, Undefined) else point.energy
    t = None if isinstance(point, Undefined) else point.t
    coupling = next((block.A for block in series.blocks if block.t == t), NOT_MEASURED)
    n_blocks = next((values.shape[1] for values in (energy, coupling) if not isinstance(values, Undefined)), 1)
    return [[BlockOfDirection(energy, coupling, k, b) for b in range(n_blocks)] for k in range(series.rank)]


def _within_block(values: Floats | Undefined, row: BlockOfDirection) -> Value:
    if isinstance(values, Undefined):
        return values
    return Reading(float(values[row.k, row.block])) if row.k < len(values) else None


BLOCKS: list[ResultColumn[BlockOfDirection]] = [
    ResultColumn(
        "energy", "energy", "‖v_k‖² within the block", lambda row: _within_block(row.energy, row), ("page", "tables")
    ),
    ResultColumn(
        "A", "coupling", "A of v_k restricted to the block",
        lambda row: _within_block(row.coupling, row), ("page", "tables"),
    ),
]  # fmt: skip
"""Columns of the table of blocks; on the page each is a line of shares."""


def _cosines(series: AngleSeries) -> list[tuple[CheckpointAngles, Floats]]:
    return [(point, point.cosines) for point in series.points if not isinstance(point.cosines, Undefined)]


def _median_cosine(read: Callable[[Floats], float]) -> Callable[[AngleSeries], Value]:
    def value(series: AngleSeries) -> Value:
        cosines = [read(values) for _, values in _cosines(series)]
        if not cosines:
            reasons = [point.cosines for point in series.points if isinstance(point.cosines, Undefined)]
            return reasons[0] if reasons else Undefined("there is no checkpoint")
        median = float(np.median(cosines))
        return Reading(median, words=signed(median, 2))

    return value


def _flat_angles(series: AngleSeries) -> Value:
    cosines = _cosines(series)
    return _of(sum(point.flat is not None for point, _ in cosines), len(cosines)) if cosines else None


ANGLES: list[ResultColumn[AngleSeries]] = [
    ResultColumn(
        "cosine_1", "cosine 1", "median over the checkpoints of the largest cosine",
        _median_cosine(lambda cosines: cosines[0]), ("page",), term="angles",
    ),
    ResultColumn(
        "cosine_mean", "mean cosine", "median over the checkpoints of the mean cosine",
        _median_cosine(lambda cosines: cosines.mean()), ("page",),
    ),
    ResultColumn(
        "checkpoints", "checkpoints", "checkpoints with angles",
        lambda series: Reading(len(_cosines(series))), ("page",), int,
    ),
    ResultColumn(
        "flat_checkpoints", "flat", "how many of these have a subspace that is arbitrary", _flat_angles, ("page",), int,
    ),
]  # fmt: skip
"""Columns of the table of angles between two sources."""


@dataclass(frozen=True, slots=True)
class AngleAtStep:
    """One of the angles between two sources at one checkpoint."""

    point: CheckpointAngles
    cosine: float


ANGLE_STEPS: list[ResultColumn[AngleAtStep]] = [
    ResultColumn("cosine", "cosine", "cosine of the angle", lambda row: Reading(row.cosine), ("tables",)),
    ResultColumn(
        "flat", "flat", "why one of the subspaces is arbitrary; null where none is",
        lambda row: plain_reading(row.point.flat), ("tables",), str,
    ),
]  # fmt: skip
"""Columns of one angle at one checkpoint."""
