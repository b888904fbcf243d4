"""The one way to a measured value: look up in the cache, find what is missing, compute it by checkpoint, keep it.

Decides what every measurement has in common, the order of the work (by checkpoint, so that its weights are read once),
that checkpoints are computed side by side, and that an error makes one group of values undefined and stops nothing
else. A new measurement is one class: `kind`, `result_type`, `key`, `shapes` and `compute`. Leaves to others: what there
is to measure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, groupby
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from recorders.errors import SedscopeError
from sedscope.analysis.cache import Key
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.result_codec import array_shapes, from_arrays, to_arrays
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.undefined import Undefined

if TYPE_CHECKING:
    from sedscope.analysis.coupling.coupling_sums import CentroidShift

T = TypeVar("T")
Tick = Callable[[int], None]
"""Called after so many units of work. May raise, which ends the work; what was finished is kept."""
Shape = tuple[int | None, ...]
"""Lengths of an array's axes; None where any length fits."""


@dataclass(eq=False)
class Measurement(ABC, Generic[T]):
    """One quantity that an analysis needs and that the cache keeps."""

    kind: ClassVar[str]
    """Name of its entries in the cache."""
    result_type: ClassVar[Any]
    """Type that an entry must decode to."""

    context: AnalysisContext
    value: T | Undefined | None = field(default=None, init=False)
    """The quantity, or why it does not exist; None until `measure` has been called."""

    @abstractmethod
    def key(self) -> Key:
        """Return everything that the value depends on, beside the constants of the numerics."""

    @abstractmethod
    def shapes(self) -> list[Shape]:
        """Return the shape of every array of the value, in the order of its fields.

        An entry with other shapes counts as missing.
        """

    def fits(self, value: T | Undefined) -> bool:
        """Return whether a cached value has the shapes that the question implies."""
        if isinstance(value, Undefined):
            return True
        lengths, required = array_shapes(value), self.shapes()
        return [len(shape) for shape in lengths] == [len(shape) for shape in required] and all(
            length in (actual, None)
            for shape, wanted_shape in zip(lengths, required, strict=True)
            for actual, length in zip(shape, wanted_shape, strict=True)
        )

    def look_up(self) -> None:
        """Take the value from the cache where it is kept; an entry that does not fit counts as missing."""
        cached = from_arrays(self.result_type, self.context.cache.load(self.kind, self.key()))
        if cached is not None and self.fits(cached):
            self.value = cached

    def keep(self, value: T | Undefined) -> None:
        """Take a computed value, and keep it in the cache."""
        self.value = value
        self.context.cache.keep(self.kind, self.key(), to_arrays(value))

    def variants(self) -> tuple[Variant, ...]:
        """Return the sources whose rows must be readable before the value can be computed."""
        return ()

    def drop(self, reasons: dict[Variant, Undefined]) -> None:
        """Take note of sources whose rows cannot be computed: without them there is no value."""
        self.value = next((reasons[variant] for variant in self.variants() if variant in reasons), self.value)

    def n_units(self) -> int:
        """Return how many units of progress the computation takes."""
        return 1

    def result(self) -> T | Undefined:
        """Return the value, once it was measured."""
        assert self.value is not None, "a value is there once `measure` was called"
        return self.value


@dataclass(eq=False)
class RowMeasurement(Measurement[T]):
    """A quantity that follows from rows alone, without the model."""

    @abstractmethod
    def compute(self) -> T:
        """Return the value."""


@dataclass(eq=False)
class CheckpointMeasurement(Measurement[T]):
    """A quantity of one checkpoint with the probes of one task."""

    together: ClassVar[bool] = False
    """Whether all measurements of this sort at one checkpoint share one call of `compute_together`."""

    t: int
    task: str

    @abstractmethod
    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> T | Undefined:
        """Return the value.

        Args:
            checkpoint: The model at t with the task's probes.
            tick: Called after every unit of progress.
        """

    @classmethod
    def compute_together(
        cls, measurements: Sequence[Self], checkpoint: LoadedCheckpoint, tick: Tick
    ) -> Iterator[tuple[Self, T | Undefined]]:
        """Yield each measurement with its value; a class that sets `together` says how."""
        raise NotImplementedError

    def feature_key(self) -> dict[str, Any]:
        """Return what the features at the checkpoint depend on."""
        return {
            "weights": self.context.run.identity("weights", steps=[self.t]),
            "task": self.context.task_identity(self.task),
            **self.context.settings.of_scope("features"),
        }

    def jvp_key(self) -> dict[str, Any]:
        """Return what a Jacobian-vector product at the checkpoint depends on, beside its direction."""
        selected = [parameter.name for parameter in self.context.run.manifest.selected]
        return {**self.feature_key(), "selected": selected, **self.context.settings.of_scope("jvps")}

    def next_key(self, next_t: int | None) -> dict[str, Any]:
        """Return what the interval that follows the checkpoint adds to a key."""
        return {"next": None if next_t is None else self.context.run.identity("weights", steps=[next_t])}

    def block_key(self) -> dict[str, Any]:
        """Return what a block-wise Jacobian-vector product adds to a key."""
        blocks = [[block.name, block.columns.start, block.columns.stop] for block in self.context.blocks]
        return {"blocks": blocks, **self.context.settings.of_scope("blocks")}


class LoadedCheckpoint:
    """The model at a checkpoint with a task's probes, read once for every measurement that is made there."""

    def __init__(self, context: AnalysisContext, t: int, task: str) -> None:
        self.context = context
        self.task = task
        self.model = context.models.probed_model(t, task)
        self.chunk = context.models.chunk_size(self.model, task)
        """Probes differentiated at once; None for all."""
        self._shifts: dict[int, CentroidShift] = {}

    def shift(self, next_t: int | None) -> CentroidShift | None:
        """Return how the centroids move until the next weights; None where there are none."""
        from sedscope.analysis.coupling.coupling_sums import CentroidShift

        if next_t is None:
            return None
        if next_t not in self._shifts:
            self._shifts[next_t] = CentroidShift(self.model, self.context.models.probed_model(next_t, self.task))
        return self._shifts[next_t]


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
        measurement.look_up()
    missing = [measurement for measurement in measurements if measurement.value is None]
    reasons = context.compute_rows(list(dict.fromkeys(variant for each in missing for variant in each.variants())))
    for measurement in missing if reasons else ():
        measurement.drop(reasons)
    missing = [measurement for measurement in missing if measurement.value is None]
    from_rows = [measurement for measurement in missing if isinstance(measurement, RowMeasurement)]
    for done, measurement in enumerate(from_rows):
        try:
            measurement.keep(measurement.compute())
        except (SedscopeError, RuntimeError) as error:
            measurement.value = context.reason(error)
        context.tell(stage, done + 1, len(from_rows))
    at_checkpoints = [measurement for measurement in missing if isinstance(measurement, CheckpointMeasurement)]
    if at_checkpoints:
        _measure_checkpoints(context, at_checkpoints, stage)


def _measure_checkpoints(context: AnalysisContext, missing: Sequence[AtCheckpoint], stage: str) -> None:
    from sedscope.analysis.parallel import run_pieces

    done, total = count(1), sum(measurement.n_units() for measurement in missing)
    by_checkpoint = groupby(sorted(missing, key=lambda measurement: measurement.t), lambda measurement: measurement.t)
    pieces = [partial(_measure_checkpoint, context, list(group)) for _, group in by_checkpoint]
    run_pieces(pieces, context.models.workers, lambda _: context.tell(stage, next(done), total))


def _measure_checkpoint(context: AnalysisContext, missing: Sequence[AtCheckpoint], tick: Tick) -> None:
    """Compute and keep what is missing at one checkpoint, task after task."""
    for task in dict.fromkeys(measurement.task for measurement in missing):
        of_task = [measurement for measurement in missing if measurement.task == task]
        try:
            checkpoint = LoadedCheckpoint(context, of_task[0].t, task)
        except (SedscopeError, RuntimeError) as error:
            _fail(of_task, context.reason(error))
            continue
        # In the order of their first ones: those that share a call, and each of the others alone.
        groups: dict[int, list[AtCheckpoint]] = {}
        for position, measurement in enumerate(of_task):
            groups.setdefault(-1 if measurement.together else position, []).append(measurement)
        for group in groups.values():
            try:
                if not group[0].together:
                    group[0].keep(group[0].compute(checkpoint, tick))
                    continue
                for measurement, value in group[0].compute_together(group, checkpoint, tick):
                    measurement.keep(value)
            except (SedscopeError, RuntimeError) as error:
                _fail(group, context.reason(error))


def _fail(measurements: Sequence[AnyMeasurement], reason: Undefined) -> None:
    for measurement in measurements:
        if measurement.value is None:
            measurement.value = reason
