"""The measured values of every checkpoint and task, which every series is made of.

Decides which measurements a checkpoint needs. Leaves to others: measuring (`measure`), and what is made of the values
(`assemble_series`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram
from sedscope.analysis.coupling.response import Response
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.block_couplings import RandomBlockMeasurement
from sedscope.analysis.pipeline.measure import measure
from sedscope.analysis.pipeline.measurement import Measurement
from sedscope.analysis.pipeline.responses import (
    CentroidMeasurement,
    RandomMeasurement,
    ShiftMeasurement,
    SpanGramMeasurement,
    SpanMeasurement,
    SpanResponse,
)
from sedscope.analysis.pipeline.results import NOT_MEASURED
from sedscope.analysis.pipeline.row_gram import Rolling
from sedscope.analysis.pipeline.span import Span, span_at
from sedscope.analysis.sources.variants import Variant, variants_of
from sedscope.analysis.statistics.coupling_ratio import baseline
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CheckpointResult:
    """Everything that was measured at one checkpoint for one task; a reason stands where there is no value."""

    t: int
    task: str
    next_t: int | None
    """The end of the interval that alignment is about; None where there is none, or it was not asked for."""
    random: Response | Undefined
    """Response of the random directions."""
    shift_squares: Floats | Undefined
    """‖Δμ‖² over the interval that follows, per kind of shift and group of probes `[2, G]`."""
    centroids: CentroidSpectrum | Undefined
    random_blocks: RandomBlockGram | Undefined
    spans: Mapping[Variant, Span]
    responses: Mapping[Variant, SpanResponse | Undefined]

    @property
    def random_coupling(self) -> GroupedCoupling | Undefined:
        """‖J r_j‖² of the random directions, per group of probes."""
        return self.random if isinstance(self.random, Undefined) else self.random.centroids

    @property
    def baseline(self) -> float | Undefined:
        """Median A of the random directions."""
        return self.random if isinstance(self.random, Undefined) else baseline(self.random.centroids.A)


def measure_checkpoints(
    context: AnalysisContext, pairs: Sequence[tuple[str, str]], tasks: Sequence[str], rolling: Rolling
) -> dict[str, list[CheckpointResult]]:
    """Measure what every series needs, at every checkpoint, and return it by task.

    Args:
        context: Of the analysis.
        pairs: Which source is put against the centroids of which task.
        tasks: Whose centroids.
        rolling: Windows of every source.
    """
    steps = context.checkpoints.tolist()
    plans: dict[str, list[_CheckpointPlan | CheckpointResult]] = {}
    for task in tasks:
        missing_reason = context.no_model(task)
        if missing_reason is not None:
            plans[task] = [_unmeasured(t, task, missing_reason) for t in steps]
            continue
        sources = [source for source, other in pairs if other == task]
        variants = [variant for source in sources for variant in variants_of(source, context.settings)]
        plans[task] = [_CheckpointPlan(context, t, task, variants, rolling) for t in steps]
    flat = [plan for task in tasks for plan in plans[task] if isinstance(plan, _CheckpointPlan)]
    measure(context, [measurement for plan in flat for measurement in plan.measurements()], "JVPs")
    return {
        task: [plan.result() if isinstance(plan, _CheckpointPlan) else plan for plan in plans[task]] for task in tasks
    }


def next_step(steps: Ints, t: int) -> int | None:
    """Return the first of the ascending steps that is > t."""
    position = int(np.searchsorted(steps, t, side="right"))
    return int(steps[position]) if position < len(steps) else None


def random_measurement(context: AnalysisContext, t: int, task: str) -> RandomMeasurement:
    """Return the measurement of the baseline at a checkpoint, not yet made."""
    return RandomMeasurement(context, t, task, _next_t(context, t))


def _next_t(context: AnalysisContext, t: int) -> int | None:
    return next_step(context.weight_steps, t) if context.settings.measures_all else None


def _unmeasured(t: int, task: str, reason: Undefined) -> CheckpointResult:
    return CheckpointResult(t, task, None, reason, reason, reason, reason, {}, {})


class _CheckpointPlan:
    """The measurements of one checkpoint and task."""

    def __init__(
        self, context: AnalysisContext, t: int, task: str, variants: Sequence[Variant], rolling: Rolling
    ) -> None:
        settings, next_t = context.settings, _next_t(context, t)
        self._t, self._task, self._next_t = t, task, next_t
        self._without_shift = (
            Undefined("no interval follows the last weights") if settings.measures_all else NOT_MEASURED
        )
        self._centroids = CentroidMeasurement(context, t, task)
        self._random = random_measurement(context, t, task)
        self._shift = None if next_t is None else ShiftMeasurement(context, t, task, next_t)
        self._random_blocks = RandomBlockMeasurement(context, t, task) if settings.measures_all else None
        self._spans = {
            variant: span_at(context, variant, rolling[variant], t, with_row=next_t is not None) for variant in variants
        }
        sort = SpanGramMeasurement if settings.through_gram else SpanMeasurement
        self._responses = {
            variant: sort(context, t, task, next_t, span)
            for variant, span in self._spans.items()
            if isinstance(span, Span)
        }

    def measurements(self) -> list[Measurement[Any]]:
        """Return all of them, the centroids first: they refuse a model that cannot be run."""
        optional = [measurement for measurement in (self._shift, self._random_blocks) if measurement is not None]
        return [self._centroids, self._random, *self._responses.values(), *optional]

    def result(self) -> CheckpointResult:
        """Return their values."""
        return CheckpointResult(
            self._t,
            self._task,
            self._next_t,
            self._random.result(),
            self._without_shift if self._shift is None else self._shift.result(),
            self._centroids.result(),
            NOT_MEASURED if self._random_blocks is None else self._random_blocks.result(),
            {variant: span for variant, span in self._spans.items() if isinstance(span, Span)},
            {
                variant: span if isinstance(span, Undefined) else self._responses[variant].result()
                for variant, span in self._spans.items()
            },
        )
