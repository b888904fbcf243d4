"""Coupling probe by probe: which inputs' features a window's directions move, where two labels tell the inputs apart.

Decides what is looked at (‖d μ_x/dε‖² of each probe, mean over k) and which probes have a place on a grid: those of two
integer inputs. Imports torch only when products are made. Leaves to others: the products and the windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.cache import Key
from sedscope.analysis.features.drawings import probe_positions
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.measure import CheckpointMeasurement, LoadedCheckpoint, Shape, Tick, measure
from sedscope.analysis.pipeline.span import Span
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe

if TYPE_CHECKING:
    from sedscope.analysis.features.centroid_jvp import CentroidJVP


@dataclass(frozen=True)
class ProbeCouplings:
    """A_x(v_k) of every probe at one checkpoint."""

    source: str
    task: str
    t: int
    A: Floats
    """Mean over k of ‖J v_k‖² of each probe `[N]`."""
    labels: Ints | None
    """Two integers that name each probe `[N, 2]`; None where the inputs are of another kind."""
    train: NDArray[np.bool_] | None
    """Whether training sees the probe `[N]`; None where the run does not say."""
    baseline: float | Undefined
    """Median A of the random directions over all probes, as R_k has it."""


@dataclass(eq=False)
class ProbeMeasurement(CheckpointMeasurement[Floats]):
    """‖J v_k‖² of each probe, mean over the directions of a span `[N]`."""

    kind = "probe-coupling"
    result_type = Floats

    span: Span

    def key(self) -> Key:
        return {**self.jvp_key(), **self.span.key()}

    def variants(self) -> tuple[Variant, ...]:
        return (self.span.variant,)

    def shapes(self) -> list[Shape]:
        return [(None,)]

    def n_units(self) -> int:
        return self.span.size

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> Floats:
        from sedscope.analysis.features.centroid_jvp import jvps

        model, directions = checkpoint.model, self.span.directions(self.context)
        products = jvps(model, directions, self.context.settings, checkpoint.chunk, tick)
        return mean_per_probe(products, len(directions), model.n_probes)


def measure_probe_couplings(
    context: AnalysisContext, task: str, span: Span, baseline: float | Undefined
) -> ProbeCouplings | Undefined:
    """Measure the coupling of a span's directions probe by probe, for a task that has a probe.

    The baseline is the median A of the random directions.
    """
    measurement = ProbeMeasurement(context, span.window.t, task, span)
    measure(context, [measurement], "JVPs")
    A = measurement.result()
    if isinstance(A, Undefined):
        return A
    probe = context.run.probe(task)
    assert probe is not None
    positions = probe_positions(probe, context.settings)
    train = None if probe.train is None else probe.train[positions]
    return ProbeCouplings(span.variant.source, task, span.window.t, A, grid_labels(probe, positions), train, baseline)


def mean_per_probe(products: Iterable[CentroidJVP], n_directions: int, n_probes: int) -> Floats:
    """Return ‖J v_k‖² of each probe, mean over k `[N]`."""
    squares = np.zeros((n_directions, n_probes))
    for product in products:
        values = product.values.detach().double()
        squares[product.direction, product.probes] = values.square().sum(dim=1).cpu().numpy()
    return np.asarray(squares.mean(axis=0))


def grid_labels(probe: Probe, positions: Ints) -> Ints | None:
    """Return the two integers of some probes of a pool `[N, 2]`: two inputs of one number each, or one of two or more.

    None where the inputs are of another kind.
    """
    columns = _varied_columns(probe.inputs)
    if len(columns) < 2:
        return None
    return np.column_stack([column[positions] for column in columns[:2]]).astype(np.int64)


def _varied_columns(inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
    """Return the integer columns of the inputs that hold different numbers; none where an input is of another kind."""
    if any(not np.issubdtype(array.dtype, np.integer) or array.ndim > 2 for array in inputs):
        return []
    columns = [column for array in inputs for column in (array[:, None] if array.ndim == 1 else array).T]
    return [column for column in columns if len(column) and column.min() != column.max()]
