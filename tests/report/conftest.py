"""Analyses made by hand, so that the faces can be compared word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sedscope.analysis.interval import Interval
from sedscope.analysis.metrics import Grokking, Reached
from sedscope.analysis.ratio import At, Ratio
from sedscope.analysis.results import (
    CouplingAt,
    CouplingSeries,
    Edge,
    EdgeAt,
    RankAt,
    RankSeries,
    RunAnalysis,
    SpectrumSeries,
    TaskMetrics,
)
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined

EARLY = Undefined("there is no row on this side of the checkpoint")
NEVER = Undefined("test accuracy of mul never reached 0.5 in 81 evaluations (highest 0.12)")


def interval(low: float, high: float) -> Interval:
    return Interval(low, high, 0.95, 32, 1024, 20, 1000, 0)


def point(t: int, rbar: float, *, full: bool = True, flat: str | None = None) -> CouplingAt:
    R = np.array([rbar + 1.0, rbar, rbar - 1.0])
    ends = interval(rbar * 0.9, rbar * 1.1)
    return CouplingAt(t, 20 if full else 5, full, R * 2.0, 2.0, Ratio(R, rbar), ends, flat)


def nothing(t: int) -> CouplingAt:
    return CouplingAt(t, 0, False, EARLY, 2.0, EARLY, EARLY, None)


def series(source: str, task: str, peak: float, final: float, *, flat: str | None = None) -> CouplingSeries:
    points = (nothing(0), point(500, peak / 2, full=False), point(1000, peak, flat=flat), point(2000, final))
    return CouplingSeries(source, task, 20, 3, "directions", points, At(1000, peak), At(2000, final))


def metrics(task: str, grok: int | None) -> TaskMetrics:
    if grok is None:
        return TaskMetrics(task, Grokking((NEVER, NEVER), Reached(200, 0.99, 25), NEVER))
    reached = Reached(grok, 0.5, 25), Reached(grok + 400, 0.98, 25)
    return TaskMetrics(task, Grokking(reached, Reached(200, 0.99, 25), grok - 200))


def ranks(task: str) -> RankSeries:
    values = [(0, 62), (500, 70), (1000, 96), (2000, 51)]
    return RankSeries(task, 1024, tuple(RankAt(t, rank, np.array([0.5, 0.25])) for t, rank in values))


def spectrum(source: str) -> SpectrumSeries:
    edge = Edge(np.array([4.0, 2.0, 1.0]), 1, 2.0, 1.62, (None,))
    return SpectrumSeries(source, 20, (EdgeAt(0, 0, False, EARLY), EdgeAt(25, 3, False, edge)))


@pytest.fixture
def one_task() -> RunAnalysis:
    flat = "K = 3 exceeds the participation ratio 1.4"
    return RunAnalysis(
        path="runs/add",
        name="add",
        state="finished",
        tasks=("add",),
        n_selected=131072,
        steps=(0, 2000),
        settings=Settings(),
        metrics=(metrics("add", 1600),),
        rank90=(ranks("add"),),
        spectra=(spectrum("update"),),
        coupling=(
            series("fixed_gradient/add", "add", 109.0, 107.6),
            series("update", "add", 28.04, 21.5, flat=flat),
            series("displacement", "add", 9.23, 5.81),
        ),
    )


@pytest.fixture
def four_tasks(one_task: RunAnalysis) -> RunAnalysis:
    tasks = ("add", "sub", "mul", "x2y2")
    coupling = [series(f"fixed_gradient/{task}", task, 38.0 + place, 19.0 + place) for place, task in enumerate(tasks)]
    coupling += [series("displacement", task, 2.61, 1.44) for task in tasks]
    return replace(
        one_task,
        name="four",
        path="runs/four",
        tasks=tasks,
        metrics=tuple(metrics(task, None if task == "mul" else 2000) for task in tasks),
        rank90=tuple(ranks(task) for task in tasks),
        coupling=tuple(coupling),
    )


@pytest.fixture
def undefined_series() -> Callable[[str, str, str], CouplingSeries]:
    def make(source: str, task: str, reason: str) -> CouplingSeries:
        absent: Any = Undefined(reason)
        points = tuple(CouplingAt(t, 0, False, absent, absent, absent, absent, None) for t in (0, 1000))
        return CouplingSeries(source, task, 20, 3, "directions", points, absent, absent)

    return make
