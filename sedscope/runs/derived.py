"""Rows that follow from the stored weights: displacement and decoupled weight decay.

Decides where they exist. `displacement` at t is θ_t − θ of the recorded t before it, and is missing where those weights
were not stored or lie further back than the cadence. `adamw/decay` at t is −lr·λ·θ_t with the values of the step that
leaves θ_t.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recorders.follow.grouping import Groups
from recorders.format import LR_PREFIX, WEIGHT_DECAY_PREFIX
from sedscope.runs.files.tensors import TensorStore
from sedscope.runs.groupings import Grouping, groupings
from sedscope.runs.history import History
from sedscope.runs.manifest import Manifest
from sedscope.runs.rows import Columns, Floats, Steps
from sedscope.runs.scalars import Series
from sedscope.runs.weights import read_selected


def predecessors(manifest: Manifest, history: History) -> dict[int, int]:
    """Return the recorded t before each t that has a displacement.

    Empty unless weights are stored at every recorded t: with thinned weights the recorder stores displacements itself.
    """
    if manifest.recording.weights_every != manifest.recording.every:
        return {}
    return {
        t: before
        for before, t in pairwise(history.recorded)
        if t in history.weights and before in history.weights and t - before <= manifest.recording.every
    }


def read_displacement(
    tensors: TensorStore, manifest: Manifest, history: History, steps: Steps, columns: Columns
) -> Floats:
    """Compute displacement rows `[n, columns]`; the steps must be keys of `predecessors`."""
    before_of = predecessors(manifest, history)
    out = np.empty((len(steps), columns[1]), dtype=manifest.row_dtype)
    last: tuple[int, Floats] | None = None
    for row, t in zip(out, steps.tolist(), strict=True):
        before = before_of[t]
        old = (
            last[1]
            if last is not None and last[0] == before
            else _selected(tensors, manifest, history, before, columns)
        )
        new = _selected(tensors, manifest, history, t, columns)
        row[:] = new - old
        last = (t, new)
    return out


def decay_factors(
    manifest: Manifest, history: History, scalars: Mapping[str, Series], t: Steps
) -> tuple[Steps, NDArray[np.float64]]:
    """Return the t among the ascending `t` where every group that moved something has lr and weight decay, and −lr·λ.

    Returns:
        t `[n]` and factors `[n, groups]`; the factor of a group that decays through its gradient is 0.
    """
    entries = groupings(manifest, history)
    listed = len(manifest.optimizer.groups) if manifest.optimizer else 0
    count = max(listed, *(max(grouping.used, default=-1) + 1 for grouping in entries))
    factors, has_both = np.zeros((len(t), count)), np.ones((len(t), count), dtype=bool)
    for number in range(count):
        if _decays(manifest, number):
            rate, has_rate = _values_at(scalars, f"{LR_PREFIX}{number}", t)
            decay, has_decay = _values_at(scalars, f"{WEIGHT_DECAY_PREFIX}{number}", t)
            factors[:, number] = -rate * decay
            has_both[:, number] = has_rate & has_decay
    usable = np.ones(len(t), dtype=bool)
    for interval, grouping in _intervals(entries, t):
        usable[interval] = has_both[interval][:, grouping.used].all(axis=1)
    return t[usable], factors[usable]


def read_decay(
    tensors: TensorStore,
    manifest: Manifest,
    history: History,
    scalars: Mapping[str, Series],
    steps: Steps,
    columns: Columns,
) -> Floats:
    """Compute decay rows `[n, columns]`; the steps must be among those of `decay_factors`."""
    order = np.argsort(steps, kind="stable")
    _, factors = decay_factors(manifest, history, scalars, steps[order])
    out = np.empty((len(steps), columns[1]), dtype=manifest.row_dtype)
    for interval, grouping in _intervals(groupings(manifest, history), steps[order]):
        for index, factor in zip(order[interval].tolist(), factors[interval], strict=True):
            out[index] = _selected(tensors, manifest, history, int(steps[index]), columns)
            _scale(out[index], manifest, grouping.groups, factor, columns)
    return out


def has_decay(manifest: Manifest) -> bool:
    """Return whether some group decays by a step of its own."""
    optimizer = manifest.optimizer
    return optimizer is not None and any(optimizer.is_decoupled(group) for group in optimizer.groups)


def _scale(row: Floats, manifest: Manifest, groups: Groups, factor: NDArray[np.float64], columns: Columns) -> None:
    """Multiply each selected parameter's columns by its group's factor, by 0 where the optimizer leaves it alone."""
    first, count = columns
    for parameter, number in zip(manifest.selected, groups, strict=True):
        start = max(first, parameter.offset or 0) - first
        stop = min(first + count, (parameter.offset or 0) + parameter.size) - first
        if start < stop:
            row[start:stop] *= 0.0 if number is None else factor[number]


def _intervals(entries: Sequence[Grouping], t: Steps) -> Iterator[tuple[slice, Grouping]]:
    """Yield each grouping with the slice of the ascending t for which it holds."""
    ends = [*np.searchsorted(t, [grouping.start for grouping in entries[1:]]).tolist(), len(t)]
    for start, stop, grouping in zip([0, *ends], ends, entries, strict=False):
        yield slice(start, stop), grouping


def _decays(manifest: Manifest, number: int) -> bool:
    """Return whether a group decays by a step of its own; one that came later does where those of the manifest do."""
    groups = manifest.optimizer.groups if manifest.optimizer else ()
    if number >= len(groups):
        return has_decay(manifest)
    return manifest.optimizer is not None and manifest.optimizer.is_decoupled(groups[number])


def _selected(tensors: TensorStore, manifest: Manifest, history: History, t: int, columns: Columns) -> Floats:
    return read_selected(tensors, history.weights[t], manifest, columns)


def _values_at(scalars: Mapping[str, Series], name: str, t: Steps) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a scalar's values at `t`, and where it has one."""
    recorded, values = scalars.get(name, (np.empty(0, np.int64), np.empty(0)))
    if not len(recorded):
        return np.zeros(len(t)), np.zeros(len(t), dtype=bool)
    indices = np.minimum(np.searchsorted(recorded, t), len(recorded) - 1)
    return values[indices], recorded[indices] == t
