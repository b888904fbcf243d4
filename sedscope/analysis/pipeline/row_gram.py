"""Gram matrices of the rows of every source, from which all its windows are decomposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sedscope.analysis.cache import Key
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import RowMeasurement, Shape, measure
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.gram import BandedGram, banded_gram
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.spectra.windows import span_of
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
