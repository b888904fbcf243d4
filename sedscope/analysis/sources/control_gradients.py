"""Control gradients: what a gradient at fixed examples looks like that does not know the labels (design §3, §4).

| family | vector |
|---|---|
| `control/shuffled` | the fixed gradient with the labels of the batch permuted |
| `control/cotangent` | ∇ Σ_x ⟨ξ_x, ℓ_x⟩, ξ Gaussian, ℓ_x the model's whole output |
| `control/per_example` | ∇ Σ_x w_x·loss_x, w Gaussian: a random combination of per-example gradients |

Each is divided by the number of targets, as a mean loss is. A draw (permutation, ξ, w) is settled once and kept over
the whole run, as the batch of a fixed gradient is, so that a window holds what moving weights make of one control.
Leaves to others: the model, the batch, and how often each is drawn.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from recorders.errors import UsageError
from recorders.format import CONTROL_COTANGENT, CONTROL_PER_EXAMPLE, CONTROL_SHUFFLED, FIXED_GRADIENT
from sedscope.analysis.arrays import Floats
from sedscope.analysis.sources.fixed_gradients import Outputs, count_targets, example_losses, gradients_of_sums
from sedscope.analysis.sources.variants import GradientKind


def gradients(
    outputs: Outputs,
    state: Mapping[str, Tensor],
    selected: Sequence[str],
    inputs: Sequence[Tensor],
    targets: Tensor,
    *,
    kinds: Sequence[GradientKind],
    loss: str,
    task: str,
) -> list[Floats]:
    """Gradients of several kinds on one batch, from one forward pass.

    Args:
        outputs: The model's output for the task.
        state: Every weight by name, on one device.
        selected: Names of the selected parameters in flattening order.
        inputs: Of the batch `[M, …]` each.
        targets: Of the batch `[M, …]`.
        kinds: Which; the index of a fixed gradient is not looked at, for it has its batch.
        loss: A name in `LOSSES`.
        task: Settles the draws, together with family and index.

    Returns:
        float64 `[P]` of each kind.
    """
    count = count_targets(loss, targets)

    def sums(weights: Mapping[str, Tensor], _: slice) -> list[Tensor]:
        output = outputs(weights, inputs)
        return [_sum(kind, output, targets, loss, task) for kind in kinds]

    return [found / count for found in gradients_of_sums(sums, state, selected, len(targets))]


def _sum(kind: GradientKind, output: Tensor, targets: Tensor, loss: str, task: str) -> Tensor:
    """The scalar whose gradient the kind is."""
    if kind.family == FIXED_GRADIENT:
        return example_losses(loss, output, targets).sum()
    generator = draw_generator(kind, task)
    if kind.family == CONTROL_SHUFFLED:
        permutation = torch.from_numpy(generator.permutation(len(targets))).to(targets.device)
        return example_losses(loss, output, targets[permutation]).sum()
    if kind.family == CONTROL_COTANGENT:
        return (_gaussian(generator, tuple(output.shape), output) * output).sum()
    if kind.family == CONTROL_PER_EXAMPLE:
        losses = example_losses(loss, output, targets)
        return (_gaussian(generator, tuple(losses.shape), losses) * losses).sum()
    raise UsageError(f"control: must be a family of fixed gradients; found {kind.family}")


def draw_generator(kind: GradientKind, task: str) -> np.random.Generator:
    """Random numbers of one draw: a function of family, draw and task alone."""
    return np.random.default_rng([zlib.crc32(kind.family.encode()), zlib.crc32(task.encode()), kind.index])


def _gaussian(generator: np.random.Generator, shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.from_numpy(generator.standard_normal(shape)).to(like.device, like.dtype)
