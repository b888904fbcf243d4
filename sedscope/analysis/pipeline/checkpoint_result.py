"""What is measured at one checkpoint for one task, and how it looks in the cache.

Decides what belongs together and that a kept entry is believed only in the shape that is asked for: a cache that
somebody else made is not trusted. Leaves to others: measuring (`checkpoint_computer`), keys (`keys`), and what is made
of it (`assemble_series`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.cache import Arrays
from sedscope.analysis.coupling.coupling_gram import CouplingGram
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram
from sedscope.analysis.coupling.response import Response, ResponseGram
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.window_svd import WindowSVD
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined
from sedscope.runs.text import printable


@dataclass(frozen=True, slots=True)
class Span:
    """The directions of one source's window that are put against a checkpoint."""

    variant: Variant
    window: Window
    spectrum: WindowSVD
    coefficients: Floats
    """`[n_rows, m]`: the m directions as combinations of rows."""
    row: int | None
    """Position of the source's row at the checkpoint itself, whose own direction is put against it as well."""

    @property
    def size(self) -> int:
        """How many directions of the window there are: m."""
        return int(self.coefficients.shape[1])

    @property
    def n_products(self) -> int:
        """JVPs that it takes: one for each direction and one for the row."""
        return self.size + (self.row is not None)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The random directions, and how far the centroids moved next."""

    response: Response
    shift_squares: Floats | None
    """‖Δμ‖² per kind and group `[2, G]`; None where there is no next interval, or it was not asked for."""


@dataclass(frozen=True, slots=True)
class SpanResponse:
    """What the directions of one span do."""

    response: Response | ResponseGram
    """Of the m directions and then, where there is one, the row."""
    block_gram: Floats
    """⟨v_i, v_j⟩ within each block `[B, m, m]`."""

    @property
    def size(self) -> int:
        """How many directions of the window there are: m."""
        return int(self.block_gram.shape[1])

    def directions(self, coefficients: Floats | None) -> Response:
        """Of the m directions, or of combinations of them `[m, q]`."""
        if isinstance(self.response, Response):
            return self.response.select(0, self.size)
        return self.response.response(self._padded(np.eye(self.size) if coefficients is None else coefficients))

    def row(self) -> Response | None:
        """Of the row at the checkpoint, as a unit direction that points the way of the weights."""
        whole = self.response
        if isinstance(whole, Response):
            n_directions = len(whole.centroids.sums)
            return whole.select(self.size, n_directions) if n_directions > self.size else None
        n_directions = whole.centroids.sums.shape[-1]
        return whole.response(np.eye(n_directions)[:, self.size :]) if n_directions > self.size else None

    def _padded(self, coefficients: Floats) -> Floats:
        assert isinstance(self.response, ResponseGram)
        missing = self.response.centroids.sums.shape[-1] - len(coefficients)
        return np.pad(coefficients, ((0, missing), (0, 0)))


@dataclass(slots=True)
class CheckpointResult:
    """Everything known about one checkpoint and task. Missing where it was neither found nor computed."""

    t: int
    task: str
    spans: dict[Variant, Span | Undefined]
    next_t: int | None = None
    """The end of the interval that alignment is about; None where there is none, or it was not asked for."""
    baseline: Baseline | None = None
    centroids: CentroidSpectrum | Undefined | None = None
    random_blocks: RandomBlockGram | None = None
    responses: dict[Variant, SpanResponse] = field(default_factory=dict)
    failure: Undefined | None = None
    """Why nothing can be computed here."""


def baseline_arrays(baseline: Baseline) -> Arrays:
    """For the cache."""
    shift = {} if baseline.shift_squares is None else {"shift": baseline.shift_squares}
    return _response_arrays(baseline.response) | shift


def as_baseline(arrays: Arrays | None, n_random: int, *, shifted: bool) -> Baseline | None:
    """A kept baseline of so many directions, with or without the shift of the centroids."""
    if arrays is None or ("shift" in arrays) != shifted:
        return None
    response = _as_response(arrays, n_random, shifted=shifted)
    shift = arrays.get("shift")
    if response is None or (shift is not None and shift.shape != (2, *arrays["counts"].shape)):
        return None
    return Baseline(response, shift)


def span_arrays(found: SpanResponse) -> Arrays:
    """For the cache."""
    return _response_arrays(found.response) | {"blocks": found.block_gram}


def as_span(arrays: Arrays | None, span: Span, n_blocks: int, *, shifted: bool, gram: bool) -> SpanResponse | None:
    """A kept response of a span, of its directions or of everything that they span."""
    if arrays is None or "blocks" not in arrays or arrays["blocks"].shape != (n_blocks, span.size, span.size):
        return None
    read = _as_gram if gram else _as_response
    response = read(arrays, span.n_products, shifted=shifted)
    return None if response is None else SpanResponse(response, arrays["blocks"])


def blocks_arrays(found: RandomBlockGram) -> Arrays:
    """For the cache."""
    return {"sums": found.sums, "norms": found.norms, "counts": found.counts}


def as_blocks(arrays: Arrays | None, n_random: int, n_blocks: int) -> RandomBlockGram | None:
    """Kept block-wise products of the random directions."""
    if arrays is None or arrays.keys() != {"sums", "norms", "counts"}:
        return None
    sums, norms, counts = arrays["sums"], arrays["norms"], arrays["counts"]
    if (
        counts.ndim != 1
        or norms.shape != (n_random, n_blocks)
        or sums.shape != (n_random, *counts.shape, n_blocks, n_blocks)
    ):
        return None
    return RandomBlockGram(sums, norms, counts)


def centroid_arrays(centroids: CentroidSpectrum | Undefined) -> Arrays:
    """For the cache."""
    if isinstance(centroids, Undefined):
        return {"undefined": np.frombuffer(centroids.reason.encode(), dtype=np.uint8)}
    return {"variances": centroids.variances, "n_probes": np.array([centroids.n_probes])}


def as_centroids(arrays: Arrays | None) -> CentroidSpectrum | Undefined | None:
    """A kept spectrum of centroids, or why there is none."""
    if arrays is not None and arrays.keys() == {"undefined"}:
        return Undefined(printable(arrays["undefined"].tobytes().decode(errors="replace")))
    if arrays is None or arrays.keys() != {"variances", "n_probes"}:
        return None
    n_probes = arrays["n_probes"]
    if arrays["variances"].ndim != 1 or n_probes.shape != (1,) or n_probes.dtype != np.int64:
        return None
    return CentroidSpectrum(arrays["variances"], int(n_probes[0]))


def _response_arrays(response: Response | ResponseGram) -> Arrays:
    counts = response.centroids.counts
    along = {} if response.along is None else {"along": response.along}
    return {"sums": response.centroids.sums, "output": response.output.sums, "counts": counts} | along


def _as_response(arrays: Arrays, n_directions: int, *, shifted: bool) -> Response | None:
    found = _parts(arrays, n_directions, shifted=shifted)
    if found is None:
        return None
    sums, output, counts, along = found
    shape = (n_directions, *counts.shape)
    if sums.shape != shape or output.shape != shape:
        return None
    return Response(GroupedCoupling(sums, counts), GroupedCoupling(output, counts), along)


def _as_gram(arrays: Arrays, n_directions: int, *, shifted: bool) -> ResponseGram | None:
    found = _parts(arrays, n_directions, shifted=shifted)
    if found is None:
        return None
    sums, output, counts, along = found
    shape = (*counts.shape, n_directions, n_directions)
    if sums.shape != shape or output.shape != shape:
        return None
    return ResponseGram(CouplingGram(sums, counts), CouplingGram(output, counts), along)


def _parts(arrays: Arrays, n_directions: int, *, shifted: bool) -> tuple[Floats, Floats, Ints, Floats | None] | None:
    """Sums, output, counts and the part along the shift, if each is there and the last fits."""
    if not {"sums", "output", "counts"} <= arrays.keys() or ("along" in arrays) != shifted:
        return None
    counts, along = arrays["counts"], arrays.get("along")
    if counts.ndim != 1 or (along is not None and along.shape != (n_directions, 2, *counts.shape)):
        return None
    return arrays["sums"], arrays["output"], counts, along
