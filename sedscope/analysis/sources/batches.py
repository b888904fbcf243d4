"""Examples of a task's pool: the fixed batches that gradients are taken on, and the orders in which examples are drawn.

Decides that batches are disjoint as far as the pool goes: a further one is the next examples of the batch drawing, and
where the drawing is used up, the pool is drawn anew, so that later batches overlap with earlier ones; that a part of
the pool keeps the drawing's order; and that every kind of gradient of one number is taken on the same batch.
"""

from __future__ import annotations

from recorders.row_sources import POOL_GRADIENT
from sedscope.analysis.arrays import Ints
from sedscope.analysis.features.drawings import redraw
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import GradientKind
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Probe


def gradient_examples(probe: Probe, kind: GradientKind, settings: Settings) -> Ints | Undefined:
    """Return the positions in the pool of the examples that a gradient is taken on.

    Args:
        probe: Probe of the task.
        kind: Family and number; the batch has the same number as the draw of a control.
        settings: Examples of a batch, the part of the pool that is drawn from, and the seed of the draws.

    Returns:
        `[batch]`, or the whole pool where it holds no more or has no batch; undefined where the probe does not say
        which examples are trained on, where it holds none, and for a second batch of a pool that is one batch.
    """
    order = batch_drawing(probe, settings)
    if isinstance(order, Undefined):
        return order
    whose = _whose(probe, settings)
    if kind.family == POOL_GRADIENT:
        is_stored = probe.size == probe.pool
        return order if is_stored else Undefined(f"{whose} {probe.size} of the pool's {probe.pool} examples are stored")
    if len(order) == 0:
        return Undefined(f"{whose} the batch drawing holds no example")
    if len(order) <= settings.batch:
        is_further_batch = kind.index > 0 and not kind.is_drawn
        return Undefined(f"{whose} its {len(order)} examples are one batch") if is_further_batch else order
    n_redrawn, position = divmod(kind.index, len(order) // settings.batch)
    if n_redrawn:
        order = redraw(order, "batches", settings.draw_seed, n_redrawn)
    return order[position * settings.batch : (position + 1) * settings.batch]


def batch_drawing(probe: Probe, settings: Settings) -> Ints | Undefined:
    """Return the positions of the pool, or of a part of it, in the order of the batch drawing."""
    order = redraw(probe.batch_order, "batches", settings.draw_seed)
    if settings.part == "all":
        return order
    if probe.train is None:
        return Undefined(
            f"task {probe.task}: the probe does not say which examples are trained on;"
            " add train=… to sedscope.probe in the script"
        )
    members = probe.train if settings.part == "train" else ~probe.train
    return order[members[order]]


def overlap_note(task: str, n_examples: int, settings: Settings) -> str | None:
    """Return what must be said of a task's batches, drawn from so many examples; None where they are disjoint."""
    held = n_examples // settings.batch
    if n_examples == 0 or settings.batches == 1 or held >= settings.batches:
        return None
    if n_examples <= settings.batch:
        return f"task {task}: its {n_examples:,} examples are the only fixed batch, so no interval covers batches"
    batches, disjoint = f"disjoint fixed batch{'' if held == 1 else 'es'}", max(1, n_examples // settings.batches)
    return (
        f"task {task}: its {n_examples:,} examples hold {held} {batches} of {settings.batch:,}, so the"
        f" {settings.batches} overlap; --batch {disjoint} makes them disjoint"
    )


def _whose(probe: Probe, settings: Settings) -> str:
    return (
        f"task {probe.task}:" if settings.part == "all" else f"task {probe.task}: the {settings.part} part of the pool:"
    )
