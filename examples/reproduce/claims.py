"""The claims of the page: a published number, the measured one, and the controls beside it.

Decides the rows of the page's first table and what their values are means of. Leaves to others: the rules (`verdict`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from examples.reproduce import published
from examples.reproduce.measure import Measurements, RunCouplings, at, fixed, peak_of, series_of
from examples.reproduce.published import Published
from examples.reproduce.summary import (
    averaged,
    bound_text,
    described,
    mean_steps,
    speedup_text,
    together,
    with_ends,
)
from examples.reproduce.verdict import (
    COUPLING_LEAST,
    NO_NUMBER,
    NOT_RUN,
    NOTHING_PUBLISHED,
    REPEATS,
    STEPS_LEAST,
    Control,
    verdict,
)
from recorders.row_sources import DISPLACEMENT, FIXED_GRADIENT, UPDATE
from sedscope.analysis.interventions import TreatmentGroup
from sedscope.analysis.interventions.speedup import QuotientBounds
from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries
from sedscope.analysis.result_view.number_text import signed
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, average_estimate, divide

OP = "add"
"""Operation of the published interventions."""
CONTROL_WORDS = {
    "control/shuffled": "gradients of shuffled labels",
    "control/cotangent": "gradients of random cotangents",
    "control/per_example": "random combinations of per-example gradients",
}


@dataclass(frozen=True)
class ClaimRow:
    """One claim as a line of the table."""

    what: str
    published: str
    before: str
    ours: str
    beside: str
    """The controls."""
    verdict: str

    @property
    def is_measured(self) -> bool:
        """True where there is a number of ours."""
        return not self.verdict.startswith(NOT_RUN)


def rows(measurements: Measurements, *, comparable: bool) -> Iterator[ClaimRow]:
    """Yield every claim in the order of the page; with `comparable` False the published numbers are left out."""
    yield from _couplings(measurements, comparable)
    yield from _ablations(measurements, comparable)
    yield from _four(measurements, comparable)
    yield from _interventions(measurements, comparable)


# --- couplings ------------------------------------------------------------------------------------------------------


def _couplings(measurements: Measurements, comparable: bool) -> Iterator[ClaimRow]:
    def as_published(source: str | None) -> list[CouplingSeries | None]:
        """Return R̄_k of each run as it was published; None stands for the task's fixed gradient."""
        return [
            series_of(run.as_published, source or fixed(run.recording.ops[0]), run.recording.ops[0])
            for run in measurements.single
        ]

    yield _peak_row(published.DISPLACEMENT, as_published(DISPLACEMENT), (), comparable, of_runs=True)
    controls = tuple(_controls(measurements.single))
    yield _peak_row(published.FIXED, as_published(None), controls, comparable, of_runs=True)
    yield _row(published.OVER_DISPLACEMENT, _over_displacement(measurements.single), (), comparable, of_runs=True)
    yield _rank_row(measurements, comparable)
    yield from _per_example_rows(measurements, comparable)


def _over_displacement(runs: Sequence[RunCouplings]) -> list[Estimate]:
    """Return for each run its fixed gradient over its displacement, each at its own peak, as published."""

    def peaks(run: RunCouplings) -> Iterator[Estimate | None]:
        for task in run.recording.ops:
            above, below = (peak_of(series_of(run.as_published, name, task)) for name in (fixed(task), DISPLACEMENT))
            factor = None if above is None or below is None else divide(above, below)
            yield None if isinstance(factor, Undefined) else factor

    return _by_run(runs, peaks)


def _per_example_rows(measurements: Measurements, comparable: bool) -> Iterator[ClaimRow]:
    """Yield the claims at start, middle and end of the runs, as far as they have so many checkpoints."""
    for index, claim in enumerate(published.PER_EXAMPLE.values()):
        points = [run.per_example[index] for run in measurements.single if len(run.per_example) > index]
        exact, central = (
            _positive(None if isinstance(value, Undefined) else value for value in values)
            for values in ([point.rbar for point in points], [point.central for point in points])
        )
        beside = f"by the exact derivative {described(exact)}" if exact else ""
        yield _row(claim, central, (), comparable, beside, of_runs=True)


def _controls(runs: Sequence[RunCouplings]) -> Iterator[Control]:
    """Yield the fixed gradient over each control, at the peak of the fixed gradient, trailing windows."""

    def over(run: RunCouplings, family: str) -> Iterator[Estimate | None]:
        for task in run.recording.ops:
            control = next(name for name in control_sources(task) if name.startswith(family))
            own, other = (series_of(run.trailing, name, task) for name in (fixed(task), control))
            yield quotient_at_peak(own, other)

    for family, words in CONTROL_WORDS.items():
        factors = _by_run(runs, partial(over, family=family))
        if factors:
            yield Control(words, together(factors), COUPLING_LEAST)


def quotient_at_peak(own: CouplingSeries | None, other: CouplingSeries | None) -> Estimate | None:
    """Return own over other, both at the peak of `own`; None where either is undefined."""
    if own is None or isinstance(own.peak, Undefined):
        return None
    above, below = at(own, own.peak.t), at(other, own.peak.t)
    if above is None or below is None:
        return None
    factor = divide(above, below)
    return None if isinstance(factor, Undefined) else factor


def _rank_row(measurements: Measurements, comparable: bool) -> ClaimRow:
    texts = [
        f"seed {run.recording.seed}: {' / '.join(map(str, ranks))}"
        for run in measurements.single
        if run.recording.ops == (OP,) and (ranks := rank_90(run.trailing.rank90[0]))
    ]
    claim = published.RANK_90
    before = claim.before if comparable else "–"
    return ClaimRow(claim.what, "–", before, "; ".join(texts) or "–", "", NOTHING_PUBLISHED if texts else NOT_RUN)


def rank_90(series: RankSeries) -> tuple[int, int, int] | None:
    """Return rank-90 at the first checkpoint, the largest, and at the last; None where none is defined."""
    ranks = [point.rank for point in series.points if not isinstance(point.rank, Undefined)]
    return (ranks[0], max(ranks), ranks[-1]) if ranks else None


def _ablations(measurements: Measurements, comparable: bool) -> Iterator[ClaimRow]:
    by_key = {(ablation.setting, ablation.value): ablation.series for ablation in measurements.ablations}
    exact = by_key.get(("exact", 0.0))
    for window, claim in published.WINDOWS.items():
        yield _peak_row(claim, [by_key.get(("W", window))], (), comparable)
    for rank, claim in published.RANKS.items():
        yield _peak_row(claim, [by_key.get(("K", rank))], (), comparable)
    for epsilon, claim in published.EPSILONS.items():
        series = by_key.get(("ε", epsilon))
        beside = _beside_exact(exact, series)
        yield _peak_row(claim, [series], (), comparable, beside)
    yield _peak_row(published.EXACT, [exact], (), comparable)


def _beside_exact(exact: CouplingSeries | None, central: CouplingSeries | None) -> str:
    factor = quotient_at_peak(exact, central)
    return (
        ""
        if factor is None
        else f"at the step of the exact derivative's peak, that is {signed(factor.value)}× the central difference"
    )


# --- several operations ---------------------------------------------------------------------------------------------


def _four(measurements: Measurements, comparable: bool) -> Iterator[ClaimRow]:
    def values(source: str | None) -> list[Estimate]:
        """Return the peak of each run; None stands for each task's own fixed gradient."""

        def peaks(run: RunCouplings) -> Iterator[Estimate | None]:
            return (peak_of(series_of(run.as_published, source or fixed(task), task)) for task in run.recording.ops)

        return _by_run(measurements.four, peaks)

    others = tuple(
        Control(words, together(factors), COUPLING_LEAST)
        for words, over in (("the aggregated gradient", _over_aggregated), ("other tasks' gradients", _over_crossed))
        if (factors := _by_run(measurements.four, over))
    )
    yield _row(published.FOUR_DISPLACEMENT, values(DISPLACEMENT), (), comparable, of_runs=True)
    yield _row(published.FOUR_OWN, values(None), (*_controls(measurements.four), *others), comparable, of_runs=True)
    yield _row(published.FOUR_AGGREGATED, values(FIXED_GRADIENT), (), comparable, of_runs=True)


def _over_aggregated(run: RunCouplings) -> Iterator[Estimate | None]:
    for task in run.recording.ops:
        own, aggregated = (series_of(run.trailing, name, task) for name in (fixed(task), FIXED_GRADIENT))
        yield quotient_at_peak(own, aggregated)


def _over_crossed(run: RunCouplings) -> Iterator[Estimate | None]:
    """Yield a task's fixed gradient over that of every other task, against the centroids of the task."""
    if run.crossed is None:
        return
    for task in run.recording.ops:
        own = series_of(run.crossed, fixed(task), task)
        for other in run.recording.ops:
            if other != task:
                yield quotient_at_peak(own, series_of(run.crossed, fixed(other), task))


def _by_run(
    runs: Iterable[RunCouplings], values: Callable[[RunCouplings], Iterable[Estimate | None]]
) -> list[Estimate]:
    """Return one number for each run: its tasks share a training, so that they are no seeds of their own."""
    return [averaged(positive) for run in runs if (positive := _positive(values(run)))]


# --- interventions --------------------------------------------------------------------------------------------------


def _interventions(measurements: Measurements, comparable: bool) -> Iterator[ClaimRow]:
    task = measurements.task(OP)
    groups = () if task is None else task.groups
    control = next((group for group in groups if not group.treatment.acts), None)
    yield _grok_row(control, comparable)
    frozen = next((group for group in groups if group.treatment.mode == "freeze"), None)
    yield _speedup_row(published.FREEZE, frozen, comparable)
    for on in ("gradient", "update"):
        for mode, basis in (
            ("keep-sed", "applied"),
            ("keep-sed", "raw"),
            ("keep-random", None),
            ("remove-sed", "applied"),
            ("remove-random", None),
        ):
            matching = next((group for group in groups if _is(group, on, mode, basis)), None)
            yield _speedup_row(published.intervention(on, mode, basis), matching, comparable)


def _is(group: TreatmentGroup, on: str, mode: str, basis: str | None) -> bool:
    treatment = group.treatment
    settings = (treatment.mode, treatment.on, treatment.basis, treatment.rank, treatment.window)
    return settings == (mode, on, basis, 3, 20)


def _grok_row(control: TreatmentGroup | None, comparable: bool) -> ClaimRow:
    claim = published.GROK
    low, high = (claim.low, claim.high) if comparable else (None, None)
    words, before = (claim.words, claim.before) if comparable else ("–", "–")
    if control is None:
        return ClaimRow(claim.what, words, before, "–", "", verdict(low, high, None))
    reached = control.reaching[0]
    if isinstance(reached.mean, Undefined):
        return ClaimRow(claim.what, words, before, "–", "", f"{NO_NUMBER}: {reached.mean.reason}")
    if reached.mean.horizon is not None:  # a run never got there: the mean is a lower bound
        judgement = verdict(low, high, QuotientBounds(reached.mean.value, None))
    else:
        judgement = verdict(low, high, average_estimate(reached.mean))
    return ClaimRow(claim.what, words, before, f"{mean_steps(reached.mean)}, n = {reached.n}", "", judgement)


def _speedup_row(claim: Published, group: TreatmentGroup | None, comparable: bool) -> ClaimRow:
    low, high = (claim.low, claim.high) if comparable else (None, None)
    text, ours = ("–", None) if group is None else speedup_text(group.speedups[0])
    controls, missing_reasons = _beside(group)
    beside = "; ".join(f"{_factor(control)} as early as {control.name}" for control in controls)
    no_factor = group is not None and ours is None
    judgement = f"{NO_NUMBER}: {text}" if no_factor else verdict(low, high, ours, controls)
    return ClaimRow(
        claim.what,
        (claim.words or "–") if comparable else "–",
        (claim.before or "–") if comparable else "–",
        text,
        beside,
        "; ".join((judgement, *missing_reasons)),
    )


def _factor(control: Control) -> str:
    """Return such as `0.94× [0.8–1.1]` or `< 0.5×`."""
    factor = control.factor
    return bound_text(factor) if isinstance(factor, QuotientBounds) else with_ends(factor, "×")


def _beside(group: TreatmentGroup | None) -> tuple[tuple[Control, ...], tuple[str, ...]]:
    """Return `freeze` for a kept subspace, a random subspace for an SED one; and why one of them says nothing."""
    if group is None:
        return (), ()
    controls: list[Control] = []
    missing_reasons = [] if group.no_freeze is None else ["freeze was not run beside it"]
    for reference in group.beside:
        speedup = reference.speedups[0]
        name = speedup.reference
        text, factor = speedup_text(speedup)
        if factor is None:
            missing_reasons.append(f"not comparable with {name}: {text}")
        else:
            controls.append(Control(name, factor, STEPS_LEAST, _seeds_lacking(group, len(speedup.pairs))))
    return tuple(controls), tuple(missing_reasons)


def _seeds_lacking(group: TreatmentGroup, n: int) -> int:
    """Return how many more seeds a comparison of n needs before it counts: none where rounding does not decide."""
    is_chaotic = group.treatment.removes and group.treatment.on == UPDATE
    return max(0, REPEATS - n) if is_chaotic else 0


# --- one line -------------------------------------------------------------------------------------------------------


def _peak_row(
    claim: Published,
    series: Sequence[CouplingSeries | None],
    controls: tuple[Control, ...],
    comparable: bool,
    beside: str = "",
    *,
    of_runs: bool = False,
) -> ClaimRow:
    """Return a row of peaks, and how many lie at an edge of what was seen: they may be higher beyond."""
    row = _row(claim, _positive(map(peak_of, series)), controls, comparable, beside, of_runs=of_runs)
    edges = [curve.peak_edge for curve in series if curve is not None]
    counts = [(edge, edges.count(edge)) for edge in dict.fromkeys(edges) if edge]
    shares = [f"; at {edge}" + ("" if len(edges) == 1 else f" in {n} of {len(edges)} runs") for edge, n in counts]
    return replace(row, ours=row.ours + "".join(shares))


def _row(
    claim: Published,
    values: Sequence[Estimate],
    controls: tuple[Control, ...],
    comparable: bool,
    beside: str = "",
    *,
    of_runs: bool = False,
) -> ClaimRow:
    """Return a row of couplings; `of_runs` where each value is that of a run, so that one value is one seed."""
    ours = together(values) if values else None
    low, high = (claim.low, claim.high) if comparable else (None, None)
    factors = "; ".join(f"{_factor(control)} {control.name}" for control in controls)
    return ClaimRow(
        claim.what,
        (claim.words or "–") if comparable else "–",
        (claim.before or "–") if comparable else "–",
        described(values),
        beside or factors,
        verdict(low, high, ours, controls)
        + (" (one run)" if high is not None and of_runs and len(values) == 1 else ""),
    )


def _positive(values: Iterable[Estimate | None]) -> list[Estimate]:
    return [value for value in values if value is not None and value.value > 0.0]
