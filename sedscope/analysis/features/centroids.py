"""Centroids: μ_x(θ) = ∂s_x/∂δ at δ = 0, flattened to D numbers (Walker et al. 2026, arXiv 2604.11962).

Leaves to others: the score (`scores`) and what the centroids are compared with (`centroid_spectrum`, `centroid_jvp`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recorders.program import refusing
from sedscope.analysis.arrays import Rows
from sedscope.analysis.features.probed_model import ProbedModel


def centroids(model: ProbedModel, *, chunk: int | None = None) -> Rows:
    """Compute μ_x of every probe `[N, D]`; zero where the score does not depend on the feature.

    Args:
        model: Checkpoint, score and probes.
        chunk: Probes differentiated at once; None takes all.

    Returns:
        In the model's dtype, where numpy has it with enough digits, else in float32.
    """
    dtype = model.dtype if model.dtype in (torch.float32, torch.float64) else torch.float32
    chunks = [centroid_chunk(model, probes).to("cpu", dtype).numpy() for probes in model.chunks(chunk)]
    return np.concatenate(chunks)


def centroid_chunk(model: ProbedModel, probes: slice) -> Tensor:
    """Compute μ_x of some probes `[n, D]`, on the model's device."""
    examples = model.at(probes)
    delta = model.zero_delta(len(examples[0])).requires_grad_()
    # The score of one probe does not see the others, so the derivative of the sum holds every centroid.
    with torch.enable_grad():
        total = model.scores(model.state, examples, delta).sum()
    if not total.requires_grad:
        return delta.detach().flatten(1)
    with refusing():
        (gradient,) = torch.autograd.grad(total, delta, allow_unused=True)
    # Without influence the centroid is zero, and δ is a zero of the right shape.
    return (delta.detach() if gradient is None else gradient).flatten(1)


def output_chunk(model: ProbedModel, probes: slice) -> Tensor | None:
    """Compute the output of some probes `[n, L]`; None where the model does not give it."""
    if model.scores_and_output is None:
        return None
    examples = model.at(probes)
    with torch.no_grad():
        return model.scores_and_output(model.state, examples, model.zero_delta(len(examples[0])))[1]
