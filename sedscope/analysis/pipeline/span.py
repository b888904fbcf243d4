"""The windows of every source, and the span of a window: its directions that are put against a checkpoint.

Decides that all windows are decomposed from one Gram matrix of the source's rows, and how many directions a span has:
K of the one window, or every direction of the span that holds all windows asked for. Leaves to others: the
decomposition (`rolling_spectra`), and what is made of the directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.response import orientation
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import RowMeasurement, Shape, measure
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.gram import BandedGram, banded_gram
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.spectra.window_svd import SpanBasis, apply_combinations, combinations, combine_rows
from sedscope.analysis.spectra.windows import Window, span_of
from sedscope.analysis.undefined import Undefined

Rolling = Mapping[Variant, RollingSpectra | Undefined]


@dataclass(eq=False)
class RowGramMeasurement(RowMeasurement[BandedGram]):
    """Inner products of a source's rows that can meet in one window.

    The band is a function of the largest window alone, so that neighbouring settings share it.
    """

    kind = "gram"
    result_type = BandedGram

    variant: Variant
    rows: SourceRows

    def key(self) -> Key:
        return {"rows": self.rows.identity(0, len(self.rows.steps)), "span": self._span()}

    def variants(self) -> tuple[Variant, ...]:
        return (self.variant,)

    def shapes(self) -> list[Shape]:
        return [(len(self.rows.steps), 2 * min(self._span(), len(self.rows.steps)) - 1)]

    def fits(self, value: BandedGram | Undefined) -> bool:
        """Return whether a cached band is as wide as it says."""
        return super().fits(value) and isinstance(value, BandedGram) and value.band.shape[1] == 2 * value.size - 1

    def compute(self) -> BandedGram:
        return banded_gram(self.rows.read, len(self.rows.steps), self.rows.n_columns, self._span())

    def _span(self) -> int:
        return span_of(self.context.settings.window)


def measure_spectra(context: AnalysisContext, rows: Mapping[Variant, SourceRows | Undefined]) -> Rolling:
    """Return the windows of every source, or why it has none."""
    grams = {
        variant: RowGramMeasurement(context, variant, source)
        for variant, source in rows.items()
        if isinstance(source, SourceRows)
    }
    measure(context, list(grams.values()), "spectra")
    rolling: dict[Variant, RollingSpectra | Undefined] = {}
    for variant, source in rows.items():
        if isinstance(source, Undefined):
            rolling[variant] = source
            continue
        gram = grams[variant].result()
        if isinstance(gram, Undefined):
            rolling[variant] = gram
        else:
            rolling[variant] = RollingSpectra(source.name, source.steps, source.end_at_t, gram, context.settings.align)
    return rolling


@dataclass(frozen=True, slots=True)
class Span:
    """The directions of one source's window that are put against a checkpoint."""

    variant: Variant
    rows: SourceRows
    window: Window
    coefficients: Floats
    """The m directions as combinations of rows `[n_rows, m]`."""
    basis: SpanBasis | None
    """What the directions are where they span all rows of the window; None where they are its own leading ones."""
    row: int | None
    """Position of the source's row at the checkpoint itself, whose own direction is put against it as well."""

    @property
    def size(self) -> int:
        """The number of directions of the window: m."""
        return int(self.coefficients.shape[1])

    @property
    def n_directions(self) -> int:
        """The number of directions with that of the row, where there is one: m or m + 1."""
        return self.size + (self.row is not None)

    def key(self) -> Key:
        """Return what the directions depend on."""
        rows = self.rows
        return {
            "rows": rows.identity(self.window.start, self.window.stop),
            "directions": self.size,
            "row": None if self.row is None else rows.identity(self.row, self.row + 1),
            "source": self.variant.source,
        }

    def combine(self, columns: slice) -> Floats:
        """Read some columns of the m directions `[m, columns]`."""
        rows = self.rows.read(self.window.start, self.window.stop, columns)
        return combine_rows(self.coefficients, np.asarray(rows, dtype=np.float64))

    def directions(self, context: AnalysisContext) -> Floats:
        """Read the directions and, last, that of the row where there is one: unit vectors `[m or m + 1, P]`."""
        rows = self.rows
        with context.read_lock:
            directions = apply_combinations(rows.read, self.window, self.coefficients, rows.n_columns)
            if self.row is None:
                return directions
            row = np.asarray(rows.read(self.row, self.row + 1, slice(None))[0], dtype=np.float64)
        unit = orientation(rows.name) * row / np.linalg.norm(row)
        return np.concatenate([directions, unit[None]])


def span_at(
    context: AnalysisContext, variant: Variant, rolling: RollingSpectra | Undefined, t: int, *, with_row: bool = False
) -> Span | Undefined:
    """Return the directions of a source at a checkpoint that answer every W and K of the settings.

    `with_row` puts the row at the checkpoint against it as well.
    """
    settings = context.settings
    if settings.through_gram:
        return window_span(context, variant, rolling, t, span_of(settings.window), None, with_row=with_row)
    return window_span(context, variant, rolling, t, settings.window[0], settings.rank[0], with_row=with_row)


def window_span(
    context: AnalysisContext,
    variant: Variant,
    rolling: RollingSpectra | Undefined,
    t: int,
    size: int,
    rank: int | None,
    *,
    with_row: bool = False,
) -> Span | Undefined:
    """Return the first K (`rank`) directions of a window of W (`size`), or for K = None a basis of its rows' span.

    `with_row` puts the row at the checkpoint against it as well.
    """
    rows = context.rows(variant)
    if isinstance(rolling, Undefined):
        return rolling
    if isinstance(rows, Undefined):
        return rows
    window = rolling.window(t, size)
    row = rolling.row_at(t) if with_row else None
    if rank is None:
        basis = rolling.span_basis(window)
        return basis if isinstance(basis, Undefined) else Span(variant, rows, window, basis.coefficients, basis, row)
    spectrum = rolling.spectrum(window)
    if isinstance(spectrum, Undefined):
        return spectrum
    return Span(variant, rows, window, combinations(spectrum, rank), None, row)
