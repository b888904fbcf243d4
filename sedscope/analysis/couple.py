"""What is needed at one checkpoint for one task: from the cache, or computed with as few J-products as will do.

Decides what each kept result depends on, and that one graph of the checkpoint serves every direction asked for. Leaves
to others: the products (`jproduct`), the windows (`rolling`) and what is made of the sums (`assemble`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.basis import apply_combinations, combinations
from sedscope.analysis.cache import Arrays, Cache, Key
from sedscope.analysis.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.coupling_gram import CouplingGram
from sedscope.analysis.groups import Coupling
from sedscope.analysis.random_directions import RandomDirections
from sedscope.analysis.rolling import RollingSpectra, span_of
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources import task_identity
from sedscope.analysis.spectrum import Spectrum
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.windows import Window
from sedscope.runs import Run
from sedscope.runs.text import printable

if TYPE_CHECKING:
    from sedscope.analysis.jproduct import Product
    from sedscope.analysis.probed_model import ProbedModel

Tick = Callable[[int], None]
"""Called after so many J-products. May raise, which ends the work; what was finished is kept."""


@dataclass(frozen=True, slots=True)
class Span:
    """The directions of one source's window that are put against a checkpoint."""

    source: str
    window: Window
    spectrum: Spectrum
    coefficients: Floats
    """`[n_rows, m]`: the m directions as combinations of rows."""

    @property
    def size(self) -> int:
        """How many directions there are: m."""
        return int(self.coefficients.shape[1])


@dataclass(slots=True)
class Measured:
    """Everything known about one checkpoint and task. Missing where it was neither found nor computed."""

    t: int
    task: str
    spans: dict[str, Span | Undefined]
    """By source."""
    baseline: Coupling | None = None
    centroids: CentroidSpectrum | Undefined | None = None
    couplings: dict[str, Coupling] = field(default_factory=dict)
    """By source, of its K directions."""
    grams: dict[str, CouplingGram] = field(default_factory=dict)
    """By source, of its whole span, where several W or K are asked for."""
    failure: Undefined | None = None
    """Why nothing can be computed here."""


class Checkpoints:
    """Looks up and computes what is measured at the checkpoints of one run."""

    def __init__(
        self, run: Run, settings: Settings, cache: Cache, rolling: dict[str, RollingSpectra], reading: Lock
    ) -> None:
        """Settle where rows, weights and kept results come from.

        Args:
            run: The run.
            settings: Of the analysis.
            cache: Where results are kept.
            rolling: By source, those whose spectra exist.
            reading: Held while the run is read.
        """
        self._run = run
        self._settings = settings
        self._cache = cache
        self._rolling = rolling
        self._reading = reading
        self._identities: dict[str, list[str]] = {}

    def look_up(self, t: int, task: str, sources: Sequence[str]) -> Measured:
        """What the cache holds of one checkpoint, one task and these sources."""
        found = Measured(t, task, {source: self._span(source, t) for source in sources})
        key = self._key(t, task)
        found.baseline = _as_coupling(self._cache.load("baseline", self._baseline_key(key)), self._settings.random)
        found.centroids = _as_centroids(self._cache.load("centroids", key))
        for source, span in found.spans.items():
            if isinstance(span, Undefined):
                continue
            m = span.size
            if self._settings.through_gram:
                gram = _as_gram(self._cache.load("coupling-gram", self._span_key(key, span)), m)
                found.grams |= {} if gram is None else {source: gram}
            else:
                coupling = _as_coupling(self._cache.load("coupling", self._span_key(key, span)), m)
                found.couplings |= {} if coupling is None else {source: coupling}
        return found

    def n_products(self, found: Measured) -> int:
        """J-products that are still to be made."""
        baseline = self._settings.random if found.baseline is None else 0
        return baseline + sum(span.size for span in self._open_spans(found))

    def is_complete(self, found: Measured) -> bool:
        """Whether nothing is left to compute."""
        return found.centroids is not None and self.n_products(found) == 0

    def open_sources(self, found: Measured) -> list[str]:
        """Sources whose rows are needed to go on."""
        return [span.source for span in self._open_spans(found)]

    def compute(self, found: Measured, model: ProbedModel, chunk: int | None, tick: Tick) -> None:
        """Computes and keeps what is missing.

        Args:
            found: From `look_up`; filled in place.
            model: The checkpoint with the task's probes.
            chunk: Probes differentiated at once.
            tick: Told after every J-product.
        """
        from sedscope.analysis.centroid_spectrum import centroid_spectrum
        from sedscope.analysis.centroids import centroids

        key = self._key(found.t, found.task)
        if found.centroids is None:
            found.centroids = centroid_spectrum(centroids(model, chunk=chunk))
            self._cache.keep("centroids", key, _centroid_arrays(found.centroids))
        spans = list(self._open_spans(found))
        if self._settings.through_gram:
            for span in spans:
                self._compute_gram(found, key, span, model, chunk, tick)
            spans = []
        self._compute_couplings(found, key, spans, model, chunk, tick)

    def _open_spans(self, found: Measured) -> Iterator[Span]:
        held = found.grams if self._settings.through_gram else found.couplings
        return (span for span in found.spans.values() if isinstance(span, Span) and span.source not in held)

    def _span(self, source: str, t: int) -> Span | Undefined:
        """K directions of the one window, or every direction of the span that holds all windows asked for."""
        rolling = self._rolling[source]
        through_gram = self._settings.through_gram
        size = span_of(self._settings.window) if through_gram else self._settings.window[0]
        (window,) = rolling.windows([t], size)
        found = rolling.spectrum(window)
        if isinstance(found, Undefined):
            return found
        return Span(source, window, found, combinations(found, None if through_gram else self._settings.rank[0]))

    def _compute_gram(
        self, found: Measured, key: Key, span: Span, model: ProbedModel, chunk: int | None, tick: Tick
    ) -> None:
        from sedscope.analysis.coupling import coupling_gram

        directions = self._directions(span)
        gram = coupling_gram(self._products(model, directions, chunk, tick), len(directions), model.n_probes)
        self._cache.keep("coupling-gram", self._span_key(key, span), {"sums": gram.sums, "counts": gram.counts})
        found.grams[span.source] = gram

    def _compute_couplings(
        self, found: Measured, key: Key, spans: Sequence[Span], model: ProbedModel, chunk: int | None, tick: Tick
    ) -> None:
        """The baseline and every span's directions in one pass over one graph."""
        from sedscope.analysis.coupling import coupling

        random = RandomDirections(self._settings.random, self._run.manifest.P) if found.baseline is None else ()
        sizes = [len(random), *(span.size for span in spans)]
        if sum(sizes) == 0:
            return
        directions = Directions(random, [partial(self._directions, span) for span in spans])
        whole = coupling(self._products(model, directions, chunk, tick), sum(sizes), model.n_probes)
        parts = np.split(whole.sums, np.cumsum(sizes)[:-1])
        if found.baseline is None:
            found.baseline = Coupling(parts[0], whole.counts)
            self._cache.keep("baseline", self._baseline_key(key), _as_arrays(found.baseline))
        for span, sums in zip(spans, parts[1:], strict=True):
            found.couplings[span.source] = Coupling(sums, whole.counts)
            self._cache.keep("coupling", self._span_key(key, span), _as_arrays(found.couplings[span.source]))

    def _directions(self, span: Span) -> Floats:
        rows = self._rolling[span.source].rows
        with self._reading:
            return apply_combinations(rows.read, span.window, span.coefficients, rows.n_columns)

    def _products(
        self, model: ProbedModel, directions: Directions | Floats, chunk: int | None, tick: Tick
    ) -> Iterator[Product]:
        from sedscope.analysis import jproduct

        if self._settings.method == "exact":
            products = jproduct.exact_products(model, directions, chunk=chunk)
        else:
            products = jproduct.central_products(model, directions, epsilon=self._settings.epsilon, chunk=chunk)
        for product in products:
            yield product
            if product.probes.stop == model.n_probes:
                tick(1)

    def _key(self, t: int, task: str) -> dict[str, object]:
        """Everything that the centroids at a checkpoint depend on."""
        settings = self._settings
        if task not in self._identities:
            self._identities[task] = task_identity(self._run, task)
        return {
            "weights": self._run.identity("weights", steps=[t]),
            "task": self._identities[task],
            "probes": settings.probes,
            "centroid": settings.centroid,
            "precision": settings.precision,
            "device": settings.device,
        }

    def _product_key(self, key: Key) -> dict[str, object]:
        settings = self._settings
        selected = [parameter.name for parameter in self._run.manifest.selected]
        epsilon = settings.epsilon if settings.method == "central" else None
        return {**key, "selected": selected, "method": settings.method, "epsilon": epsilon}

    def _baseline_key(self, key: Key) -> dict[str, object]:
        return {**self._product_key(key), "random": self._settings.random}

    def _span_key(self, key: Key, span: Span) -> dict[str, object]:
        window = span.window
        rows = self._rolling[span.source].rows.identity(window.start, window.stop)
        return {**self._product_key(key), "rows": rows, "directions": span.size}


class Directions:
    """Random directions, then those of each source, made when they are gone through and not held together."""

    def __init__(self, random: Sequence[Floats], spans: Sequence[Callable[[], Floats]]) -> None:
        self._random = random
        self._spans = spans

    def __iter__(self) -> Iterator[Floats]:
        """In order, anew each time."""
        yield from self._random
        for directions in self._spans:
            yield from directions()


def _as_arrays(coupling: Coupling) -> Arrays:
    return {"sums": coupling.sums, "counts": coupling.counts}


def _as_coupling(arrays: Arrays | None, n_directions: int) -> Coupling | None:
    """A kept coupling, if it has the shape that is asked for: a cache that somebody else made is not trusted."""
    if arrays is None or arrays.keys() != {"sums", "counts"}:
        return None
    sums, counts = arrays["sums"], arrays["counts"]
    return Coupling(sums, counts) if sums.shape == (n_directions, *counts.shape) and counts.ndim == 1 else None


def _as_gram(arrays: Arrays | None, n_directions: int) -> CouplingGram | None:
    if arrays is None or arrays.keys() != {"sums", "counts"}:
        return None
    sums, counts = arrays["sums"], arrays["counts"]
    return CouplingGram(sums, counts) if sums.shape == (*counts.shape, n_directions, n_directions) else None


def _centroid_arrays(centroids: CentroidSpectrum | Undefined) -> Arrays:
    if isinstance(centroids, Undefined):
        return {"undefined": np.frombuffer(centroids.reason.encode(), dtype=np.uint8)}
    return {"variances": centroids.variances, "n_probes": np.array([centroids.n_probes])}


def _as_centroids(arrays: Arrays | None) -> CentroidSpectrum | Undefined | None:
    if arrays is not None and arrays.keys() == {"undefined"}:
        return Undefined(printable(arrays["undefined"].tobytes().decode(errors="replace")))
    if arrays is None or arrays.keys() != {"variances", "n_probes"} or arrays["variances"].ndim != 1:
        return None
    return CentroidSpectrum(arrays["variances"], int(arrays["n_probes"].reshape(-1)[0]))
