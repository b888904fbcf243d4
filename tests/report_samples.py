"""Parts of analyses made by hand, so that the faces can be compared word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedscope.analysis.pipeline.contrasts import contrasts
from sedscope.analysis.pipeline.results import (
    BlockCoupling,
    CheckpointAlignment,
    CheckpointCoupling,
    CheckpointRank,
    CouplingSeries,
    RandomAlignment,
    RankSeries,
    RunAnalysis,
    Spread,
    TaskMetrics,
)
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.grokking import Crossing, Grokking
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

EARLY = Undefined("there is no row on this side of the checkpoint")
NEVER = Undefined("test accuracy of mul never reached 0.5 in 81 evaluations (highest 0.12)")


def interval(low: float, high: float) -> Interval:
    return Interval(low, high, 0.95, 32, 1024, 20, 1000, 0)


def point(t: int, rbar: float, *, full: bool = True, flat: str | None = None) -> CheckpointCoupling:
    R = np.array([rbar + 1.0, rbar, rbar - 1.0])
    ends = interval(rbar * 0.9, rbar * 1.1)
    return CheckpointCoupling(t, 20 if full else 5, full, R * 2.0, 2.0, CouplingRatio(R, rbar), ends, flat)


def nothing(t: int) -> CheckpointCoupling:
    return CheckpointCoupling(t, 0, False, EARLY, 2.0, EARLY, EARLY, None)


def series(source: str, task: str, peak: float, final: float, *, flat: str | None = None) -> CouplingSeries:
    points = (nothing(0), point(500, peak / 2, full=False), point(1000, peak, flat=flat), point(2000, final))
    return CouplingSeries(source, task, 20, 3, "directions", points, ValueAtStep(1000, peak), ValueAtStep(2000, final))


def metrics(task: str, grok: int | None) -> TaskMetrics:
    if grok is None:
        return TaskMetrics(task, Grokking((NEVER, NEVER), Crossing(200, 0.99, 25), NEVER, 0.01))
    reached = Crossing(grok, 0.5, 25), Crossing(grok + 400, 0.98, 25)
    return TaskMetrics(task, Grokking(reached, Crossing(200, 0.99, 25), grok - 200, 0.01))


def ranks(task: str) -> RankSeries:
    values = [(0, 62), (500, 70), (1000, 96), (2000, 51)]
    return RankSeries(task, 1024, tuple(CheckpointRank(t, rank, np.array([0.5, 0.25])) for t, rank in values))


def spectrum(source: str) -> SpectrumSeries:
    edge = WindowSpectrum(np.array([4.0, 2.0, 1.0]), 1, 2.0, 1.62, (None,))
    return SpectrumSeries(source, 20, (SpectrumAtStep(0, 0, False, EARLY), SpectrumAtStep(25, 3, False, edge)))


def with_evidence(one: CheckpointCoupling, matched: float, logit: float, aligned: float) -> CheckpointCoupling:
    """A checkpoint with every second measure; ends of intervals are 10 % to both sides, as for R̄_k."""

    def ratio(value: float) -> CouplingRatio:
        return CouplingRatio(np.array([value] * 3), value)

    return replace(
        one,
        participation=4.5,
        logit=ratio(logit),
        logit_interval=interval(logit * 0.9, logit * 1.1),
        matched=ratio(matched),
        matched_interval=interval(matched * 0.9, matched * 1.1),
        energy=np.full((3, 2), 0.5),
        alignment=CheckpointAlignment(one.t + 25, np.full((3, 2), aligned), np.array([aligned, aligned / 2])),
    )


def measured(
    source: str,
    values: Sequence[float],
    *,
    task: str = "add",
    matched: float = 10.0,
    logit: float = 10.0,
    aligned: float = 0.2,
    spread: tuple[float, float] | None = None,
    flat: str | None = None,
    with_blocks: bool = True,
) -> CouplingSeries:
    """A series with one value at t = 1000, 2000, …, each with a full window."""
    points = tuple(
        with_evidence(point(1000 * (place + 1), value, flat=flat), matched, logit, aligned)
        for place, value in enumerate(values)
    )
    if spread is not None:
        wide = {value: interval(min(value * 0.9, spread[0]), max(value * 1.1, spread[1])) for value in values}
        points = tuple(
            replace(one, spread=Spread(spread, *spread), interval=wide[value])
            for one, value in zip(points, values, strict=True)
        )
    steps = [one.t for one in points]
    at_peak = max(range(len(values)), key=lambda place: values[place])
    blocks = (BlockCoupling(steps[-1], np.array([[3.0, 1.0]] * 3), 128),) if with_blocks else ()
    peak, final = ValueAtStep(steps[at_peak], values[at_peak]), ValueAtStep(steps[-1], values[-1])
    return CouplingSeries(source, task, 20, 3, "directions", points, peak, final, blocks)


def compared(run: RunAnalysis, *series: CouplingSeries) -> RunAnalysis:
    """The run with these series, or its own, and with their contrasts."""
    coupling = series or run.coupling
    by_task: dict[str, list[CouplingSeries]] = {}
    for each in coupling:
        by_task.setdefault(each.task, []).append(each)
    return replace(
        run,
        coupling=tuple(coupling),
        contrasts=tuple(contrast for of_task in by_task.values() for contrast in contrasts(of_task)),
    )


FLOORS = RandomAlignment("add", ((1000, np.array([0.05, 0.05])), (2000, np.array([0.05, 0.05]))))

HOSTILE = "<script>alert(1)</script> `x` **b** [l](http://evil) | $\\frac{$ @you \"q' &amp; {{ 7*7 }} =1+1"
"""A name as somebody could give it to a run or a task; printable, as names are when a report meets them."""


def hostile(run: RunAnalysis) -> RunAnalysis:
    """The run with that name in every place for names."""
    task = HOSTILE

    def of(source: str) -> str:
        return source.removesuffix("/add") + f"/{task}" if source.endswith("/add") else source

    return replace(
        run,
        name=f"={HOSTILE}",
        path=f"runs/{HOSTILE}",
        tasks=(task,),
        metrics=tuple(replace(one, task=task) for one in run.metrics),
        rank90=tuple(replace(one, task=task) for one in run.rank90),
        spectra=tuple(replace(one, source=of(one.source)) for one in run.spectra),
        coupling=tuple(replace(one, task=task, source=of(one.source)) for one in run.coupling),
        random_alignment=tuple(replace(one, task=task) for one in run.random_alignment),
        stages=tuple(replace(one, task=task) for one in run.stages),
        contrasts=tuple(replace(one, task=task, source=of(one.source), other=of(one.other)) for one in run.contrasts),
        angles=tuple(replace(one, first=of(one.first), second=of(one.second)) for one in run.angles),
        notes=(HOSTILE,),
        damage=(HOSTILE,),
        blocks=tuple(f"{HOSTILE}.{place}" for place in range(len(run.blocks))),
    )
