"""Coupling probe by probe: which inputs' features a window's directions move, where two labels tell the inputs apart.

Decides what is looked at (‖d μ_x/dε‖² of each probe, mean over k) and which probes have a place on a grid: those of two
integer inputs. Imports torch only when products are made. Leaves to others: the products and the windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.pipeline.checkpoint_computer import span_directions
from sedscope.analysis.pipeline.checkpoint_result import Span
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe, Run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sedscope.analysis.features.centroid_jvp import CentroidJVP
    from sedscope.analysis.features.checkpoint_models import CheckpointModels


@dataclass(frozen=True)
class ProbeCouplings:
    """A_x(v_k) of every probe at one checkpoint."""

    source: str
    task: str
    t: int
    A: Floats
    """Mean over k `[N]`."""
    labels: Ints | None
    """Two integers that name each probe `[N, 2]`; None where the inputs are of another kind."""
    train: NDArray[np.bool_] | None
    """Whether training sees the probe `[N]`; None where the run does not say."""
    baseline: float | Undefined
    """Median A of the random directions over all probes, as R_k has it."""


def measure_probes(
    models: CheckpointModels,
    run: Run,
    settings: Settings,
    task: str,
    span: Span,
    rolling: RollingSpectra,
    base: float | Undefined,
    tell: Callable[[int, int], None],
) -> ProbeCouplings:
    """Products of a span's directions at its checkpoint.

    Args:
        models: Weights, programs and probes of the run.
        run: Whose probes.
        settings: Method and number of probes.
        task: Whose centroids.
        span: Directions and checkpoint.
        rolling: Rows that the span combines, readable.
        base: Baseline of R_k.
        tell: Products done, products in all.
    """
    from sedscope.analysis.features.centroid_jvp import jvps

    probe = run.probe(task)
    assert probe is not None
    t, chosen = span.window.t, probe.probe_order[: settings.probes]
    model, directions, done = models.probed_model(t, task), span_directions(span, rolling), count(1)
    made = jvps(
        model, directions, settings, models.chunk_size(model, task), lambda _: tell(next(done), len(directions))
    )
    found = per_probe(made, len(directions), len(chosen))
    train = None if probe.train is None else probe.train[chosen]
    return ProbeCouplings(span.variant.source, task, t, found, labels_of(probe, chosen), train, base)


def per_probe(made: Iterable[CentroidJVP], n_directions: int, n_probes: int) -> Floats:
    """‖J v_k‖² of each probe, mean over k `[N]`."""
    found = np.zeros((n_directions, n_probes))
    for product in made:
        found[product.direction, product.probes] = product.values.detach().double().square().sum(dim=1).cpu().numpy()
    return np.asarray(found.mean(axis=0))


def labels_of(probe: Probe, chosen: Ints) -> Ints | None:
    """The two integers of each probe: two inputs of one number each, or one input of two or more.

    Args:
        probe: The pool.
        chosen: Positions in it `[N]`.
    """
    found = _columns(probe.inputs)
    if found is None:
        return None
    return np.column_stack([column[chosen] for column in found]).astype(np.int64)


def _columns(inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]] | None:
    """The first two integer columns of the inputs that differ within themselves; None where there are fewer."""
    whole = [array for array in inputs if np.issubdtype(array.dtype, np.integer) and array.ndim <= 2]
    columns = [column for array in whole for column in (array[:, None] if array.ndim == 1 else array).T]
    varied = [column for column in columns if len(column) and column.min() != column.max()]
    return varied[:2] if len(whole) == len(inputs) and len(varied) >= 2 else None
