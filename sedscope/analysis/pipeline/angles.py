"""Principal angles between the subspaces of sources, beside the floor: one source on two fixed batches.

Works on inner products of directions, taken block by block over the columns, so that no more than a block of all
directions is held; no model is needed. Leaves to others: which spans there are (`span`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import RowMeasurement, Shape, measure
from sedscope.analysis.pipeline.results import AngleSeries, CheckpointAngles
from sedscope.analysis.pipeline.span import Rolling, Span, span_at
from sedscope.analysis.sources.variants import Variant, is_control
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.window_svd import flatness, subspace_cosines
from sedscope.analysis.undefined import Undefined

Pair = tuple[Variant, Variant]


def compared_pairs(sources: Sequence[str], floors: Sequence[Variant]) -> tuple[Pair, ...]:
    """Return which sources are compared: all but two controls, then each floor, the second batch of its source."""
    pairs = [(Variant(a), Variant(b)) for a, b in combinations(sources, 2) if not (is_control(a) and is_control(b))]
    return (*pairs, *((Variant(floor.source), floor) for floor in floors))


@dataclass(eq=False)
class AngleMeasurement(RowMeasurement[Floats]):
    """⟨v, w⟩ between all directions of the defined spans at one checkpoint `[M, M]`, in their order."""

    kind = "angles"
    result_type = Floats

    t: int
    spans: dict[Variant, Span | Undefined]

    def key(self) -> Key:
        return {"spans": [dict(span.key()) for span in self.defined_spans()]}

    def variants(self) -> tuple[Variant, ...]:
        return tuple(span.variant for span in self.defined_spans())

    def drop(self, reasons: dict[Variant, Undefined]) -> None:
        """Leave out sources whose rows cannot be computed; the others are compared all the same."""
        self.spans |= {variant: reason for variant, reason in reasons.items() if variant in self.spans}

    def shapes(self) -> list[Shape]:
        total = sum(span.size for span in self.defined_spans())
        return [(total, total)]

    def compute(self) -> Floats:
        return inner_products(self.defined_spans(), self.context.run.manifest.P)

    def defined_spans(self) -> list[Span]:
        """Return the spans that exist."""
        return [span for span in self.spans.values() if isinstance(span, Span)]

    def positions(self) -> dict[Variant, slice]:
        """Return where each span's directions stand among the inner products."""
        ends = np.cumsum([span.size for span in self.defined_spans()]).tolist()
        return {span.variant: slice(end - span.size, end) for span, end in zip(self.defined_spans(), ends, strict=True)}


def inner_products(spans: Sequence[Span], n_columns: int, *, buffer_bytes: int = 64 << 20) -> Floats:
    """Return ⟨v, w⟩ between all directions of all spans `[M, M]`, in the order of the spans, over all P columns.

    `buffer_bytes` bounds the directions, and the rows, that are held at once as float64.
    """
    total = sum(span.size for span in spans)
    most = max([1, total, *(span.window.n_rows for span in spans)])
    width = max(1, buffer_bytes // (8 * most))
    products = np.zeros((total, total))
    for first in range(0, n_columns if spans else 0, width):
        columns = slice(first, min(first + width, n_columns))
        block = np.concatenate([span.combine(columns) for span in spans])
        products += block @ block.T
    return products


def angle_series(
    context: AnalysisContext, sources: Sequence[str], floors: Sequence[Variant], rolling: Rolling
) -> tuple[AngleSeries, ...]:
    """Return the principal angles between every two sources at the checkpoints, for every W and K.

    Floors are second batches of sources, each put against its first.
    """
    settings = context.settings
    pairs = compared_pairs(sources, floors) if settings.measures_all else ()
    if not pairs:
        return ()
    variants = list(dict.fromkeys(variant for pair in pairs for variant in pair))
    measurements = []
    for t in context.checkpoints.tolist():
        spans = {variant: span_at(context, variant, rolling[variant], t) for variant in variants}
        measurements.append(AngleMeasurement(context, t, spans))
    measure(context, measurements, "angles")
    return tuple(
        AngleSeries(
            first.source,
            second.source,
            second.index,
            window,
            rank,
            tuple(_angles((first, second), measurement, rolling, window, rank) for measurement in measurements),
        )
        for first, second in pairs
        for window in settings.window
        for rank in settings.rank
    )


def _angles(pair: Pair, measurement: AngleMeasurement, rolling: Rolling, window: int, rank: int) -> CheckpointAngles:
    products, positions = measurement.result(), measurement.positions()
    if isinstance(products, Undefined):
        return CheckpointAngles(measurement.t, products, None)
    reasons: list[str] = []
    bases: list[tuple[Floats, slice]] = []
    for variant in pair:
        basis = _basis(measurement.spans[variant], rolling[variant], window, rank)
        if isinstance(basis, Undefined):
            return CheckpointAngles(measurement.t, Undefined(f"{variant.source}: {basis.reason}"), None)
        coefficients, flat = basis
        bases.append((coefficients, positions[variant]))
        reasons += [] if flat is None else [f"{variant.source}: {flat}"]
    (a, rows), (b, columns) = bases
    cosines = subspace_cosines(a.T @ products[rows, columns] @ b)
    return CheckpointAngles(measurement.t, cosines, "; ".join(reasons) or None)


def _basis(
    span: Span | Undefined, rolling: RollingSpectra | Undefined, size: int, rank: int
) -> tuple[Floats, str | None] | Undefined:
    """Return the top-K directions of a window as combinations of the span's, and why they are arbitrary."""
    if isinstance(span, Undefined):
        return span
    if isinstance(rolling, Undefined):
        return rolling
    directions = rolling.window_in(span.basis, span.window.t, size, rank)
    if isinstance(directions, Undefined):
        return directions
    spectrum, coefficients = directions
    return np.eye(span.size) if coefficients is None else coefficients, flatness(spectrum, rank)
