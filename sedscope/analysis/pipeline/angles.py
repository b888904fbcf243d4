"""Principal angles between the subspaces of sources, beside the floor: one source on two fixed batches.

Works on inner products of directions, taken block by block over the columns, so that no more than a block of all
directions is held. Leaves to others: which spans (`checkpoint_computer`) and when they are looked at (`analyse`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations as two_of

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Cache, Key
from sedscope.analysis.coupling.coupling_gram import in_basis
from sedscope.analysis.pipeline.checkpoint_computer import span_at
from sedscope.analysis.pipeline.checkpoint_result import Span
from sedscope.analysis.pipeline.keys import Keys
from sedscope.analysis.pipeline.results import AngleSeries, CheckpointAngles
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant, is_control
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.spectra.sed_directions import combinations, subspace_cosines
from sedscope.analysis.spectra.window_svd import flatness
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

Pair = tuple[Variant, Variant]
Rolling = dict[Variant, "RollingSpectra | Undefined"]


def pairs_of(sources: Sequence[str], floors: Sequence[Variant]) -> tuple[Pair, ...]:
    """Which sources are compared: all but two controls, then each floor.

    Args:
        sources: In their order.
        floors: Second batches of sources.
    """
    found = [(Variant(a), Variant(b)) for a, b in two_of(sources, 2) if not (is_control(a) and is_control(b))]
    return (*found, *((Variant(floor.source), floor) for floor in floors))


def inner_products(
    spans: Sequence[tuple[Span, RollingSpectra]], n_columns: int, *, buffer_bytes: int = 64 << 20
) -> Floats:
    """⟨v, w⟩ between all directions of all spans `[M, M]`, in the order of the spans.

    Args:
        spans: With the rows that they combine.
        n_columns: P.
        buffer_bytes: Bound on the directions, and on the rows, that are held at once as float64.
    """
    total = sum(span.size for span, _ in spans)
    most = max([total, *(span.window.n_rows for span, _ in spans)])
    width = max(1, buffer_bytes // (8 * most))
    products = np.zeros((total, total))
    for first in range(0, n_columns, width):
        columns = slice(first, min(first + width, n_columns))
        parts = [span.coefficients.T @ _read(span, rolling, columns) for span, rolling in spans]
        block = np.concatenate(parts)
        products += block @ block.T
    return products


@dataclass(slots=True)
class DirectionProducts:
    """What is known about one checkpoint."""

    t: int
    spans: dict[Variant, Span | Undefined]
    products: Floats | None
    """⟨v, w⟩ between all directions of the defined spans, in their order; None where it is still to be computed."""

    def known(self) -> list[Span]:
        """The defined spans."""
        return [span for span in self.spans.values() if isinstance(span, Span)]


class Angles:
    """Looks up and computes inner products of directions at the checkpoints of one run."""

    def __init__(self, run: Run, settings: Settings, cache: Cache, rolling: Rolling) -> None:
        """Settle where directions and kept results come from."""
        self._cache = cache
        self._settings = settings
        self._rolling = rolling
        self._keys = Keys(run, settings)
        self._size = run.manifest.P

    def look_up(self, t: int, variants: Sequence[Variant]) -> DirectionProducts:
        """What the cache holds of one checkpoint."""
        found = DirectionProducts(t, {variant: self._span(variant, t) for variant in variants}, None)
        kept = self._cache.load("angles", self._key(found))
        total = sum(span.size for span in found.known())
        if kept is not None and kept.keys() == {"products"} and kept["products"].shape == (total, total):
            found.products = kept["products"]
        return found

    def compute(self, found: DirectionProducts, absent: Mapping[Variant, Undefined]) -> None:
        """Computes and keeps what is missing; a source without rows becomes undefined."""
        found.spans |= {variant: reason for variant, reason in absent.items() if variant in found.spans}
        spans = [(span, self._rows_of(span)) for span in found.known()]
        found.products = inner_products(spans, self._size)
        self._cache.keep("angles", self._key(found), {"products": found.products})

    def _span(self, variant: Variant, t: int) -> Span | Undefined:
        rolling = self._rolling[variant]
        return rolling if isinstance(rolling, Undefined) else span_at(variant, rolling, t, self._settings)

    def _rows_of(self, span: Span) -> RollingSpectra:
        rolling = self._rolling[span.variant]
        assert isinstance(rolling, RollingSpectra)
        return rolling

    def _key(self, found: DirectionProducts) -> Key:
        return self._keys.angles([(span, self._rows_of(span).rows) for span in found.known()])


def angle_series(
    compared: Iterable[Pair], found: Sequence[DirectionProducts], rolling: Rolling, settings: Settings
) -> Iterable[AngleSeries]:
    """Cosines of the principal angles for every pair, W and K.

    Args:
        compared: From `pairs_of`.
        found: Of every checkpoint.
        rolling: Windows of every source.
        settings: W and K.
    """
    for first, second in compared:
        for window in settings.window:
            for rank in settings.rank:
                points = tuple(_at((first, second), one, rolling, window, rank, settings) for one in found)
                yield AngleSeries(first.source, second.source, second.index, window, rank, points)


def _read(span: Span, rolling: RollingSpectra, columns: slice) -> Floats:
    window = span.window
    return np.asarray(rolling.rows.read(window.start, window.stop, columns), dtype=np.float64)


def _at(
    pair: Pair, found: DirectionProducts, rolling: Rolling, window: int, rank: int, settings: Settings
) -> CheckpointAngles:
    assert found.products is not None
    places = _places(found.spans)
    reasons: list[str] = []
    known: list[tuple[Floats, slice]] = []
    for variant in pair:
        basis = _basis(found.spans[variant], rolling[variant], window, rank, settings)
        if isinstance(basis, Undefined):
            return CheckpointAngles(found.t, Undefined(f"{variant.source}: {basis.reason}"), None)
        coefficients, why = basis
        known.append((coefficients, places[variant]))
        reasons += [] if why is None else [f"{variant.source}: {why}"]
    (a, rows), (b, columns) = known
    cosines = subspace_cosines(a.T @ found.products[rows, columns] @ b)
    return CheckpointAngles(found.t, cosines, "; ".join(reasons) or None)


def _places(spans: Mapping[Variant, Span | Undefined]) -> dict[Variant, slice]:
    """Where each span's directions stand among the inner products."""
    places, at = {}, 0
    for variant, span in spans.items():
        if isinstance(span, Span):
            places[variant] = slice(at, at + span.size)
            at += span.size
    return places


def _basis(
    span: Span | Undefined, rolling: RollingSpectra | Undefined, size: int, rank: int, settings: Settings
) -> tuple[Floats, str | None] | Undefined:
    """The top-K directions of a window as combinations of the span's, and why they are arbitrary."""
    if isinstance(span, Undefined):
        return span
    if isinstance(rolling, Undefined):
        return rolling
    (window,) = rolling.windows([span.window.t], size)
    found = rolling.spectrum(window)
    if isinstance(found, Undefined):
        return found
    if not settings.through_gram:
        return np.eye(span.size), flatness(found, rank)
    return in_basis(span.spectrum, span.window, window, combinations(found, rank)), flatness(found, rank)
