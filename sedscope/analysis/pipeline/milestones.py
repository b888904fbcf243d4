"""Milestones of the tasks of a run: which of its metrics are a task's test and train accuracy.

Decides the names: `test_acc/<task>` and `train_acc/<task>`; in a run of one task the bare names serve as well.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recorders.format import METRIC_PREFIX
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.pipeline.results import TaskMetrics
from sedscope.analysis.statistics.grokking import grokking
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run

TEST_ACCURACY = "test_acc"
TRAIN_ACCURACY = "train_acc"


def milestones(run: Run, task: str) -> TaskMetrics:
    """Return when a task was memorised and grokked; without its accuracy, the line of code that would log it."""
    test, train = accuracy(run, TEST_ACCURACY, task), accuracy(run, TRAIN_ACCURACY, task)
    steps = grokking(test, train, task=task)
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


def _never_logged(what: str, task: str) -> Undefined:
    return Undefined(f'{what} of {task} was never logged: add sedscope.log({{"{what}/{task}": value}}) to the script')
