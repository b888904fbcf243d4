"""The fold of the optimizer's stages: where on the way from gradient to displacement the coupling goes.

Decides the order of stages, which checkpoints are compared (those where every stage has a full window and a ratio), and
what "loses most" means: the least geometric mean of the ratio to the stage before. The sum of the updates over an
interval is the displacement, so the two are one stage. Leaves to others: the ratios, and every sentence about them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from recorders.row_sources import ROW_SOURCES, Source
from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, Stage, StageTable
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined


def stage_table(series: Sequence[CouplingSeries], task: str, window: int, rank: int, n_tasks: int) -> StageTable | None:
    """Return the stages of one task, window and rank among all series of a run; None with fewer than two stages."""
    by_source = {line.source: line for line in series if (line.task, line.window, line.rank) == (task, window, rank)}
    rows = [row for row in ROW_SOURCES if row.stage is not None]
    names = {row.name(task): str(row.stage) for row in rows}
    points = {source: _full_points(by_source[source]) for source in names if source in by_source}
    # A source without any full window that has a ratio is not a stage of this run.
    chain = {source: by_step for source, by_step in points.items() if by_step}
    if len(chain) < 2:
        return None
    steps = tuple(sorted(set.intersection(*map(set, chain.values()))))
    stages: list[Stage] = []
    for source, by_step in chain.items():
        stages.append(_stage(names[source], source, [by_step[t] for t in steps], stages[-1] if stages else None))
    merged = tuple(
        (names[row.pattern], names[same])
        for row in rows
        if row.same_as is not None and row.pattern not in by_source
        if {same := _same_as(row.same_as, task, n_tasks, by_source), row.made_of[0]} <= by_source.keys()
    )
    least = _least([(stage.source, stage.factor) for stage in stages[1:]])
    matched = _least([(stage.source, stage.matched_factor) for stage in stages[1:]])
    return StageTable(task, window, rank, steps, tuple(stages), merged, least, matched)


def _same_as(source: str, task: str, n_tasks: int, sources: Collection[str]) -> str:
    """Return the source that is meant: of one task, what is made of all tasks is what is made of that one."""
    own = Source(source, task).name
    return own if n_tasks == 1 and own in sources else source


def _full_points(series: CouplingSeries) -> dict[int, CheckpointCoupling]:
    """Return the checkpoints by step at which a full window has a ratio."""
    return {point.t: point for point in series.points if point.full and isinstance(point.ratio, CouplingRatio)}


def _stage(name: str, source: str, points: Sequence[CheckpointCoupling], before: Stage | None) -> Stage:
    rbar = np.array([point.ratio.rbar for point in points if isinstance(point.ratio, CouplingRatio)])
    matched = _matched(points)
    first = Undefined("the first stage has none before it")
    return Stage(
        name,
        source,
        rbar,
        matched,
        first if before is None else _factor(before.rbar, rbar),
        first if before is None else _factor(before.matched, matched),
        sum(point.flat is not None for point in points),
    )


def _matched(points: Sequence[CheckpointCoupling]) -> Floats | Undefined:
    reason = next((point.matched for point in points if isinstance(point.matched, Undefined)), None)
    if reason is not None:
        return reason
    return np.array([point.matched.rbar for point in points if isinstance(point.matched, CouplingRatio)])


def _factor(before: Floats | Undefined, after: Floats | Undefined) -> float | Undefined:
    """Return the geometric mean of after/before."""
    for rbar in (before, after):
        if isinstance(rbar, Undefined):
            return rbar
    assert isinstance(before, np.ndarray) and isinstance(after, np.ndarray)
    if len(after) == 0:
        return Undefined("at no checkpoint has every stage a full window")
    if np.any(before <= 0.0) or np.any(after <= 0.0):
        return Undefined("a stage does not couple at all")
    return float(np.exp(np.mean(np.log(after / before))))


def _least(factors: Sequence[tuple[str, float | Undefined]]) -> str | Undefined:
    defined = [(factor, source) for source, factor in factors if not isinstance(factor, Undefined)]
    if not defined:
        return next(factor for _, factor in factors if isinstance(factor, Undefined))
    factor, source = min(defined)
    return source if factor < 1.0 else Undefined("no step loses coupling")
