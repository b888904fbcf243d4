"""The curves of a run's scalars: which scalar belongs to which chart, and what it is called there.

Decides the four charts of the Overview. Works on arrays; knows no widgets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recorders.format import GRAD_NORM, GRAD_NORM_UNCLIPPED, LOSS_PREFIX, LR_PREFIX, METRIC_PREFIX
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot.data import Axis, Chart, Series
from sedscope.tui.tabs.reference_lines import bare, moments

_ACCURACY = "acc"
_READABLE = 6
"""Curves that one plot shows legibly."""


def accuracy(data: RunData) -> Chart:
    """Return a chart of test and train accuracy, task by task, test before train."""
    names = sorted((name for name in _metrics(data) if _is_accuracy(name)), key=lambda name: _by_task(data, name))
    series = [_series(data, METRIC_PREFIX + name, spoken(name)) for name in names]
    low, high = (0.0, 1.0) if all(_within_one(curve) for curve in series) else (None, None)
    return Chart(tuple(series), Axis("t"), Axis("share", low=low, high=high), "Accuracy", moments=moments(data))


def losses(data: RunData) -> Chart:
    """Return a chart of every step's training losses, and of metrics called losses where there are not too many."""
    trained = [_series(data, name, name.removeprefix(LOSS_PREFIX)) for name in data.scalars if _is_loss(name)]
    logged = [_series(data, METRIC_PREFIX + name, spoken(name)) for name in _metrics(data) if "loss" in name.casefold()]
    series = (*trained, *logged) if len(trained) + len(logged) <= _READABLE or not trained else tuple(trained)
    return Chart(series, Axis("t"), Axis(scale="log"), "Loss", moments=bare(moments(data)))


def gradient_norms(data: RunData) -> Chart:
    """Return a chart of the gradient norm that the optimizer received, before and after clipping."""
    names = {GRAD_NORM: "received", GRAD_NORM_UNCLIPPED: "before clipping"}
    series = [_series(data, name, label) for name, label in names.items() if name in data.scalars]
    return Chart(tuple(series), Axis("t"), Axis(scale="log"), "Gradient norm", moments=bare(moments(data)))


def rates(data: RunData) -> Chart:
    """Return a chart of each parameter group's learning rate, and of every metric that has no chart of its own."""
    groups = [name for name in data.scalars if name.startswith(LR_PREFIX)]
    lr = [_series(data, n, "lr" if len(groups) == 1 else f"lr, group {n.removeprefix(LR_PREFIX)}") for n in groups]
    rest = [name for name in _metrics(data) if not _is_accuracy(name) and "loss" not in name.casefold()]
    other = [_series(data, METRIC_PREFIX + name, spoken(name)) for name in rest]
    return Chart((*lr, *other), Axis("t"), Axis(scale="log"), "Learning rate" + (", metrics" if other else ""))


def spoken(metric: str) -> str:
    """Return `test add` for `test_acc/add`; any other name as it is."""
    head, slash, task = metric.partition("/")
    kind = next(
        (kind for kind in ("test", "train", "val") if head.casefold() in (f"{kind}_acc", f"{kind}_accuracy")), ""
    )
    return f"{kind} {task}".strip() if kind and (slash or not task) else metric


def _metrics(data: RunData) -> Iterator[str]:
    return (name.removeprefix(METRIC_PREFIX) for name in data.scalars if name.startswith(METRIC_PREFIX))


def _is_accuracy(name: str) -> bool:
    return _ACCURACY in name.casefold() and "loss" not in name.casefold()


def _is_loss(name: str) -> bool:
    return name.startswith(LOSS_PREFIX)


def _by_task(data: RunData, name: str) -> tuple[int, bool, str]:
    task = name.partition("/")[2]
    return (data.tasks.index(task) if task in data.tasks else len(data.tasks)), "train" in name.casefold(), name


def _series(data: RunData, name: str, label: str) -> Series:
    t, value = data.scalars[name]
    return Series(label, t.astype(np.float64), value)


def _within_one(series: Series) -> bool:
    return not series.y.size or bool(((series.y >= 0) & (series.y <= 1) | (series.y != series.y)).all())
