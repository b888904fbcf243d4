"""The registry of result columns: one row for each, read by every face.

A new column is a new row here. `docs/report.md` lists them; a test holds the list against this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sedscope.analysis.constants import FEW_EXAMPLES
from sedscope.analysis.coupling.response import SHIFT_KINDS
from sedscope.analysis.pipeline.results import (
    CheckpointCoupling,
    CheckpointRank,
    CouplingSeries,
    RankSeries,
    Spread,
    TaskMetrics,
)
from sedscope.analysis.pipeline.window_coupling import geometric_mean
from sedscope.analysis.result_view.number_text import between, short
from sedscope.analysis.result_view.result_column import (
    Face,
    Reading,
    ResultColumn,
    Value,
    mean_reading,
    plain_reading,
)
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, WindowSpectrum
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.grokking import Crossing, Grokking
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

_EVERYWHERE: tuple[Face, ...] = ("terminal", "page", "json", "tables", "viewer", "gate")
_IN_FILES: tuple[Face, ...] = ("json", "tables")


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task by itself: its milestones and the rank of its centroids."""

    metrics: TaskMetrics
    ranks: RankSeries | None
    """rank-90 over the checkpoints; None where it was not looked for."""


def evaluation_cadence(grokking: Grokking) -> Value:
    """Return the steps between evaluations at the first milestone that tells, or why the first one does not."""
    milestones = (*grokking.grok, grokking.memorised)
    cadences = [each if isinstance(each, Undefined) else each.cadence for each in milestones]
    return plain_reading(next((each for each in cadences if not isinstance(each, Undefined)), cadences[0]))


def _step(milestone: Crossing | ValueAtStep | Undefined) -> Value:
    return milestone if isinstance(milestone, Undefined) else Reading(milestone.t)


def _rank_course(row: TaskResult) -> Value:
    if row.ranks is None:
        return None
    if row.ranks.undefined is not None:
        return row.ranks.undefined
    ranks = [point.rank for point in row.ranks.points if not isinstance(point.rank, Undefined)]
    if not ranks:
        return Undefined("the centroids' rank is undefined at every checkpoint")
    return Reading(f"{ranks[0]} / {max(ranks)} / {ranks[-1]}")


MILESTONES: list[ResultColumn[TaskResult]] = [
    ResultColumn(
        "grok_step", "grok step", "first evaluated t with test accuracy above chance ≥ 0.5",
        lambda row: _step(row.metrics.grokking.grok[0]), _EVERYWHERE, int, "steps", "grok",
    ),
    ResultColumn(
        "grok_step_098", "at 0.98", "first evaluated t with test accuracy above chance ≥ 0.98",
        lambda row: _step(row.metrics.grokking.grok[1]), ("terminal", "page", "tables", "viewer", "gate"), int, "steps",
    ),
    ResultColumn(
        "memorisation_step", "memorised", "first evaluated t with train accuracy above chance ≥ 0.99",
        lambda row: _step(row.metrics.grokking.memorised), _EVERYWHERE, int, "steps",
    ),
    ResultColumn(
        "delay", "delay", "grok step − memorisation step, where memorisation came first",
        lambda row: plain_reading(row.metrics.grokking.delay), _EVERYWHERE, int, "steps",
    ),
    ResultColumn(
        "chance", "chance", "accuracy of guessing, which thresholds are above; without one, of the accuracy as logged",
        lambda row: plain_reading(row.metrics.grokking.chance), _EVERYWHERE, term="grok",
    ),
    ResultColumn(
        "cadence", "every", "steps between evaluations",
        lambda row: evaluation_cadence(row.metrics.grokking), ("terminal", "page"), int, "steps",
    ),
    ResultColumn(
        "rank90_course", "rank 0/max/end", "rank-90 at the first, the highest and the last checkpoint",
        _rank_course, ("terminal",), str,
    ),
]  # fmt: skip
"""Columns of the table of tasks."""


def _moment(series: CouplingSeries, moment: ValueAtStep | Undefined) -> Value:
    if isinstance(moment, Undefined):
        return moment
    point = series.at(moment)
    assert not isinstance(point, Undefined)
    edge = series.peak_edge if moment is series.peak else ""
    return _marked(Reading(moment.value, _ends(point.interval), edge=edge), point)


def _marked(ratio: Reading, point: CheckpointCoupling) -> Reading:
    """Return a ratio of a checkpoint with what a reader must know of each of them."""
    effective = mean_effective_examples(point)
    is_carried_by_few = isinstance(effective, float) and effective < FEW_EXAMPLES
    return replace(ratio, is_flat=point.flat is not None, is_carried_by_few=is_carried_by_few)


def mean_effective_examples(point: CheckpointCoupling) -> float | Undefined | None:
    """Return the geometric mean over the batches, as R̄_k has it; None for sources without."""
    effective = point.effective_examples
    return effective if effective is None or isinstance(effective, Undefined) else float(geometric_mean(effective))


def _effective_examples(point: CheckpointCoupling | Undefined) -> Value:
    """Return them with few digits; why there is no checkpoint stands beside its R̄_k already."""
    value = None if isinstance(point, Undefined) else mean_effective_examples(point)
    return Reading(value, words=short(value, 2 if value < 100 else 3)) if isinstance(value, float) else value


def _step_of(moment: ValueAtStep | Undefined) -> Value:
    """Return the step of a peak or end; why there is none stands beside its value already."""
    return None if isinstance(moment, Undefined) else Reading(moment.t)


def _ends(interval: Interval | Spread | Undefined | None) -> tuple[float, float] | None:
    return (interval.low, interval.high) if isinstance(interval, Interval | Spread) else None


SOURCES: list[ResultColumn[CouplingSeries]] = [
    ResultColumn(
        "peak", "peak", "largest R̄_k among checkpoints with full windows",
        lambda series: _moment(series, series.peak), ("terminal", "page", "json", "viewer"), has_interval=True,
    ),
    ResultColumn(
        "final", "final", "R̄_k at the last checkpoint",
        lambda series: _moment(series, series.final), ("terminal", "page", "json", "viewer"), has_interval=True,
    ),
    ResultColumn(
        "peak_step", "peak at t", "checkpoint of the peak",
        lambda series: _step_of(series.peak), ("terminal", "json"), int, "steps",
    ),
    ResultColumn(
        "effective_examples_peak", "n_eff at the peak", "effective examples of the fixed batches at the peak",
        lambda series: _effective_examples(series.at(series.peak)), ("page", "json"), term="effective_examples",
    ),
    ResultColumn(
        "effective_examples_final", "n_eff", "effective examples of the fixed batches at the last checkpoint",
        lambda series: _effective_examples(series.at(series.final)),
        ("terminal", "page", "json"), term="effective_examples",
    ),
    ResultColumn(
        "final_step", "final at t", "the last checkpoint",
        lambda series: _step_of(series.final), ("json",), int, "steps",
    ),
    ResultColumn(
        "peak_edge", "edge", "the edge of what was seen that the peak lies at; null where it lies at none",
        lambda series: plain_reading(series.peak_edge or None), ("json",), str,
    ),
]  # fmt: skip
"""Columns of the table of sources against tasks, for one W and K."""


def _ratio(
    of: Callable[[CheckpointCoupling], CouplingRatio | Undefined],
    interval_of: Callable[[CheckpointCoupling], Interval | Undefined],
) -> Callable[[CheckpointCoupling], Value]:
    def read(point: CheckpointCoupling) -> Value:
        ratio = of(point)
        if isinstance(ratio, Undefined):
            return ratio
        return _marked(Reading(ratio.rbar, _ends(interval_of(point))), point)

    return read


def _alignment(kind: int) -> Callable[[CheckpointCoupling], Value]:
    def read(point: CheckpointCoupling) -> Value:
        row = point.alignment if isinstance(point.alignment, Undefined) else point.alignment.row
        return row if isinstance(row, Undefined) else Reading(float(row[kind]))

    return read


def _draws(point: CheckpointCoupling) -> Value:
    spread = point.spread
    if spread is None:
        return None
    return Reading(between((spread.low, spread.high)), detail=f"n = {sum(value is not None for value in spread.rbar)}")


RBAR: ResultColumn[CheckpointCoupling] = ResultColumn(
    "rbar", "R̄_k", "mean over k of A(v_k) over the median of random directions",
    _ratio(lambda point: point.ratio, lambda point: point.interval),
    ("page", "json", "tables", "viewer", "gate"), term="R", has_interval=True,
)  # fmt: skip
RBAR_LOGIT: ResultColumn[CheckpointCoupling] = ResultColumn(
    "rbar_logit", "R^logit", "the same ratio for the centred outputs in place of the centroids",
    _ratio(lambda point: point.logit, lambda point: point.logit_interval),
    ("page", "json", "tables", "viewer", "gate"), term="R_logit", has_interval=True,
)  # fmt: skip
RBAR_MATCHED: ResultColumn[CheckpointCoupling] = ResultColumn(
    "rbar_matched", "R^matched", "the same ratio against random directions with v_k's norm in every block",
    _ratio(lambda point: point.matched, lambda point: point.matched_interval),
    ("page", "json", "tables", "viewer", "gate"), term="R_matched", has_interval=True,
)  # fmt: skip


def _phase(phase: str) -> Callable[[CouplingSeries], Value]:
    def read(series: CouplingSeries) -> Value:
        steps = series.phases if isinstance(series.phases, Undefined) else getattr(series.phases, phase)
        if isinstance(steps, Undefined):
            return steps
        return mean_reading([RBAR.read(point) for point in series.points if point.full and point.t in steps])

    return read


PHASES: list[ResultColumn[CouplingSeries]] = [
    ResultColumn(
        phase, title, f"mean R̄_k over checkpoints {where}, with their number",
        _phase(phase), ("terminal", "page", "json", "viewer"), has_interval=True,
    )
    for phase, title, where in (
        ("before", "before", "from the memorisation step up to the grok step"),
        ("at_grok", "at grok", "at the grok step: the nearest one"),
        ("after", "after", "after the grok step"),
    )
]  # fmt: skip
"""Columns of the table of sources by phase of the training."""

CHECKPOINTS: list[ResultColumn[CheckpointCoupling]] = [
    ResultColumn(
        "full", "full", "whether the window holds W rows", lambda point: Reading(point.full), _IN_FILES, bool
    ),
    ResultColumn("n_rows", "rows", "rows in the window", lambda point: Reading(point.n_rows), _IN_FILES, int),
    ResultColumn(
        "flat", "flat", "why the top K is arbitrary; null where it is not",
        lambda point: plain_reading(point.flat), _IN_FILES, str,
    ),
    ResultColumn(
        "participation", "participation", "participation ratio (Σσ²)²/Σσ⁴ of the window",
        lambda point: plain_reading(point.participation), ("page", "json", "tables"), term="participation",
    ),
    RBAR,
    RBAR_LOGIT,
    RBAR_MATCHED,
    ResultColumn(
        "effective_examples", "effective examples",
        "1/Σw² of the examples' shares w in the loss gradient, geometric mean over the fixed batches",
        _effective_examples,
        ("page", "json", "tables", "viewer", "gate"), term="effective_examples",
    ),
    ResultColumn(
        "draws", "draws", "the least and the largest R̄_k of the source's draws or batches",
        _draws, ("page",), str, has_interval=True,
    ),
    *(
        ResultColumn(
            f"alignment_{kind}", f"alignment, {kind}",
            f"cosine of the row with the next movement of the centroids, {what}",
            _alignment(index), ("tables", "gate"),
        )
        for index, (kind, what) in enumerate(
            zip(SHIFT_KINDS, ("selected parameters moved", "all parameters moved"), strict=True)
        )
    ),
    ResultColumn(
        "spread_low", "least draw", "the least R̄_k of the source's draws or batches",
        lambda point: None if point.spread is None else Reading(point.spread.low), ("tables",),
    ),
    ResultColumn(
        "spread_high", "largest draw", "the largest R̄_k of the source's draws or batches",
        lambda point: None if point.spread is None else Reading(point.spread.high), ("tables",),
    ),
]  # fmt: skip
"""Columns of a source against a task at one checkpoint."""


def _spectrum(of: Callable[[WindowSpectrum], float | Undefined]) -> Callable[[SpectrumAtStep], Value]:
    def read(point: SpectrumAtStep) -> Value:
        spectrum = point.spectrum
        return spectrum if isinstance(spectrum, Undefined) else plain_reading(of(spectrum))

    return read


SPECTRA: list[ResultColumn[SpectrumAtStep]] = [
    ResultColumn(
        "t", "window at t", "step of the window",
        lambda point: Reading(point.t), ("terminal", "page"), int, "steps",
    ),
    ResultColumn(
        "n_rows", "rows", "rows in the window",
        lambda point: Reading(point.n_rows), ("terminal", "page", "json", "tables"), int,
    ),
    ResultColumn(
        "full", "full", "whether the window holds W rows", lambda point: Reading(point.full), ("tables",), bool
    ),
    ResultColumn(
        "k_star", "k*", "place of the largest quotient of neighbouring singular values",
        _spectrum(lambda spectrum: spectrum.k_star), ("terminal", "page", "json", "tables", "gate"), int, term="k_star",
    ),
    ResultColumn(
        "gap", "gap", "that quotient, σ_k*/σ_(k*+1)",
        _spectrum(lambda spectrum: spectrum.gap), ("terminal", "page", "json", "tables", "gate"),
    ),
    ResultColumn(
        "participation", "participation", "participation ratio (Σσ²)²/Σσ⁴",
        _spectrum(lambda spectrum: spectrum.participation), ("terminal", "page", "json", "tables", "gate"),
        term="participation",
    ),
]  # fmt: skip
"""Columns of a source's window at one recorded step."""

RANKS: list[ResultColumn[CheckpointRank]] = [
    ResultColumn(
        "rank90", "rank-90", "least number of principal components that hold 90 % of the centroids' variance",
        lambda point: plain_reading(point.rank), ("json", "tables", "gate"), int, term="rank90",
    ),
]  # fmt: skip
"""Columns of a task's centroids at one checkpoint."""
