"""Responses of one checkpoint to directions: to random ones, to the spans of windows, and to where training went.

Decides that one pass over one graph of the checkpoint serves the baseline and every span. Leaves to others: the
products (`centroid_jvp`), and what is made of the sums (`assemble_series`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.parameter_blocks import block_gram
from sedscope.analysis.coupling.response import Response, ResponseGram
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.measure import CheckpointMeasurement, LoadedCheckpoint, Shape, T, Tick
from sedscope.analysis.pipeline.span import Span
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class SpanResponse:
    """The response of one checkpoint to the directions of one span."""

    response: Response | ResponseGram
    """Sums of the m directions and then, where there is one, of the row."""
    block_gram: Floats
    """⟨v_i, v_j⟩ within each block `[B, m, m]`."""

    @property
    def size(self) -> int:
        """The number of directions of the window: m."""
        return int(self.block_gram.shape[1])

    def directions(self, coefficients: Floats | None) -> Response:
        """Return the response of the m directions, or of combinations of them `[m, q]`."""
        if isinstance(self.response, Response):
            return self.response.select(0, self.size)
        combined = np.eye(self.size) if coefficients is None else coefficients
        padding = self.response.centroids.sums.shape[-1] - len(combined)
        return self.response.response(np.pad(combined, ((0, padding), (0, 0))))

    def row(self) -> Response | None:
        """Return the response of the row at the checkpoint: a unit direction that points the way of the weights."""
        response = self.response
        if isinstance(response, Response):
            n_directions = len(response.centroids.sums)
            return response.select(self.size, n_directions) if n_directions > self.size else None
        n_directions = response.centroids.sums.shape[-1]
        return response.response(np.eye(n_directions)[:, self.size :]) if n_directions > self.size else None


@dataclass(eq=False)
class CentroidMeasurement(CheckpointMeasurement[CentroidSpectrum]):
    """Principal components of the centroids."""

    kind = "centroids"
    result_type = CentroidSpectrum | Undefined

    def key(self) -> Key:
        return self.feature_key()

    def shapes(self) -> list[Shape]:
        return [(None,)]  # the number of features is the program's own

    def n_units(self) -> int:
        return 0

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> CentroidSpectrum | Undefined:
        from sedscope.analysis.features.centroid_jvp import centroids
        from sedscope.analysis.features.centroid_spectrum import centroid_spectrum

        return centroid_spectrum(centroids(checkpoint.model, chunk=checkpoint.chunk))


@dataclass(eq=False)
class ShiftMeasurement(CheckpointMeasurement[Floats]):
    """‖Δμ‖² over the interval that follows, per kind of shift and group of probes `[2, G]`."""

    kind = "centroid-shift"
    result_type = Floats

    next_t: int

    def key(self) -> Key:
        return {**self.jvp_key(), **self.next_key(self.next_t)}

    def shapes(self) -> list[Shape]:
        return [(2, self.context.n_groups(self.task))]

    def n_units(self) -> int:
        return 0

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> Floats:
        shift = checkpoint.shift(self.next_t)
        assert shift is not None
        return shift.squares(checkpoint.chunk)


@dataclass(eq=False)
class DirectionMeasurement(CheckpointMeasurement[T]):
    """Directions that are put against a checkpoint in one pass with those of other measurements."""

    together = True

    next_t: int | None
    """End of the interval that alignment is about; None where there is none, or it was not asked for."""

    @abstractmethod
    def directions(self) -> Sequence[Floats] | Floats:
        """Return the unit directions, each `[P]`; called anew for every chunk of probes."""

    @abstractmethod
    def from_response(self, response: Response) -> T:
        """Return the value from the response of these directions."""

    def response_shapes(self, n_directions: int) -> list[Shape]:
        """Return the shapes of a response of so many directions."""
        n_groups = self.context.n_groups(self.task)
        sums: list[Shape] = [(n_directions, n_groups), (n_groups,)]
        return [*sums, *sums, *([] if self.next_t is None else [(n_directions, 2, n_groups)])]

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> T | Undefined:
        ((_, value),) = self.compute_together([self], checkpoint, tick)
        return value

    @classmethod
    def compute_together(
        cls, measurements: Sequence[Self], checkpoint: LoadedCheckpoint, tick: Tick
    ) -> Iterator[tuple[Self, T | Undefined]]:
        from sedscope.analysis.coupling.coupling_sums import responses
        from sedscope.analysis.features.centroid_jvp import jvps

        sizes = [measurement.n_units() for measurement in measurements]
        directions = _Directions([measurement.directions for measurement in measurements])
        products = jvps(checkpoint.model, directions, checkpoint.context.settings, checkpoint.chunk, tick)
        shift = checkpoint.shift(measurements[0].next_t)
        response = responses(products, sum(sizes), checkpoint.model.n_probes, shift=shift)
        for measurement, share in zip(measurements, response.split(sizes), strict=True):
            yield measurement, measurement.from_response(share)


@dataclass(eq=False)
class RandomMeasurement(DirectionMeasurement[Response]):
    """The response of the random directions: the baseline of R."""

    kind = "baseline"
    result_type = Response

    def key(self) -> Key:
        return {**self.jvp_key(), **self.next_key(self.next_t), "random": self.context.settings.random}

    def shapes(self) -> list[Shape]:
        return self.response_shapes(self.n_units())

    def n_units(self) -> int:
        return self.context.settings.random

    def directions(self) -> Sequence[Floats]:
        settings = self.context.settings
        return RandomDirections(self.n_units(), self.context.run.manifest.P, settings.draw_seed)

    def from_response(self, response: Response) -> Response:
        return response


@dataclass(eq=False)
class SpanMeasurement(DirectionMeasurement[SpanResponse]):
    """The response of the directions of a span, one by one."""

    kind = "response"
    result_type = SpanResponse

    span: Span
    _block_gram: Floats | None = field(default=None, init=False)

    def key(self) -> Key:
        return {**self.jvp_key(), **self.next_key(self.next_t), **self.span.key()}

    def variants(self) -> tuple[Variant, ...]:
        return (self.span.variant,)

    def shapes(self) -> list[Shape]:
        size = self.span.size
        return [*self.response_shapes(self.n_units()), (len(self.context.blocks), size, size)]

    def n_units(self) -> int:
        return self.span.n_directions

    def directions(self) -> Floats:
        """Read the directions of the span; the first time, their inner products within blocks are taken as well."""
        directions = self.span.directions(self.context)
        if self._block_gram is None:
            self._block_gram = block_gram(directions[: self.span.size], self.context.blocks)
        return directions

    def from_response(self, response: Response | ResponseGram) -> SpanResponse:
        assert self._block_gram is not None
        return SpanResponse(response, self._block_gram)


@dataclass(eq=False)
class SpanGramMeasurement(SpanMeasurement):
    """The response of every direction in a span: it serves each W and K within it."""

    kind = "response-gram"
    # The products of all directions of a chunk are held at once, so each span has a pass of its own.
    together = False

    def response_shapes(self, n_directions: int) -> list[Shape]:
        n_groups = self.context.n_groups(self.task)
        sums: list[Shape] = [(n_groups, n_directions, n_directions), (n_groups,)]
        return [*sums, *sums, *([] if self.next_t is None else [(n_directions, 2, n_groups)])]

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> SpanResponse:
        from sedscope.analysis.coupling.coupling_sums import response_gram
        from sedscope.analysis.features.centroid_jvp import jvps

        directions = self.directions()
        products = jvps(checkpoint.model, directions, self.context.settings, checkpoint.chunk, tick)
        shift = checkpoint.shift(self.next_t)
        return self.from_response(response_gram(products, len(directions), checkpoint.model.n_probes, shift=shift))


class _Directions:
    """The directions of several measurements, made when they are gone through and not held together."""

    def __init__(self, sequences: Sequence[Callable[[], Sequence[Floats] | Floats]]) -> None:
        self._sequences = sequences

    def __iter__(self) -> Iterator[Floats]:
        for directions in self._sequences:
            yield from directions()
