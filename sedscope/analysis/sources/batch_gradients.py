"""Gradients at a fixed batch of examples: the fixed gradient, and controls that know less than it does.

| family | vector |
|---|---|
| `fixed_gradient` | gradient of the mean loss over the batch |
| `pool_gradient` | the same over the whole pool |
| `control/shuffled` | the fixed gradient with the labels of the batch permuted |
| `control/cotangent` | ∇ Σ_x ⟨ξ_x, ℓ_x⟩, ξ Gaussian, ℓ_x the model's whole output |
| `control/per_example` | ∇ Σ_x w_x·loss_x, w Gaussian: a random combination of per-example gradients |

Each is divided by the number of targets, as a mean loss is. A draw (permutation, ξ, w) is settled once and kept over
the whole run, as a batch is, so that a window holds what moving weights make of one control.
Leaves to others: the model, which examples a batch holds (`batches`), and how often each control is drawn (`variants`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from recorders.errors import RefusedError, UsageError
from recorders.losses import TaskLoss
from recorders.program import refusing
from recorders.row_sources import (
    CONTROL_COTANGENT,
    CONTROL_PER_EXAMPLE,
    CONTROL_SHUFFLED,
    FIXED_GRADIENT,
    POOL_GRADIENT,
)
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.features.checkpoint_models import CheckpointModels, TaskExamples
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batches import gradient_examples
from sedscope.analysis.sources.variants import GradientKind
from sedscope.analysis.undefined import Undefined


def checkpoint_gradients(
    models: CheckpointModels, settings: Settings, t: int, task: str, kinds: Sequence[GradientKind]
) -> dict[GradientKind, Floats]:
    """Compute gradients `[P]` of several kinds at one checkpoint, in eval mode and unclipped, in float64.

    One forward pass serves all kinds that share a batch.

    Raises:
        RefusedError: The pool holds no such batch, or the program cannot be run.
    """
    gradients: dict[GradientKind, Floats] = {}
    state, seed = models.weights(t), settings.draw_seed
    for examples, of_batch in batches_of(models, settings, task, kinds):
        # The whole pool is gone through in pieces of about a batch, so that memory stays what a batch takes.
        vectors = batch_gradients(examples, state, models.selected, of_batch, task, seed, at_once=settings.batch)
        gradients |= dict(zip(of_batch, vectors, strict=True))
    return gradients


def batches_of(
    models: CheckpointModels, settings: Settings, task: str, kinds: Sequence[GradientKind]
) -> Iterator[tuple[TaskExamples, list[GradientKind]]]:
    """Yield each different set of examples with the kinds that are taken on it; arguments as `checkpoint_gradients`.

    Raises:
        RefusedError: The pool holds no such batch.
    """
    positions_of: dict[GradientKind, Ints] = {}
    by_examples: dict[bytes, list[GradientKind]] = {}
    for kind in kinds:
        positions = gradient_examples(models.probe(task), kind, settings)
        if isinstance(positions, Undefined):
            raise RefusedError(positions.reason)
        positions_of[kind] = positions
        by_examples.setdefault(positions.tobytes(), []).append(kind)
    for of_batch in by_examples.values():
        yield models.examples(task, positions_of[of_batch[0]]), of_batch


def batch_gradients(
    examples: TaskExamples,
    state: Mapping[str, Tensor],
    selected: Sequence[str],
    kinds: Sequence[GradientKind],
    task: str,
    draw_seed: int = 0,
    *,
    at_once: int | None = None,
) -> list[Floats]:
    """Compute gradients of several kinds on the same examples, from one forward pass of each piece of them.

    Args:
        examples: The batch, with the task's output and loss.
        state: Every weight by name, on one device.
        selected: Names of the selected parameters in flattening order.
        kinds: Kinds of gradient; the index of a fixed gradient is not looked at, for the batch is given.
        task: Full name of the task; settles the draws, together with family, index and seed.
        draw_seed: Of the settings.
        at_once: Examples that are differentiated at once, up to twice as many; None for all. Draws are for all at once.

    Returns:
        float64 `[P]` of each kind, computed in the dtype of the state.

    Raises:
        UsageError: An unknown loss or family, or no target that counts.
    """
    n_targets = examples.loss.count(examples.targets)
    total: list[Floats] = []
    for piece in examples.split(at_once):

        def sums(weights: Mapping[str, Tensor], piece: TaskExamples = piece) -> list[Tensor]:
            output = piece.outputs(weights, piece.inputs)
            return [_sum(kind, output, piece, task, draw_seed) for kind in kinds]

        gradients = gradients_of_sums(sums, state, selected)
        total = [a + b for a, b in zip(total, gradients, strict=True)] if total else gradients
    return [gradient / n_targets for gradient in total]


def loss_gradient_norms(examples: TaskExamples, state: Mapping[str, Tensor], *, at_once: int | None = None) -> Floats:
    """Compute ‖∂loss_x/∂ℓ_x‖ of every example, ℓ_x the model's output for it.

    An example's share of a batch's gradient begins with it; the derivative of ℓ_x by the parameters would cost a
    backward pass for each example.

    Args:
        examples: With the task's output and loss.
        state: Every weight by name, on one device.
        at_once: As for `batch_gradients`.

    Returns:
        float64 `[M]`.
    """
    norms: list[Floats] = []
    for piece in examples.split(at_once):
        with torch.no_grad(), refusing("its loss"):
            output = piece.outputs(state, piece.inputs)
        output.requires_grad_()
        with torch.enable_grad(), refusing("its loss"):
            total = piece.loss.of_examples(output, piece.targets).sum()
        (gradient,) = torch.autograd.grad(total, output)
        norms.append(gradient.reshape(len(piece.targets), -1).double().norm(dim=1).cpu().numpy())
    return np.concatenate(norms)


def _sum(kind: GradientKind, output: Tensor, examples: TaskExamples, task: str, draw_seed: int) -> Tensor:
    """Return the scalar whose gradient the kind is."""
    if kind.family not in SUMS:
        raise UsageError(f"source: must be one of {', '.join(SUMS)}; found {kind.family}")
    return SUMS[kind.family](output, examples.targets, examples.loss, _draw_generator(kind, task, draw_seed))


def _loss(output: Tensor, targets: Tensor, loss: TaskLoss, _: np.random.Generator) -> Tensor:
    return loss.of_examples(output, targets).sum()


def _shuffled_loss(output: Tensor, targets: Tensor, loss: TaskLoss, generator: np.random.Generator) -> Tensor:
    permutation = torch.from_numpy(generator.permutation(len(targets))).to(targets.device)
    return loss.of_examples(output, targets[permutation]).sum()


def _weighted_output(output: Tensor, _: Tensor, __: TaskLoss, generator: np.random.Generator) -> Tensor:
    return (_gaussian(generator, tuple(output.shape), output) * output).sum()


def _weighted_losses(output: Tensor, targets: Tensor, loss: TaskLoss, generator: np.random.Generator) -> Tensor:
    losses = loss.of_examples(output, targets)
    return (_gaussian(generator, tuple(losses.shape), losses) * losses).sum()


SUMS: Mapping[str, Callable[[Tensor, Tensor, TaskLoss, np.random.Generator], Tensor]] = {
    FIXED_GRADIENT: _loss,
    POOL_GRADIENT: _loss,
    CONTROL_SHUFFLED: _shuffled_loss,
    CONTROL_COTANGENT: _weighted_output,
    CONTROL_PER_EXAMPLE: _weighted_losses,
}
"""(output, targets, loss, random numbers of the draw) → the scalar to differentiate, by family of source."""


def _draw_generator(kind: GradientKind, task: str, draw_seed: int) -> np.random.Generator:
    """Return the random numbers of one draw: a function of family, task, draw and seed alone."""
    seed = [zlib.crc32(kind.family.encode()), zlib.crc32(task.encode()), kind.index]
    return np.random.default_rng([*seed, draw_seed] if draw_seed else seed)


def _gaussian(generator: np.random.Generator, shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.from_numpy(generator.standard_normal(shape)).to(like.device, like.dtype)


def gradients_of_sums(
    sums: Callable[[Mapping[str, Tensor]], Sequence[Tensor]], state: Mapping[str, Tensor], selected: Sequence[str]
) -> list[Floats]:
    """Compute ∂ Σ_x f_x / ∂θ_selected `[P]` of several sums that share one forward pass: one backward pass for each.

    Parameters without influence contribute zero. Every weight is given by name, on one device. In float64: gradients
    are added up and divided later, which float32 would round again.

    Raises:
        RefusedError: The program cannot be run or differentiated.
    """
    leaves = [state[name].detach().requires_grad_() for name in selected]
    with torch.enable_grad(), refusing("its loss"):
        totals = sums({**state, **dict(zip(selected, leaves, strict=True))})
    # The graph of the forward pass is let go with the last sum, so that it never meets the next batch's in memory.
    return [_gradient(total, leaves, keep_graph=total is not totals[-1]) for total in totals]


def _gradient(total: Tensor, leaves: Sequence[Tensor], *, keep_graph: bool) -> Floats:
    if not total.requires_grad:
        return np.zeros(sum(leaf.numel() for leaf in leaves))
    with refusing():
        blocks = torch.autograd.grad(total, leaves, retain_graph=keep_graph, allow_unused=True, materialize_grads=True)
    return np.asarray(torch.cat([block.flatten() for block in blocks]).double().cpu().numpy())
