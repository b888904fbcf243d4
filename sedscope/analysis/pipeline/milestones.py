"""Milestones of the tasks of a run: which of its metrics are a task's test and train accuracy.

Decides the names: `test_acc/<task>`, `train_acc/<task>` and `chance/<task>`; in a run of one task the bare names serve
as well. A chance that was logged goes before the probe's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recorders.errors import DamagedError
from recorders.format import METRIC_PREFIX
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.pipeline.results import TaskMetrics
from sedscope.analysis.settings import GrokDefinition
from sedscope.analysis.statistics.grokking import grokking
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

TEST_ACCURACY = "test_acc"
TRAIN_ACCURACY = "train_acc"
CHANCE = "chance"


def milestones(run: Run, task: str, definition: GrokDefinition = "above-chance") -> TaskMetrics:
    """Return when a task was memorised and grokked; without its accuracy, the line of code that would log it.

    Raises:
        DamagedError: Its probe is damaged, and the run is not yet known to be.
    """
    test, train = accuracy(run, TEST_ACCURACY, task), accuracy(run, TRAIN_ACCURACY, task)
    steps = grokking(test, train, task=task, chance=_chance(run, task, definition))
    if len(train[0]) == 0:
        reason = _never_logged(TRAIN_ACCURACY, task)
        steps = replace(steps, memorised=reason, delay=reason)
    if len(test[0]) == 0:
        reason = _never_logged(TEST_ACCURACY, task)
        steps = replace(steps, grok=tuple(reason for _ in steps.grok), delay=reason)
    return TaskMetrics(task, steps)


def accuracy(run: Run, what: str, task: str) -> tuple[Ints, Floats]:
    """Return steps and values of a task's accuracy, empty where it was never logged."""
    logged = run.scalar_names()
    names = [f"{METRIC_PREFIX}{what}/{task}"] + ([f"{METRIC_PREFIX}{what}"] if len(run.tasks) == 1 else [])
    scalar = next((name for name in names if name in logged), None)
    return (np.empty(0, np.int64), np.empty(0)) if scalar is None else run.scalar(scalar)


def _chance(run: Run, task: str, definition: GrokDefinition) -> float | Undefined:
    """Return the accuracy of guessing, or why accuracies stand as they were logged."""
    if definition == "published":
        return Undefined(
            f"the published definition was asked for: accuracies stand as they were logged, ≥ {GROK_ACCURACIES[0]}"
        )
    logged = accuracy(run, CHANCE, task)[1]
    try:
        chance = float(logged[-1]) if len(logged) else run.chance(task)
    except DamagedError as error:
        if not run.damage:
            raise
        return Undefined(f"accuracies stand as they were logged (the published definition): {error}")
    if chance is not None and 0.0 <= chance < 1.0:
        return chance
    return Undefined(
        f"the chance of {task} is {'unknown' if chance is None else f'{chance:g}'}, so accuracies stand as they were"
        f' logged (the published definition): add sedscope.log({{"{CHANCE}/{task}": 1 / classes}}) to the script'
    )


def _never_logged(what: str, task: str) -> Undefined:
    return Undefined(f'{what} of {task} was never logged: add sedscope.log({{"{what}/{task}": value}}) to the script')
