"""Which examples of a task's pool a fixed batch holds.

Decides what a further batch is: the next examples of the batch drawing, disjoint from the batches before. A part of the
pool keeps the drawing's order.
"""

from __future__ import annotations

import numpy as np

from sedscope.analysis.arrays import Ints
from sedscope.analysis.settings import Part
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe


def fixed_batch(probe: Probe, size: int, index: int = 0, part: Part = "all") -> Ints | Undefined:
    """Positions in the pool of one fixed batch.

    Args:
        probe: Of the task.
        size: Examples of a batch. The first batch holds fewer where the part does; a further one must be as large.
        index: Which batch, from 0.
        part: Which examples are drawn from.

    Returns:
        `[size]`; undefined where the probe does not say which examples are trained on, or holds too few.
    """
    order = _part_of(probe, part)
    if isinstance(order, Undefined):
        return order
    whose = f"task {probe.task}: the {part} part of" if part != "all" else f"task {probe.task}:"
    if len(order) == 0:
        return Undefined(f"{whose} the batch drawing holds no example")
    if index and (index + 1) * size > len(order):
        return Undefined(f"{whose} the batch drawing holds {len(order)} examples, fewer than {index + 1} × {size}")
    return order[index * size : (index + 1) * size]


def _part_of(probe: Probe, part: Part) -> Ints | Undefined:
    if part == "all":
        return probe.batch_order
    if probe.train is None:
        return Undefined(
            f"task {probe.task}: the probe does not say which examples are trained on;"
            " add train=… to sedscope.probe in the script"
        )
    wanted = probe.train if part == "train" else ~probe.train
    return np.asarray(probe.batch_order[wanted[probe.batch_order]])
