"""The measured values of every checkpoint and task, which every series is made of.

Decides which measurements a checkpoint needs. Leaves to others: measuring (`measure`), and what is made of the values
(`assemble_series`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram
from sedscope.analysis.coupling.response import Response
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.block_couplings import RandomBlockMeasurement
from sedscope.analysis.pipeline.measure import Measurement, T, measure
from sedscope.analysis.pipeline.responses import (
    CentroidMeasurement,
    RandomMeasurement,
    ShiftMeasurement,
    SpanGramMeasurement,
    SpanMeasurement,
    SpanResponse,
)
from sedscope.analysis.pipeline.results import NOT_MEASURED
from sedscope.analysis.pipeline.span import Rolling, span_at
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.window_svd import SpanBasis
from sedscope.analysis.statistics.coupling_ratio import baseline
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


class CheckpointResult:
    """Everything that is measured at one checkpoint for one task; a reason stands where there is no value."""

    def __init__(
        self, context: AnalysisContext, t: int, task: str, variants: Sequence[Variant], rolling: Rolling
    ) -> None:
        """Decide what is measured; the values are there once `measure` was called with the measurements."""
        all_measures = context.settings.measures_all
        self.t = t
        self.next_t = _next_t(context, t)
        """The end of the interval that alignment is about; None where there is none, or it was not asked for."""
        self._centroids: CentroidMeasurement | Undefined = CentroidMeasurement(context, t, task)
        self._random: RandomMeasurement | Undefined = random_measurement(context, t, task)
        self._shift: ShiftMeasurement | Undefined = (
            Undefined("no interval follows the last weights") if all_measures else NOT_MEASURED
        )
        if self.next_t is not None:
            self._shift = ShiftMeasurement(context, t, task, self.next_t)
        self._random_blocks: RandomBlockMeasurement | Undefined = (
            RandomBlockMeasurement(context, t, task) if context.settings.evidence else NOT_MEASURED
        )
        reason = context.no_model(task)
        if reason is not None:
            self._centroids = self._random = self._shift = self._random_blocks = reason
            variants = ()
        with_row = self.next_t is not None
        self._spans = {
            variant: span_at(context, variant, rolling[variant], t, with_row=with_row) for variant in variants
        }
        sort = SpanGramMeasurement if context.settings.through_gram else SpanMeasurement
        self._responses: dict[Variant, SpanMeasurement | Undefined] = {
            variant: span if isinstance(span, Undefined) else sort(context, t, task, self.next_t, span)
            for variant, span in self._spans.items()
        }

    def measurements(self) -> list[Measurement[Any]]:
        """Return what there is to measure, the centroids first: they refuse a model that cannot be run."""
        parts = (self._centroids, self._random, *self._responses.values(), self._shift, self._random_blocks)
        return [measurement for measurement in parts if not isinstance(measurement, Undefined)]

    @property
    def centroids(self) -> CentroidSpectrum | Undefined:
        """Principal components of the centroids."""
        return _value(self._centroids)

    @property
    def random(self) -> Response | Undefined:
        """Response of the random directions."""
        return _value(self._random)

    @property
    def random_coupling(self) -> GroupedCoupling | Undefined:
        """‖J r_j‖² of the random directions, per group of probes."""
        return self.random if isinstance(self.random, Undefined) else self.random.centroids

    @property
    def baseline(self) -> float | Undefined:
        """Median A of the random directions."""
        return self.random if isinstance(self.random, Undefined) else baseline(self.random.centroids.A)

    @property
    def shift_squares(self) -> Floats | Undefined:
        """‖Δμ‖² over the interval that follows, per kind of shift and group of probes `[2, G]`."""
        return _value(self._shift)

    @property
    def random_blocks(self) -> RandomBlockGram | Undefined:
        """Block-wise products of the first random directions."""
        return _value(self._random_blocks)

    def response(self, variant: Variant) -> SpanResponse | Undefined:
        """Return the response to the span of a variant's window."""
        return _value(self._responses.get(variant, NOT_MEASURED))

    def basis(self, variant: Variant) -> SpanBasis | None:
        """Return what the directions of a variant that has a response span; None where they are a window's own."""
        span = self._spans[variant]
        return None if isinstance(span, Undefined) else span.basis


def _value(measurement: Measurement[T] | Undefined) -> T | Undefined:
    return measurement if isinstance(measurement, Undefined) else measurement.result()


def measure_checkpoints(
    context: AnalysisContext, pairs: Sequence[tuple[str, str]], tasks: Sequence[str], rolling: Rolling
) -> dict[str, list[CheckpointResult]]:
    """Measure what every series needs, at every checkpoint, and return it by task.

    The pairs say which source is put against the centroids of which task.
    """
    results: dict[str, list[CheckpointResult]] = {}
    for task in tasks:
        sources = [source for source, other in pairs if other == task]
        variants = [variant for source in sources for variant in context.variants(source)]
        results[task] = [CheckpointResult(context, t, task, variants, rolling) for t in context.checkpoints.tolist()]
    every = [result for task in tasks for result in results[task]]
    measure(context, [measurement for result in every for measurement in result.measurements()], "JVPs")
    return results


def random_measurement(context: AnalysisContext, t: int, task: str) -> RandomMeasurement:
    """Return the measurement of the baseline at a checkpoint, not yet made."""
    return RandomMeasurement(context, t, task, _next_t(context, t))


def _next_t(context: AnalysisContext, t: int) -> int | None:
    """Return the first t with weights after a checkpoint, where alignment is asked for."""
    later = context.weight_steps[context.weight_steps > t]
    return int(later[0]) if context.settings.measures_all and len(later) else None
