"""Stages between an optimizer's stored ones, where they differ from their neighbours: before clipping, after decay.

Decides how their rows follow from stored rows and scalars, and when a stage is its neighbour under another name.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recorders.format import ADAPTIVE, CLIP_COEFFICIENT, DECAY, GRADIENT, RAW_GRADIENT, UPDATE, Source
from sedscope.analysis.arrays import Rows
from sedscope.analysis.cache import digest
from sedscope.analysis.constants import COMPARED_ROWS, SAME_STAGE
from sedscope.analysis.spectra.source_rows import SourceRows, recorded_rows
from sedscope.analysis.spectra.windows import match_steps
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

UNCLIPPED = "stage/unclipped"
"""`gradient` divided by the step's clip coefficient: what the optimizer would have received. Under an intervention on
the gradient that is `raw/gradient`: the coefficient belongs to what there was before the projection."""
DECAYED = "stage/decayed"
"""`adamw/adaptive` + `adamw/decay`; not made where it is the update to rounding."""

STAGES = (UNCLIPPED, DECAYED)


def stage_sources(run: Run) -> tuple[str, ...]:
    """The derived stages that this run has and that differ from the stages beside them."""
    found = ((UNCLIPPED, _is_clipped(run)), (DECAYED, _decay_is_not_the_rest(run)))
    return tuple(name for name, there in found if there)


def stage_rows(run: Run, name: str) -> SourceRows | Undefined:
    """Rows of a derived stage."""
    parts = (_clipped_source(run),) if name == UNCLIPPED else (ADAPTIVE, DECAY)
    rows = [recorded_rows(run, part) for part in parts]
    absent = next((one for one in rows if isinstance(one, Undefined)), None)
    if absent is not None:
        return absent
    known = [one for one in rows if isinstance(one, SourceRows)]
    steps = match_steps(*(one.steps for one in known))
    if name == UNCLIPPED:
        t, coefficient = run.scalar(CLIP_COEFFICIENT)
        steps = match_steps(steps, t[coefficient > 0.0])
        factor = 1.0 / coefficient[np.searchsorted(t, steps)]

    def read(start: int, stop: int, columns: slice, /) -> Rows:
        total = sum(run.rows(part, steps[start:stop], columns) for part in parts)
        return np.asarray(total * factor[start:stop, None] if name == UNCLIPPED else total)

    def identity(start: int, stop: int) -> str:
        of = [run.identity("rows", part, steps[start:stop]) for part in parts]
        return digest({"stage": name, "rows": of, "scalars": run.identity("scalars") if name == UNCLIPPED else None})

    return SourceRows(name, steps, run.manifest.P, read, identity)


def _is_clipped(run: Run) -> bool:
    """Whether some recorded gradient was clipped, the coefficient of every one is known, and no other source is it."""
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
    """What clipping made, before anything else changed it."""
    return RAW_GRADIENT if RAW_GRADIENT in run.sources() else GRADIENT


def _decay_is_not_the_rest(run: Run) -> bool:
    """Whether the update is more than the adaptive step and the decay: something else changed it."""
    parts = (ADAPTIVE, DECAY, UPDATE)
    if not set(parts) <= set(run.sources()):
        return False
    steps = match_steps(*(run.steps(part) for part in parts))
    some = steps[np.unique(np.linspace(0, len(steps) - 1, min(COMPARED_ROWS, len(steps))).astype(np.int64))]
    return any(not _same(run, int(t)) for t in some)


def _same(run: Run, t: int) -> bool:
    difference = update = 0.0
    for columns in _columns(run.manifest.P):
        adaptive, decay, whole = (
            run.rows(part, [t], columns)[0].astype(np.float64) for part in (ADAPTIVE, DECAY, UPDATE)
        )
        difference += float(np.sum((adaptive + decay - whole) ** 2))
        update += float(np.sum(whole**2))
    return difference <= SAME_STAGE**2 * update


def _columns(size: int, width: int = 1 << 22) -> Iterable[slice]:
    return (slice(first, min(first + width, size)) for first in range(0, size, width))
