"""Centroids μ_x(θ) = ∂s_x/∂δ at δ = 0 (Walker et al. 2026), and J v: how they move when the parameters move along v.

    (J v)_x = d/dε μ_x(θ + ε v) at ε = 0,   [N, D]

the *total* derivative: where selected parameters lie before the feature point, the activation moves too; parameters
without influence contribute zero. The derivative of the model's output z comes along at no cost: with a cotangent w for
z beside the score, ∂⟨g, v⟩/∂w at w = 0 is d z/dε. Two methods with one interface: `exact_jvps` (double backward, no ε)
and `central_difference_jvps` (the paper's, arXiv 2604.25143); `jvps` takes the one that the settings name. Leaves to
others: the score s_x (`checkpoint_models`), which directions, and what is summed over probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from recorders.errors import UsageError
from recorders.program import refusing
from sedscope.analysis.arrays import Rows
from sedscope.analysis.features.probed_model import ProbedModel, Vector
from sedscope.analysis.parallel import Tick
from sedscope.analysis.settings import Settings


def centroids(model: ProbedModel, *, chunk: int | None = None) -> Rows:
    """Compute μ_x of every probe, flattened to D numbers `[N, D]` (Walker et al. 2026, arXiv 2604.11962).

    Zero where the score does not depend on the feature. In the model's dtype, where numpy has it with enough digits,
    else in float32.
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


CentroidAndOutputJVP = tuple[Tensor, Tensor | None]
"""J v `[n, D]` and, where the model gives its output, d z/dε `[n, L]`."""
JVPFunction = Callable[[Sequence[Tensor]], CentroidAndOutputJVP]
"""v, one tensor per selected parameter → its Jacobian-vector products (JVPs) on a chunk of probes."""


@dataclass(frozen=True, slots=True)
class CentroidJVP:
    """J v of one direction for one chunk of probes."""

    direction: int
    """Position among the directions."""
    probes: slice
    """Positions of the probes among all N."""
    values: Tensor
    """J v `[n, D]`, on the model's device, in its dtype."""
    output: Tensor | None = None
    """d z/dε of the output `[n, L]`, where the model gives it."""


def jvps(
    model: ProbedModel, directions: Iterable[Vector], settings: Settings, chunk: int | None, tick: Tick
) -> Iterator[CentroidJVP]:
    """Compute J v by the method of the settings; a direction ticks once it has been through all probes."""
    if settings.method == "exact":
        products = exact_jvps(model, directions, chunk=chunk)
    else:
        products = central_difference_jvps(model, directions, epsilon=settings.epsilon, chunk=chunk)
    for product in products:
        yield product
        if product.probes.stop == model.n_probes:
            tick(1)


def exact_jvps(model: ProbedModel, directions: Iterable[Vector], *, chunk: int | None = None) -> Iterator[CentroidJVP]:
    """Compute J v without ε: for each chunk of probes, every direction `[P]` in turn.

    By the tangents of the feature program where the model has one that they can take, else by double backward.

    Directions are gone through once per chunk, so a lazy sequence never lies in memory as a whole. A chunk of None
    takes all probes at once; results do not depend on it beyond rounding.
    """
    for probes in model.chunks(chunk):
        jvp = tangent_jvp(model, probes) or double_backward_jvp(model, probes)
        for index, direction in enumerate(directions):
            yield CentroidJVP(index, probes, *jvp(model.unflatten(direction)))


def tangent_jvp(model: ProbedModel, probes: slice) -> JVPFunction | None:
    """Return the linear map v → J v of a chunk by the tangents of its program; None where double backward has to."""
    if model.program is None:
        return None
    examples = model.at(probes)
    jvp = model.program.tangent_jvp(model.state, model.selected, examples, model.zero_delta(len(examples[0])))
    if jvp is None or model.scores_and_output is not None:
        return jvp
    return lambda v: (jvp(v)[0], None)


def double_backward_jvp(model: ProbedModel, probes: slice) -> JVPFunction:
    """Return the linear map v → J v of a chunk: g = ∂Σ_x s_x/∂θ with its graph, then ∂⟨g, v⟩/∂δ.

    The graph is built once; each direction costs one backward pass through it. Forward mode would need no graph of a
    gradient, but took 1.5 times as long under `vmap`, and `torch.func.linearize` gave products wrong by up to 45 %.
    """
    examples = model.at(probes)
    delta = model.zero_delta(len(examples[0])).requires_grad_()
    state = model.leaves()
    with torch.enable_grad():
        total, cotangent = _total(model, state, examples, delta)
        gradient: Sequence[Tensor | None] = [None] * len(model.selected)
        if total.requires_grad:
            leaves = [state[name] for name in model.selected]
            with refusing():
                gradient = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    # A parameter without influence has no gradient; one whose gradient has no graph does not meet δ.
    influential = [(index, g) for index, g in enumerate(gradient) if g is not None and g.requires_grad]
    variables = [delta] if cotangent is None else [delta, cotangent]

    def jvp(v: Sequence[Tensor]) -> CentroidAndOutputJVP:
        # A direction within one block leaves most parameters alone: their backward passes are saved.
        moving = [(g, v[index]) for index, g in influential if v[index].any()]
        derivatives: Sequence[Tensor | None] = [None] * len(variables)
        if moving:
            graphs, along = zip(*moving, strict=True)
            with refusing():
                derivatives = torch.autograd.grad(
                    graphs, variables, grad_outputs=along, retain_graph=True, allow_unused=True
                )
        centroid, *output = (
            (torch.zeros_like(variable) if derivative is None else derivative).flatten(1)
            for variable, derivative in zip(variables, derivatives, strict=True)
        )
        return centroid, output[0] if output else None

    return jvp


def _total(
    model: ProbedModel, state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Return Σ_x s_x + ⟨w, z_x⟩ with w = 0, and w; the second term only where the model gives its output."""
    if model.scores_and_output is None:
        return model.scores(state, examples, delta).sum(), None
    scores, output = model.scores_and_output(state, examples, delta)
    cotangent = torch.zeros_like(output).requires_grad_()
    return scores.sum() + (cotangent * output).sum(), cotangent


def central_difference_jvps(
    model: ProbedModel, directions: Iterable[Vector], *, epsilon: float = 0.005, chunk: int | None = None
) -> Iterator[CentroidJVP]:
    """Compute J v by the paper's central difference (μ_x(θ + εv) − μ_x(θ − εv)) / 2ε, in the order of `exact_jvps`.

    ε is relative to ‖θ_selected‖: 0.005 is the paper's (arXiv 2604.25143).

    Raises:
        UsageError: ε is not above 0, or the selected parameters are all zero.
    """
    if not epsilon > 0.0:
        raise UsageError(f"epsilon: must be above 0; found {epsilon}")
    step = epsilon * selected_norm(model)
    if step == 0.0:
        raise UsageError("epsilon: is relative to the norm of the selected parameters, which are all zero")
    for probes in model.chunks(chunk):
        for index, direction in enumerate(directions):
            v = model.unflatten(direction)
            after, before = _displaced(model, v, step), _displaced(model, v, -step)
            values = (centroid_chunk(after, probes) - centroid_chunk(before, probes)) / (2.0 * step)
            outputs = output_chunk(after, probes), output_chunk(before, probes)
            output = None if outputs[0] is None or outputs[1] is None else (outputs[0] - outputs[1]) / (2.0 * step)
            yield CentroidJVP(index, probes, values, output)


def selected_norm(model: ProbedModel) -> float:
    """Return ‖θ_selected‖, summed in float64: P squares of float32 would lose the small ones."""
    return math.sqrt(sum(float(model.state[name].detach().double().square().sum()) for name in model.selected))


def _displaced(model: ProbedModel, v: Sequence[Tensor], step: float) -> ProbedModel:
    """Return the model at θ + step·v."""
    weights = zip(model.selected, v, strict=True)
    displaced = {name: model.state[name].detach() + step * direction for name, direction in weights}
    return replace(model, state={**model.state, **displaced})
