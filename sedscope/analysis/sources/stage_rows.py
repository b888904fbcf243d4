"""Stages between an optimizer's stored ones, where they differ from their neighbours: before clipping, after decay.

Decides how their rows follow from stored rows and scalars, and when a stage is its neighbour under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from recorders.format import CLIP_COEFFICIENT
from recorders.row_sources import (
    ADAM_ADAPTIVE,
    ADAM_WEIGHT_DECAY,
    DECAYED,
    GRADIENT,
    RAW_GRADIENT,
    UNCLIPPED,
    UPDATE,
    Source,
)
from sedscope.analysis.arrays import Rows
from sedscope.analysis.cache import digest
from sedscope.analysis.constants import COMPARED_ROWS, SAME_STAGE
from sedscope.analysis.spectra.source_rows import SourceRows, recorded_rows
from sedscope.analysis.spectra.windows import match_steps
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run
from sedscope.runs.scalars import Series


@dataclass(frozen=True, slots=True)
class StageDerivation:
    """A derivation of a stage from other rows: their sum, scaled step by step where a factor is given."""

    differs: Callable[[Run], bool]
    """True for a run that has the stage, and not as the stage beside it under another name."""
    terms: Callable[[Run], tuple[str, ...]]
    """The sources whose rows are added up."""
    factor: Callable[[Run], Series] | None = None
    """t `[m]`, ascending, and what the row of each is multiplied by `[m]`; rows of other t do not exist."""


def stage_sources(run: Run) -> tuple[str, ...]:
    """Return the derived stages that this run has and that differ from the stages beside them."""
    return tuple(name for name, derivation in STAGES.items() if derivation.differs(run))


def stage_rows(run: Run, name: str) -> SourceRows | Undefined:
    """Return the rows of a derived stage."""
    derivation = STAGES[name]
    terms = derivation.terms(run)
    step_lists = []
    for term in terms:
        rows = recorded_rows(run, term)
        if isinstance(rows, Undefined):
            return rows
        step_lists.append(rows.steps)
    steps = match_steps(*step_lists)
    factors = np.ones(len(steps))
    if derivation.factor is not None:
        t, values = derivation.factor(run)
        steps = match_steps(steps, t)
        factors = values[np.searchsorted(t, steps)]

    def read(start: int, stop: int, columns: slice, /) -> Rows:
        total = sum(run.rows(term, steps[start:stop], columns) for term in terms)
        return np.asarray(total if derivation.factor is None else total * factors[start:stop, None])

    def identity(start: int, stop: int) -> str:
        of = [run.identity("rows", term, steps[start:stop]) for term in terms]
        scalars = None if derivation.factor is None else run.identity("scalars")
        return digest({"stage": name, "rows": of, "scalars": scalars})

    return SourceRows(name, steps, run.manifest.P, read, identity)


def _is_clipped(run: Run) -> bool:
    """Return whether some recorded gradient was clipped, by known coefficients, and is not stored unclipped as well."""
    sources, clipped = run.sources(), _clipped_source(run)
    if clipped not in sources or CLIP_COEFFICIENT not in run.scalar_names():
        return False
    if len(run.tasks) == 1 and Source(GRADIENT, run.tasks[0]).name in sources:
        return False
    steps = run.steps(clipped)
    t, coefficient = run.scalar(CLIP_COEFFICIENT)
    of_rows = coefficient[np.isin(t, steps)]
    return len(of_rows) == len(steps) > 0 and bool(np.all(of_rows > 0.0)) and bool(np.any(of_rows < 1.0))


def _clipped_source(run: Run) -> str:
    """Return the source that clipping made, before anything else changed it."""
    return RAW_GRADIENT if RAW_GRADIENT in run.sources() else GRADIENT


def _decay_is_not_the_rest(run: Run) -> bool:
    """Return whether the update is more than the adaptive step and the decay: something else changed it."""
    stages = (ADAM_ADAPTIVE, ADAM_WEIGHT_DECAY, UPDATE)
    if not set(stages) <= set(run.sources()):
        return False
    steps = match_steps(*(run.steps(stage) for stage in stages))
    # A few rows spread over the run: reading all of them to decide on a name would cost as much as the analysis.
    samples = steps[np.unique(np.linspace(0, len(steps) - 1, min(COMPARED_ROWS, len(steps))).astype(np.int64))]
    return any(not _is_sum_of_stages(run, int(t)) for t in samples)


def _is_sum_of_stages(run: Run, t: int) -> bool:
    """Return whether the update at t is the adaptive step and the decay, up to rounding."""
    difference_square = update_square = 0.0
    for columns in _columns(run.manifest.P):
        adaptive, decay, update = (
            run.rows(stage, [t], columns)[0].astype(np.float64) for stage in (ADAM_ADAPTIVE, ADAM_WEIGHT_DECAY, UPDATE)
        )
        difference_square += float(np.sum((adaptive + decay - update) ** 2))
        update_square += float(np.sum(update**2))
    return difference_square <= SAME_STAGE**2 * update_square


def _columns(size: int, width: int = 1 << 22) -> Iterable[slice]:
    return (slice(first, min(first + width, size)) for first in range(0, size, width))


def _inverse_clipping(run: Run) -> Series:
    t, coefficient = run.scalar(CLIP_COEFFICIENT)
    return t[coefficient > 0.0], 1.0 / coefficient[coefficient > 0.0]


STAGES: Mapping[str, StageDerivation] = {
    UNCLIPPED: StageDerivation(_is_clipped, lambda run: (_clipped_source(run),), _inverse_clipping),
    DECAYED: StageDerivation(_decay_is_not_the_rest, lambda _: (ADAM_ADAPTIVE, ADAM_WEIGHT_DECAY)),
}
"""Derivations by full name of the stage."""
