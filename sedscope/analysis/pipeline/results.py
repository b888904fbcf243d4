"""The results of an analysis of one run: plain dataclasses that every face shows and that a process can send.

Decides how results are grouped. A result that does not exist is an `Undefined` in its place, never a missing entry.
Leaves to others: computing them (`analyse`) and every word and number on the screen or in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sedscope.analysis.arrays import Floats
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep, edge_of
from sedscope.analysis.statistics.grokking import Grokking, Phases
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

NOT_MEASURED = Undefined("it was not measured")
"""Stands in place of what the settings did not ask for."""

Route = Literal["directions", "coupling Gram"]
"""A was taken of each v_k, or of all directions of the window's span at once: equal up to rounding."""


@dataclass(frozen=True, slots=True)
class Spread:
    """R̄_k of each variant of a source: draws of a control, batches of a fixed gradient."""

    rbar: tuple[float | None, ...]
    """R̄_k by variant; None where it is undefined."""
    low: float
    """The least of them."""
    high: float
    """The largest of them."""


@dataclass(frozen=True, slots=True)
class CheckpointAlignment:
    """Signed cosines with what the training did to the centroids next; means over the variants of a source."""

    next_t: int
    """The interval ends here: the next t with weights."""
    v: Floats | Undefined
    """a(v_k) `[K', 2]`, each v_k towards the mean row of its window; kinds as in `response.SHIFT_KINDS`."""
    row: Floats | Undefined
    """a of the row at the checkpoint `[2]`."""
    row_interval: tuple[Interval, ...] | Undefined = NOT_MEASURED
    """Intervals of the two kinds, over groups of probes and fixed batches."""


@dataclass(frozen=True, slots=True)
class CheckpointCoupling:
    """Coupling of one window's directions at one checkpoint."""

    t: int
    n_rows: int
    full: bool
    A: Floats | Undefined
    """A(v_k) `[K']`, K' = min(K, rank of the window)."""
    baseline: float | Undefined
    ratio: CouplingRatio | Undefined
    interval: Interval | Undefined
    """Interval of R̄_k."""
    flat: str | None
    """The reason why the top-K subspace is arbitrary; None where it is not."""
    participation: float | Undefined = NOT_MEASURED
    """(Σσ²)²/Σσ⁴ of the window."""
    logit: CouplingRatio | Undefined = NOT_MEASURED
    """R^logit: the same ratio for the centred output in place of the centroids."""
    logit_interval: Interval | Undefined = NOT_MEASURED
    """Interval of its mean over k."""
    matched: CouplingRatio | Undefined = NOT_MEASURED
    """R^matched: against random directions that have v_k's norm in every block."""
    matched_interval: Interval | Undefined = NOT_MEASURED
    """Interval of its mean over k."""
    energy: Floats | Undefined = NOT_MEASURED
    """‖v_k‖² within each block `[K', B]`."""
    alignment: CheckpointAlignment | Undefined = NOT_MEASURED
    spread: Spread | None = None
    """R̄_k of every variant of the source; None where there is one alone."""
    effective_examples: Floats | Undefined | None = None
    """Effective examples 1/Σw² of each fixed batch at t `[B]`; None for sources that are no gradient of a mean loss."""


@dataclass(frozen=True, slots=True)
class BlockCoupling:
    """Coupling of each v_k restricted to each block, at one checkpoint."""

    t: int
    A: Floats | Undefined
    """`[K', B]`, of the restricted vectors as they are: not scaled to unit length, so they are parts of A(v_k), which
    also holds what blocks do together."""
    n_probes: int


@dataclass(frozen=True, slots=True)
class CouplingSeries:
    """R_k of one source against the centroids of one task, over the checkpoints."""

    source: str
    task: str
    window: int
    rank: int
    route: Route
    points: tuple[CheckpointCoupling, ...]
    peak: ValueAtStep | Undefined
    final: ValueAtStep | Undefined
    blocks: tuple[BlockCoupling, ...] = ()
    """Coupling per block at the peak and at the end, of the source's first variant."""
    phases: Phases | Undefined = NOT_MEASURED
    """The checkpoints apart by the milestones of the task."""

    @property
    def peak_edge(self) -> str:
        """The edge of what was seen that the peak lies at; empty where it lies between two checkpoints that count."""
        full = [point.t for point in self.points if point.full and not isinstance(point.ratio, Undefined)]
        return "" if isinstance(self.peak, Undefined) else edge_of(self.peak.t, full)

    def at(self, moment: ValueAtStep | Undefined) -> CheckpointCoupling | Undefined:
        """Return the checkpoint of the peak or of the end, or why there is none."""
        if isinstance(moment, Undefined):
            return moment
        return next(point for point in self.points if point.t == moment.t)


Measure = Literal["rbar", "rbar_logit", "rbar_matched"]
"""A ratio of a checkpoint, by the name of its column: R̄_k, mean R^logit, mean R^matched."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """One series over another: at the last checkpoint where both have a full window and a number, and over all such."""

    t: int
    """That last checkpoint."""
    above: float
    """The first series at t."""
    below: float
    """The second series at t."""
    value: float
    """Their quotient at t."""
    ends: tuple[float, float] | Undefined
    """Its 95 % interval, paired: both are resampled together."""
    lowest: float
    """The least quotient over all shared checkpoints."""
    highest: float
    """The largest quotient over all shared checkpoints."""
    n: int
    """Number of shared checkpoints."""

    @property
    def relation(self) -> Literal["above", "below", "equal", "open"]:
        """Say by the interval on which side of 1 the quotient lies; `equal` where it holds 1, `open` without one."""
        if isinstance(self.ends, Undefined):
            return "open"
        low, high = self.ends
        return "above" if low > 1.0 else "below" if high < 1.0 else "equal"


@dataclass(frozen=True, slots=True)
class Contrast:
    """One source over another against the centroids of the same task, in one measure."""

    source: str
    other: str
    task: str
    window: int
    rank: int
    measure: Measure
    quotient: Quotient | Undefined


@dataclass(frozen=True, slots=True)
class CheckpointRank:
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
    points: tuple[CheckpointRank, ...]
    undefined: Undefined | None = None
    """The reason why there is no point at all; None where there is one."""


@dataclass(frozen=True, slots=True)
class RandomAlignment:
    """The alignment of random directions with what the training did next: the floor of a(v)."""

    task: str
    points: tuple[tuple[int, Floats | Undefined], ...]
    """t and the root mean square of a(r_j) over the random directions `[2]`; kinds as in `response.SHIFT_KINDS`."""


@dataclass(frozen=True, slots=True)
class CheckpointAngles:
    """Principal angles between two top-K subspaces at one checkpoint."""

    t: int
    cosines: Floats | Undefined
    """Cosines of the angles, descending `[min(K', K'')]`; 1: a shared direction."""
    flat: str | None
    """The reason why one of the subspaces is arbitrary; None where none is."""


@dataclass(frozen=True, slots=True)
class AngleSeries:
    """Principal angles between the top-K subspaces of two sources."""

    first: str
    second: str
    second_batch: int
    """0; 1 in a floor: the same source on another fixed batch."""
    window: int
    rank: int
    points: tuple[CheckpointAngles, ...]

    @property
    def is_floor(self) -> bool:
        """True where a source is compared with itself on another batch: no two sources are closer than that."""
        return self.first == self.second


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage between gradient and displacement."""

    name: str
    """The stage in words."""
    source: str
    rbar: Floats
    """R̄_k at the steps of the table `[m]`."""
    matched: Floats | Undefined
    """Mean R^matched at the same steps `[m]`."""
    factor: float | Undefined
    """R̄_k over that of the stage before: geometric mean over the steps."""
    matched_factor: float | Undefined
    flat: int
    """Number of steps at which the top-K subspace is arbitrary."""


@dataclass(frozen=True, slots=True)
class StageTable:
    """The coupling of a gradient on its way to the displacement, at steps where every stage is defined."""

    task: str
    window: int
    rank: int
    steps: tuple[int, ...]
    stages: tuple[Stage, ...]
    """Stages that the run has, in the order of the optimizer."""
    merged: tuple[tuple[str, str], ...]
    """Stages that are another one under a second name here, and which."""
    loses_most: str | Undefined
    """The source after the step with the least factor of R̄_k."""
    loses_most_matched: str | Undefined
    """The source after the step with the least factor of R^matched."""


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
    """Remarks for a reader: repeated steps, a cache that could not be written."""
    damage: tuple[str, ...] = ()
    """Files and entries that are damaged; the results are those of the rest."""
    blocks: tuple[str, ...] = ()
    """Names of the blocks, in the order of `CheckpointCoupling.energy`."""
    random_alignment: tuple[RandomAlignment, ...] = ()
    angles: tuple[AngleSeries, ...] = ()
    stages: tuple[StageTable, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    """Every gradient source over each control, over what the weights did, and over the gradient of all tasks."""
