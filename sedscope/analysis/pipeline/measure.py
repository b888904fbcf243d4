"""The one way to a measured value: look up in the cache, find what is missing, compute it by checkpoint, keep it.

Decides the order of the work (by checkpoint, so that its weights are read once), that checkpoints are computed side by
side, and that an error makes one group of values undefined and stops nothing else. Leaves to others: what there is to
measure, and how (`measurement`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count, groupby
from typing import Any

from recorders.errors import SedscopeError
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measurement import (
    CheckpointMeasurement,
    LoadedCheckpoint,
    Measurement,
    RowMeasurement,
    Tick,
)
from sedscope.analysis.result_codec import from_arrays, to_arrays
from sedscope.analysis.undefined import Undefined

AnyMeasurement = Measurement[Any]
AtCheckpoint = CheckpointMeasurement[Any]


def measure(context: AnalysisContext, measurements: Sequence[AnyMeasurement], stage: str) -> None:
    """Give every measurement its value: from the cache where it is kept, else computed and kept.

    Args:
        context: Of the analysis.
        measurements: What is needed; their values are set.
        stage: Name of this work in what is told of its progress.

    Raises:
        DamagedError: Data is damaged that was not known to be.
        BaseException: What the listener to the progress raised; what was finished by then is kept.
    """
    for measurement in measurements:
        look_up(context, measurement)
    _drop_without_rows(context, [measurement for measurement in measurements if measurement.value is None])
    missing = [measurement for measurement in measurements if measurement.value is None]
    from_rows = [measurement for measurement in missing if isinstance(measurement, RowMeasurement)]
    for done, measurement in enumerate(from_rows):
        try:
            _keep(context, measurement, measurement.compute())
        except (SedscopeError, RuntimeError) as error:
            _fail([measurement], context.reason(error))
        context.tell(stage, done + 1, len(from_rows))
    _compute_checkpoints(
        context, [measurement for measurement in missing if isinstance(measurement, CheckpointMeasurement)], stage
    )


def look_up(context: AnalysisContext, measurement: AnyMeasurement) -> None:
    """Set the value of a measurement where the cache holds it; an entry that does not fit counts as missing."""
    entry = context.cache.load(measurement.kind, measurement.key())
    cached = from_arrays(measurement.result_type, entry)
    if cached is not None and measurement.fits(cached):
        measurement.value = cached


def _drop_without_rows(context: AnalysisContext, missing: Sequence[AnyMeasurement]) -> None:
    needed = dict.fromkeys(variant for measurement in missing for variant in measurement.variants())
    reasons = context.compute_rows(list(needed))
    for measurement in missing if reasons else ():
        measurement.drop(reasons)


def _compute_checkpoints(context: AnalysisContext, missing: Sequence[AtCheckpoint], stage: str) -> None:
    if not missing:
        return
    from sedscope.analysis.parallel import run_pieces

    done, total = count(1), sum(measurement.n_units() for measurement in missing)
    by_checkpoint = groupby(sorted(missing, key=lambda measurement: measurement.t), lambda measurement: measurement.t)
    pieces = [partial(_compute_checkpoint, context, list(group)) for _, group in by_checkpoint]
    run_pieces(pieces, context.models.workers, lambda _: context.tell(stage, next(done), total))


def _compute_checkpoint(context: AnalysisContext, missing: Sequence[AtCheckpoint], tick: Tick) -> None:
    """Compute and keep what is missing at one checkpoint, task after task."""
    for task in dict.fromkeys(measurement.task for measurement in missing):
        of_task = [measurement for measurement in missing if measurement.task == task]
        try:
            checkpoint = LoadedCheckpoint(context, of_task[0].t, task)
        except (SedscopeError, RuntimeError) as error:
            _fail(of_task, context.reason(error))
            continue
        for group in _groups(of_task):
            try:
                for measurement, value in _values(group, checkpoint, tick):
                    _keep(context, measurement, value)
            except (SedscopeError, RuntimeError) as error:
                _fail(group, context.reason(error))


def _groups(measurements: Sequence[AtCheckpoint]) -> Iterator[list[AtCheckpoint]]:
    """Yield the measurements that are computed in one call, in the order of their first ones."""
    groups: dict[int, list[AtCheckpoint]] = {}
    for position, measurement in enumerate(measurements):
        groups.setdefault(-1 if measurement.together else position, []).append(measurement)
    yield from groups.values()


def _values(
    group: Sequence[AtCheckpoint], checkpoint: LoadedCheckpoint, tick: Tick
) -> Iterator[tuple[AtCheckpoint, Any]]:
    if group[0].together:
        yield from group[0].compute_together(group, checkpoint, tick)
    else:
        yield from ((measurement, measurement.compute(checkpoint, tick)) for measurement in group)


def _keep(context: AnalysisContext, measurement: AnyMeasurement, value: Any) -> None:
    measurement.value = value
    context.cache.keep(measurement.kind, measurement.key(), to_arrays(value))


def _fail(measurements: Sequence[AnyMeasurement], reason: Undefined) -> None:
    for measurement in measurements:
        if measurement.value is None:
            measurement.value = reason
