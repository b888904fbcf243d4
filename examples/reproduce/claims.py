"""Which measured number stands against which published one, beside which controls.

Decides the rows of the page's first table and what their values are means of. Leaves to others: the rules (`verdict`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from examples.reproduce import published
from examples.reproduce.measure import Coupled, Measurements, at, fixed, peak_of, series_of
from examples.reproduce.published import Published
from examples.reproduce.summary import (
    average_of,
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
    STEPS_LEAST,
    Control,
    verdict,
)
from recorders.format import DISPLACEMENT, FIXED_GRADIENT
from sedscope.analysis.interventions import TreatmentGroup
from sedscope.analysis.interventions.time_quotients import QuotientBounds
from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.statistics.coupling_ratio import ValueAtStep
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, divide, signed

OP = "add"
"""Of the published interventions."""
CONTROL_WORDS = {
    "control/shuffled": "gradients of shuffled labels",
    "control/cotangent": "gradients of random cotangents",
    "control/per_example": "random combinations of per-example gradients",
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    published: str
    before: str
    ours: str
    beside: str
    """The controls."""
    verdict: str

    @property
    def is_measured(self) -> bool:
        """Whether there is a number of ours."""
        return not self.verdict.startswith(NOT_RUN)


def rows(found: Measurements, *, comparable: bool) -> Iterator[Row]:
    """Every claim in the order of the page; with `comparable` False the published numbers are left out."""
    yield from _couplings(found, comparable)
    yield from _ablations(found, comparable)
    yield from _four(found, comparable)
    yield from _interventions(found, comparable)


# --- couplings ------------------------------------------------------------------------------------------------------


def _couplings(found: Measurements, comparable: bool) -> Iterator[Row]:
    def leading(source: str | None) -> list[CouplingSeries | None]:
        """Of each run; None stands for the task's fixed gradient."""
        return [
            series_of(one.leading, source or fixed(one.recording.ops[0]), one.recording.ops[0])
            for one in found.single
            if one.leading is not None
        ]

    yield _peak_row(published.DISPLACEMENT, leading(DISPLACEMENT), (), comparable, of_runs=True)
    controls = tuple(_controls(found.single))
    yield _peak_row(published.FIXED, leading(None), controls, comparable, of_runs=True)
    yield _row(published.OVER_DISPLACEMENT, _over_displacement(found.single), (), comparable, of_runs=True)
    yield _rank_row(found, comparable)
    yield from _per_example_rows(found, comparable)


def _over_displacement(runs: Sequence[Coupled]) -> list[Estimate]:
    """Of each run: its fixed gradient over its displacement, each at its own peak, leading windows."""

    def peaks(one: Coupled) -> Iterator[Estimate | None]:
        if one.leading is None:
            return
        for task in one.recording.ops:
            above, below = (peak_of(series_of(one.leading, name, task)) for name in (fixed(task), DISPLACEMENT))
            factor = None if above is None or below is None else divide(above, below)
            yield None if isinstance(factor, Undefined) else factor

    return _by_run(runs, peaks)


def _per_example_rows(found: Measurements, comparable: bool) -> Iterator[Row]:
    """At start, middle and end of the runs, as far as they have so many checkpoints."""
    for place, claim in enumerate(published.PER_EXAMPLE.values()):
        points = (one.per_example[place] for one in found.single if len(one.per_example) > place)
        values = _known(None if isinstance(point.rbar, Undefined) else point.rbar for point in points)
        yield _row(claim, values, (), comparable, of_runs=True)


def _controls(runs: Sequence[Coupled]) -> Iterator[Control]:
    """The fixed gradient over each control, at the peak of the fixed gradient, trailing windows."""

    def over(one: Coupled, family: str) -> Iterator[Estimate | None]:
        for task in one.recording.ops:
            control = next(name for name in control_sources(task) if name.startswith(family))
            own, other = (series_of(one.trailing, name, task) for name in (fixed(task), control))
            yield quotient_at_peak(own, other)

    for family, words in CONTROL_WORDS.items():
        factors = _by_run(runs, partial(over, family=family))
        if factors:
            yield Control(words, together(factors), COUPLING_LEAST)


def quotient_at_peak(own: CouplingSeries | None, other: CouplingSeries | None) -> Estimate | None:
    """Own over other, both at the peak of the own one; None where one is undefined."""
    if own is None or isinstance(own.peak, Undefined):
        return None
    above, below = at(own, own.peak.t), at(other, own.peak.t)
    if above is None or below is None:
        return None
    factor = divide(above, below)
    return None if isinstance(factor, Undefined) else factor


def _rank_row(found: Measurements, comparable: bool) -> Row:
    told = [
        f"seed {one.recording.seed}: {' / '.join(map(str, known))}"
        for one in found.single
        if one.recording.ops == (OP,) and (known := rank_90(one.trailing.rank90[0]))
    ]
    claim = published.RANK_90
    before = claim.before if comparable else "–"
    return Row(claim.what, "–", before, "; ".join(told) or "–", "", NOTHING_PUBLISHED if told else NOT_RUN)


def rank_90(series: RankSeries) -> tuple[int, int, int] | None:
    """At the first checkpoint, the largest, and at the last."""
    ranks = [point.rank for point in series.points if not isinstance(point.rank, Undefined)]
    return (ranks[0], max(ranks), ranks[-1]) if ranks else None


def _ablations(found: Measurements, comparable: bool) -> Iterator[Row]:
    by_key = {(one.setting, one.value): one.series for one in found.ablations}
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


def _four(found: Measurements, comparable: bool) -> Iterator[Row]:
    def values(source: str | None) -> list[Estimate]:
        """One for each run; None stands for each task's own fixed gradient."""

        def peaks(one: Coupled) -> Iterator[Estimate | None]:
            return (peak_of(series_of(one.trailing, source or fixed(task), task)) for task in one.recording.ops)

        return _by_run(found.four, peaks)

    others = tuple(
        Control(words, together(factors), COUPLING_LEAST)
        for words, over in (("the aggregated gradient", _over_aggregated), ("other tasks' gradients", _over_crossed))
        if (factors := _by_run(found.four, over))
    )
    yield _row(published.FOUR_DISPLACEMENT, values(DISPLACEMENT), (), comparable, of_runs=True)
    yield _row(published.FOUR_OWN, values(None), (*_controls(found.four), *others), comparable, of_runs=True)
    yield _row(published.FOUR_AGGREGATED, values(FIXED_GRADIENT), (), comparable, of_runs=True)


def _over_aggregated(one: Coupled) -> Iterator[Estimate | None]:
    for task in one.recording.ops:
        own, whole = (series_of(one.trailing, name, task) for name in (fixed(task), FIXED_GRADIENT))
        yield quotient_at_peak(own, whole)


def _over_crossed(one: Coupled) -> Iterator[Estimate | None]:
    """A task's fixed gradient over every other one's, against the centroids of the task."""
    if one.crossed is None:
        return
    for task in one.recording.ops:
        own = series_of(one.crossed, fixed(task), task)
        for other in one.recording.ops:
            if other != task:
                yield quotient_at_peak(own, series_of(one.crossed, fixed(other), task))


def _by_run(runs: Iterable[Coupled], values: Callable[[Coupled], Iterable[Estimate | None]]) -> list[Estimate]:
    """One number for each run: its tasks share a training, so that they are no seeds of their own."""
    return [averaged(known) for one in runs if (known := _known(values(one)))]


# --- interventions --------------------------------------------------------------------------------------------------


def _interventions(found: Measurements, comparable: bool) -> Iterator[Row]:
    task = found.task(OP)
    groups = () if task is None else task.groups
    control = next((one for one in groups if not one.treatment.acts), None)
    yield _grok_row(control, comparable)
    frozen = next((one for one in groups if one.treatment.mode == "freeze"), None)
    yield _speedup_row(published.FREEZE, frozen, comparable)
    for on in ("gradient", "update"):
        for mode, basis in (
            ("keep-sed", "applied"),
            ("keep-sed", "raw"),
            ("keep-random", None),
            ("remove-sed", "applied"),
            ("remove-random", None),
        ):
            group = next((one for one in groups if _is(one, on, mode, basis)), None)
            yield _speedup_row(published.intervention(on, mode, basis), group, comparable)


def _is(group: TreatmentGroup, on: str, mode: str, basis: str | None) -> bool:
    one = group.treatment
    return (one.mode, one.on, one.basis, one.rank) == (mode, on, basis, 3) and one.window == 20


def _grok_row(control: TreatmentGroup | None, comparable: bool) -> Row:
    claim = published.GROK
    low, high = (claim.low, claim.high) if comparable else (None, None)
    words, before = (claim.words, claim.before) if comparable else ("–", "–")
    if control is None:
        return Row(claim.what, words, before, "–", "", verdict(low, high, None))
    reached = control.reaching[0]
    if isinstance(reached.mean, Undefined):
        return Row(claim.what, words, before, "–", "", f"{NO_NUMBER}: {reached.mean.reason}")
    if reached.mean.horizon is not None:  # a run never got there: its mean is a least one
        said = verdict(low, high, QuotientBounds(reached.mean.value, None))
    else:
        said = verdict(low, high, average_of(reached.mean))
    return Row(claim.what, words, before, f"{mean_steps(reached.mean)}, n = {reached.n}", "", said)


def _speedup_row(claim: Published, group: TreatmentGroup | None, comparable: bool) -> Row:
    low, high = (claim.low, claim.high) if comparable else (None, None)
    text, ours = ("–", None) if group is None else speedup_text(group.speedups[0])
    controls, absent = _beside(group)
    beside = "; ".join(f"{_factor(one)} as early as {one.name}" for one in controls)
    no_factor = group is not None and ours is None
    said = "; ".join((f"{NO_NUMBER}: {text}" if no_factor else verdict(low, high, ours, controls), *absent))
    return Row(
        claim.what,
        (claim.words or "–") if comparable else "–",
        (claim.before or "–") if comparable else "–",
        text,
        beside,
        said,
    )


def _factor(control: Control) -> str:
    """`0.94× [0.8–1.1]`, `< 0.5×`."""
    factor = control.factor
    return bound_text(factor) if isinstance(factor, QuotientBounds) else with_ends(factor, "×")


def _beside(group: TreatmentGroup | None) -> tuple[tuple[Control, ...], tuple[str, ...]]:
    """`freeze` for what is kept, a random subspace for an SED one; and why one of them says nothing."""
    if group is None:
        return (), ()
    controls: list[Control] = []
    absent = [] if group.no_freeze is None else ["freeze was not run beside it"]
    for one in group.beside:
        speedup = one.speedups[0]
        name = speedup.reference
        text, factor = speedup_text(speedup)
        if factor is None:
            absent.append(f"not comparable with {name}: {text}")
        else:
            controls.append(Control(name, factor, STEPS_LEAST))
    return tuple(controls), tuple(absent)


# --- one line -------------------------------------------------------------------------------------------------------


def _peak_row(
    claim: Published,
    series: Sequence[CouplingSeries | None],
    controls: tuple[Control, ...],
    comparable: bool,
    beside: str = "",
    *,
    of_runs: bool = False,
) -> Row:
    """The peaks of some series, and whether they were reached or the run ended before: a longer one may go higher."""
    row = _row(claim, _known(map(peak_of, series)), controls, comparable, beside, of_runs=of_runs)
    peaks = [(one.peak, one.points[-1].t) for one in series if one is not None]
    at_end = sum(isinstance(peak, ValueAtStep) and peak.t == last for peak, last in peaks)
    if not at_end:
        return row
    share = "" if len(peaks) == 1 else f" in {at_end} of {len(peaks)} runs"
    return replace(row, ours=f"{row.ours}; at the last checkpoint{share}")


def _row(
    claim: Published,
    values: Sequence[Estimate],
    controls: tuple[Control, ...],
    comparable: bool,
    beside: str = "",
    *,
    of_runs: bool = False,
) -> Row:
    """A coupling; `of_runs` where each value is that of a run, so that one value is one seed."""
    ours = together(values) if values else None
    low, high = (claim.low, claim.high) if comparable else (None, None)
    factors = "; ".join(f"{_factor(one)} {one.name}" for one in controls)
    return Row(
        claim.what,
        (claim.words or "–") if comparable else "–",
        (claim.before or "–") if comparable else "–",
        described(values),
        beside or factors,
        verdict(low, high, ours, controls)
        + (" (one run)" if high is not None and of_runs and len(values) == 1 else ""),
    )


def _known(values: Iterable[Estimate | None]) -> list[Estimate]:
    return [one for one in values if one is not None and one.value > 0.0]
