"""Fixed batches: the examples of a task's pool that fixed gradients are taken on.

Decides that a further batch is the next examples of the batch drawing, disjoint from the batches before, and that a
part of the pool keeps the drawing's order.
"""

from __future__ import annotations

import numpy as np

from sedscope.analysis.arrays import Ints
from sedscope.analysis.settings import Part
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe


def fixed_batch(probe: Probe, size: int, index: int = 0, pool_part: Part = "all") -> Ints | Undefined:
    """Return the positions in the pool of one fixed batch.

    Args:
        probe: Probe of the task.
        size: Examples of a batch. The first batch holds fewer where the pool does; a further one must be as large.
        index: Number of the batch, from 0.
        pool_part: Part of the pool that is drawn from: all of it, or the examples that training does or does not see.

    Returns:
        `[size]`; undefined where the probe does not say which examples are trained on, or holds too few.
    """
    order = _drawing_of(probe, pool_part)
    if isinstance(order, Undefined):
        return order
    whose = f"task {probe.task}: the {pool_part} part of" if pool_part != "all" else f"task {probe.task}:"
    if len(order) == 0:
        return Undefined(f"{whose} the batch drawing holds no example")
    if index and (index + 1) * size > len(order):
        return Undefined(f"{whose} the batch drawing holds {len(order)} examples, fewer than {index + 1} × {size}")
    return order[index * size : (index + 1) * size]


def _drawing_of(probe: Probe, pool_part: Part) -> Ints | Undefined:
    """Return the positions of a part of the pool in the order of the batch drawing."""
    if pool_part == "all":
        return probe.batch_order
    if probe.train is None:
        return Undefined(
            f"task {probe.task}: the probe does not say which examples are trained on;"
            " add train=… to sedscope.probe in the script"
        )
    members = probe.train if pool_part == "train" else ~probe.train
    return np.asarray(probe.batch_order[members[probe.batch_order]])
