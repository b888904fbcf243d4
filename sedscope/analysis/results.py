"""What an analysis of one run holds: plain dataclasses that both faces show and that a worker process can send.

Decides how results are grouped. A result that does not exist is an `Undefined` in its place, never a missing entry.
Leaves to others: computing them (`analyse`) and every word and number on the screen or in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sedscope.analysis.arrays import Floats
from sedscope.analysis.interval import Interval
from sedscope.analysis.metrics import Grokking
from sedscope.analysis.ratio import At, Ratio
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined

Route = Literal["directions", "coupling Gram"]
"""Whether A was taken of each v_k, or of all directions of the window's span at once. Equal up to rounding."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The spectrum of one window, without its vectors."""

    sigma: Floats
    """σ_1 ≥ … ≥ σ_n `[n]`."""
    edge: int | Undefined
    """k*, counted from 1."""
    gap: float | Undefined
    """σ_k*/σ_(k*+1)."""
    participation: float
    """(Σσ²)²/Σσ⁴."""
    flat: tuple[str | None, ...]
    """For each K of the settings: why the top-K subspace is arbitrary, or None where it is not."""


@dataclass(frozen=True, slots=True)
class EdgeAt:
    """The window at one recorded step."""

    t: int
    n_rows: int
    full: bool
    edge: Edge | Undefined


@dataclass(frozen=True, slots=True)
class SpectrumSeries:
    """Spectra of one source over all of its recorded steps."""

    source: str
    window: int
    points: tuple[EdgeAt, ...]
    undefined: Undefined | None = None
    """Why there is no point at all."""


@dataclass(frozen=True, slots=True)
class CouplingAt:
    """Coupling of one window's directions at one checkpoint."""

    t: int
    n_rows: int
    full: bool
    A: Floats | Undefined
    """A(v_k) `[K']`, K' = min(K, rank of the window)."""
    baseline: float | Undefined
    ratio: Ratio | Undefined
    interval: Interval | Undefined
    """Of R̄_k."""
    flat: str | None
    """Why the subspace is arbitrary."""


@dataclass(frozen=True, slots=True)
class CouplingSeries:
    """R_k of one source against the centroids of one task, over the checkpoints."""

    source: str
    task: str
    window: int
    rank: int
    route: Route
    points: tuple[CouplingAt, ...]
    peak: At | Undefined
    final: At | Undefined

    def at(self, moment: At | Undefined) -> CouplingAt | None:
        """The checkpoint of the peak or of the end."""
        if isinstance(moment, Undefined):
            return None
        return next(point for point in self.points if point.t == moment.t)


@dataclass(frozen=True, slots=True)
class RankAt:
    """rank-90 of a task's centroids at one checkpoint."""

    t: int
    rank: int | Undefined
    variances: Floats
    """The leading principal variances, as shares of the total; empty where undefined."""


@dataclass(frozen=True, slots=True)
class RankSeries:
    """rank-90 of one task over the checkpoints."""

    task: str
    n_probes: int
    points: tuple[RankAt, ...]
    undefined: Undefined | None = None
    """Why there is no point at all."""


@dataclass(frozen=True, slots=True)
class TaskMetrics:
    """Milestones of one task."""

    task: str
    grokking: Grokking


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Everything that was asked about one run, and the settings that made it."""

    path: str
    name: str
    state: str
    """`recorders.format.STATE_…`."""
    tasks: tuple[str, ...]
    n_selected: int
    """P."""
    steps: tuple[int, int] | None
    """The first and the last recorded t; None before the first."""
    settings: Settings
    metrics: tuple[TaskMetrics, ...]
    rank90: tuple[RankSeries, ...]
    spectra: tuple[SpectrumSeries, ...]
    coupling: tuple[CouplingSeries, ...]
    notes: tuple[str, ...] = ()
    """What a reader should know: repeated steps, a cache that could not be written."""
    damage: tuple[str, ...] = ()
    """What is damaged; the results are those of the good part."""
