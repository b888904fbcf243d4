"""J v: how the centroids of all probes move when the selected parameters move along v.

    (J v)_x = d/dε μ_x(θ + ε v) at ε = 0,   [N, D]

the *total* derivative: where selected parameters lie before the feature point, the activation moves too; parameters
without influence contribute zero. The derivative of the model's output z comes along at no cost: with a cotangent w for
z beside the score, ∂⟨g, v⟩/∂w at w = 0 is d z/dε. Two methods with one interface: `exact_products` (double backward,
no ε) and `central_products` (the paper's difference). Leaves to others: which directions, and what is summed over
probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recorders.errors import UsageError
from recorders.program import refusing
from sedscope.analysis.features.centroids import centroid_chunk, output_chunk
from sedscope.analysis.features.probed_model import ProbedModel, Vector

CentroidAndOutputJVP = tuple[Tensor, Tensor | None]
"""J v `[n, D]` and, where the model gives its output, d z/dε `[n, L]`."""
JVPFunction = Callable[[Sequence[Tensor]], CentroidAndOutputJVP]
"""v, one tensor per selected parameter → what moves, of a chunk of probes."""


@dataclass(frozen=True, slots=True)
class CentroidJVP:
    """J v of one direction for one chunk of probes."""

    direction: int
    """Position among the directions."""
    probes: slice
    """Which probes."""
    values: Tensor
    """`[n, D]`, on the model's device, in its dtype."""
    output: Tensor | None = None
    """d z/dε of the output `[n, L]`, where the model gives it."""


def exact_jvps(model: ProbedModel, directions: Iterable[Vector], *, chunk: int | None = None) -> Iterator[CentroidJVP]:
    """J v by double backward: for each chunk of probes, every direction in turn.

    Args:
        model: Checkpoint, score and probes.
        directions: Vectors `[P]`; gone through once per chunk, so a lazy sequence is never held as a whole.
        chunk: Probes differentiated at once; None takes all. Results do not depend on it beyond rounding.
    """
    for probes in model.chunks(chunk):
        product = double_backward_jvp(model, probes)
        for index, direction in enumerate(directions):
            yield CentroidJVP(index, probes, *product(model.unflatten(direction)))


def double_backward_jvp(model: ProbedModel, probes: slice) -> JVPFunction:
    """The linear map v → J v of a chunk: g = ∂Σ_x s_x/∂θ with its graph, then ∂⟨g, v⟩/∂δ (design §8).

    The graph is built once and kept; each direction costs one backward pass through it.
    """
    examples = model.at(probes)
    delta = model.zero_delta(len(examples[0])).requires_grad_()
    state = model.leaves()
    with torch.enable_grad():
        total, cotangent = _total(model, state, examples, delta)
        found: Sequence[Tensor | None] = [None] * len(model.selected)
        if total.requires_grad:
            leaves = [state[name] for name in model.selected]
            with refusing():
                found = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    # A parameter without influence has no gradient; one whose gradient has no graph does not meet δ.
    used = [(position, g) for position, g in enumerate(found) if g is not None and g.requires_grad]
    sought = [delta] if cotangent is None else [delta, cotangent]

    def product(v: Sequence[Tensor]) -> CentroidAndOutputJVP:
        met = [(g, v[position]) for position, g in used if v[position].any()]
        moved: Sequence[Tensor | None] = [None] * len(sought)
        if met:
            graphs, along = zip(*met, strict=True)
            with refusing():
                moved = torch.autograd.grad(graphs, sought, grad_outputs=along, retain_graph=True, allow_unused=True)
        whole = [torch.zeros_like(x) if one is None else one for x, one in zip(sought, moved, strict=True)]
        return whole[0].flatten(1), None if cotangent is None else whole[1].flatten(1)

    return product


def _total(
    model: ProbedModel, state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Σ_x s_x + ⟨w, z_x⟩ with w = 0, and w; the second part only where the model gives its output."""
    if model.scores_and_output is None:
        return model.scores(state, examples, delta).sum(), None
    scores, output = model.scores_and_output(state, examples, delta)
    cotangent = torch.zeros_like(output).requires_grad_()
    return scores.sum() + (cotangent * output).sum(), cotangent


def central_difference_jvps(
    model: ProbedModel, directions: Iterable[Vector], *, epsilon: float = 0.005, chunk: int | None = None
) -> Iterator[CentroidJVP]:
    """J v by the paper's central difference (μ_x(θ + εv) − μ_x(θ − εv)) / 2ε.

    Args:
        model: Checkpoint, score and probes.
        directions: Vectors `[P]`.
        epsilon: Step relative to ‖θ_selected‖: 0.005 is the paper's.
        chunk: Probes differentiated at once; None takes all.

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
            after, before = _moved(model, v, step), _moved(model, v, -step)
            values = (centroid_chunk(after, probes) - centroid_chunk(before, probes)) / (2.0 * step)
            outputs = output_chunk(after, probes), output_chunk(before, probes)
            moved = None if outputs[0] is None or outputs[1] is None else (outputs[0] - outputs[1]) / (2.0 * step)
            yield CentroidJVP(index, probes, values, moved)


def selected_norm(model: ProbedModel) -> float:
    """‖θ_selected‖ in float64."""
    return math.sqrt(sum(float(model.state[name].detach().double().square().sum()) for name in model.selected))


def _moved(model: ProbedModel, v: Sequence[Tensor], step: float) -> ProbedModel:
    """The model at θ + step·v."""
    moved = {name: model.state[name].detach() + step * part for name, part in zip(model.selected, v, strict=True)}
    return replace(model, state={**model.state, **moved})
