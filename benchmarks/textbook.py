"""R̄_k as one would write it from the paper's formulas: the program that the analysis is timed against.

One `numpy.linalg.svd` for each window, central differences one direction at a time, twenty fresh random directions for
each source and checkpoint. It reads rows and weights through `sedscope.runs`, so that both sides read the same way, and
shares nothing else with the analysis. The model is the example's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sedscope.runs import Run

N_RANDOM = 20
EPSILON = 0.005


def rbar(run: Run, model: nn.Module, source: str, task: str, t: int, window: int, rank: int, probes: int) -> float:
    """Compute R̄_k of the window of `window` rows that ends at t.

    Args:
        run: A recording of the example.
        model: The example's model; its weights are overwritten.
        source: The source of the rows.
        task: The task of the centroids.
        t: A step with weights.
        window: W.
        rank: K.
        probes: N.
    """
    steps = run.steps(source)
    window_steps = steps[steps <= t][-window:]
    _, _, directions = np.linalg.svd(run.rows(source, window_steps), full_matrices=False)
    generator = np.random.default_rng([t, *f"{source} {task}".encode()])  # others for each, the same every time
    drawn = generator.standard_normal((N_RANDOM, directions.shape[1])).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in run.weights(t).items()})
    inputs = _inputs(run, task, probes)
    named = dict(model.named_parameters())
    selected = [named[parameter.name] for parameter in run.manifest.selected]
    signal = [_coupling(model, selected, torch.from_numpy(v), inputs, task) for v in directions[:rank]]
    noise = [_coupling(model, selected, torch.from_numpy(v), inputs, task) for v in drawn]
    return float(np.mean(signal) / np.median(noise))


def spectrum(rows: np.ndarray) -> np.ndarray:
    """Compute the singular values of one window's rows [W, P]."""
    return np.asarray(np.linalg.svd(rows, full_matrices=False)[1])


def _inputs(run: Run, task: str, probes: int) -> tuple[Tensor, Tensor, Tensor]:
    probe: Any = run.probe(task)
    chosen = probe.probe_order[:probes]
    a, b = (torch.from_numpy(np.ascontiguousarray(values[chosen])) for values in probe.inputs)
    return a, b, torch.from_numpy(np.ascontiguousarray(probe.targets[chosen]))


def _coupling(
    model: nn.Module,
    selected: Sequence[nn.Parameter],
    direction: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor],
    task: str,
) -> float:
    """Compute (1/N) Σ_x ‖(μ_x(θ + εv) − μ_x(θ − εv)) / 2ε‖²."""
    step = EPSILON * float(torch.sqrt(torch.stack([parameter.detach().square().sum() for parameter in selected]).sum()))
    _move(selected, direction, step)
    after = _centroids(model, inputs, task)
    _move(selected, direction, -2 * step)
    before = _centroids(model, inputs, task)
    _move(selected, direction, step)
    return float(((after - before) / (2 * step)).square().sum(dim=1).mean())


def _move(selected: Sequence[nn.Parameter], direction: Tensor, step: float) -> None:
    offset = 0
    with torch.no_grad():
        for parameter in selected:
            parameter.add_(step * direction[offset : offset + parameter.numel()].view_as(parameter))
            offset += parameter.numel()


def _centroids(model: nn.Module, inputs: tuple[Tensor, Tensor, Tensor], task: str) -> Tensor:
    """Compute μ_x = ∂(target logit)/∂(embedding), [N, D]."""
    a, b, targets = inputs
    points: list[Tensor] = []

    def watch(module: nn.Module, given: Any, embedded: Tensor) -> Tensor:
        points.append(embedded.detach().requires_grad_())
        return points[-1]

    handle = model.get_submodule("tok_emb").register_forward_hook(watch)
    try:
        score = model(a, b)[task].gather(1, targets[:, None]).sum()
    finally:
        handle.remove()
    return torch.autograd.grad(score, points[-1])[0].flatten(1)
