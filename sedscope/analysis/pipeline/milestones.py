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
    """When a task was memorised and grokked; undefined, with the line that would log it, without its accuracy."""
    test, train = accuracy(run, TEST_ACCURACY, task), accuracy(run, TRAIN_ACCURACY, task)
    found = grokking(test, train, task=task)
    if len(train[0]) == 0:
        absent = _never_logged(TRAIN_ACCURACY, task)
        found = replace(found, memorised=absent, delay=absent)
    if len(test[0]) == 0:
        absent = _never_logged(TEST_ACCURACY, task)
        found = replace(found, grok=tuple(absent for _ in found.grok), delay=absent)
    return TaskMetrics(task, found)


def accuracy(run: Run, what: str, task: str) -> tuple[Ints, Floats]:
    """Steps and values of a task's accuracy, empty where it was never logged."""
    known = run.scalar_names()
    names = [f"{METRIC_PREFIX}{what}/{task}"] + ([f"{METRIC_PREFIX}{what}"] if len(run.tasks) == 1 else [])
    found = next((name for name in names if name in known), None)
    return (np.empty(0, np.int64), np.empty(0)) if found is None else run.scalar(found)


def _never_logged(what: str, task: str) -> Undefined:
    return Undefined(f'{what} of {task} was never logged: add sedscope.log({{"{what}/{task}": value}}) to the script')
