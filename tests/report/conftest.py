"""Analyses made by hand, so that the faces can be compared word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_samples import FLOORS, compared, measured, metrics, ranks, series, spectrum

from sedscope.analysis.pipeline.results import (
    AngleSeries,
    CheckpointAngles,
    CheckpointCoupling,
    CouplingSeries,
    RunAnalysis,
    Stage,
    StageTable,
)
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import RunFacts


@pytest.fixture
def one_task() -> RunAnalysis:
    flat = "K = 3 exceeds the participation ratio 1.4"
    run = RunAnalysis(
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
    return compared(run)


@pytest.fixture
def four_tasks(one_task: RunAnalysis) -> RunAnalysis:
    tasks = ("add", "sub", "mul", "x2y2")
    coupling = [series(f"fixed_gradient/{task}", task, 38.0 + place, 19.0 + place) for place, task in enumerate(tasks)]
    coupling += [series("displacement", task, 2.61, 1.44) for task in tasks]
    run = replace(
        one_task,
        name="four",
        path="runs/four",
        tasks=tasks,
        metrics=tuple(metrics(task, None if task == "mul" else 2000) for task in tasks),
        rank90=tuple(ranks(task) for task in tasks),
        coupling=tuple(coupling),
    )
    return compared(run)


@pytest.fixture
def undefined_series() -> Callable[[str, str, str], CouplingSeries]:
    def make(source: str, task: str, reason: str) -> CouplingSeries:
        absent: Any = Undefined(reason)
        points = tuple(CheckpointCoupling(t, 0, False, absent, absent, absent, absent, None) for t in (0, 1000))
        return CouplingSeries(source, task, 20, 3, "directions", points, absent, absent)

    return make


@pytest.fixture
def evidence(one_task: RunAnalysis) -> RunAnalysis:
    """One task with everything that a report can show."""
    coupling = (
        measured("fixed_gradient/add", (70.0, 72.0), matched=32.0, logit=70.0),
        measured("control/shuffled/add", (71.0, 73.0), aligned=-0.2, spread=(70.0, 76.0)),
        measured("control/cotangent/add", (57.0, 58.0), aligned=0.0),
        measured("adam/adaptive", (24.0, 24.0), matched=20.0),
        measured("displacement", (8.0, 5.0), matched=8.0, logit=5.0, flat="K = 3 exceeds the participation ratio 1.4"),
    )
    absent = Undefined("the first stage has none before it")
    stages = (
        Stage("m̂", "adam/momentum", np.array([75.0]), np.array([32.0]), absent, absent, 0),
        Stage("adaptive step", "adam/adaptive", np.array([24.0]), np.array([20.0]), 0.32, 0.62, 0),
        Stage("update", "update", np.array([28.0]), np.array([10.0]), 1.17, 0.5, 1),
    )
    table = StageTable("add", 20, 3, (2000,), stages, (("+ decay", "update"),), "adam/adaptive", "update")
    angles = (
        AngleSeries(
            "fixed_gradient/add", "displacement", 0, 20, 3, (CheckpointAngles(2000, np.array([0.5, 0.1]), None),)
        ),
        AngleSeries(
            "fixed_gradient/add", "fixed_gradient/add", 1, 20, 3, (CheckpointAngles(2000, np.array([0.9, 0.7]), None),)
        ),
    )
    return replace(
        compared(one_task, *coupling),
        blocks=("layers.0.attn.q", "layers.0.attn.out_proj.weight"),
        random_alignment=(FLOORS,),
        angles=angles,
        stages=(table,),
    )


@pytest.fixture
def facts() -> RunFacts:
    steps = np.array([0, 1000, 2000])
    return RunFacts(
        seed="42",
        command="train.py --seed 42",
        git="0123abc",
        versions=(("torch", "2.13.0"),),
        device="cpu",
        selection="attention",
        optimizer="AdamW, lr 0.001",
        every=25,
        treatment="control",
        recipe="train.py",
        metrics={
            "test_acc/add": (steps, np.array([0.0, 0.4, 0.99])),
            "train_acc/add": (steps, np.array([0.1, 1.0, 1.0])),
            "broken": (steps, np.array([1.0, 2.0, np.nan])),
        },
    )
