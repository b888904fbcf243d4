"""J v: how the centroids of all probes move when the selected parameters move along v.

    (J v)_x = d/dε μ_x(θ + ε v) at ε = 0,   [N, D]

the *total* derivative: where selected parameters lie before the feature point, the activation moves too; parameters
without influence contribute zero. Two methods with one interface: `exact_products` (double backward, no ε) and
`central_products` (the paper's difference). Leaves to others: which directions, and what is summed over probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recorders.errors import UsageError
from sedscope.analysis.centroids import centroid_chunk
from sedscope.analysis.probed_model import ProbedModel, Vector

LinearMap = Callable[[Sequence[Tensor]], Tensor]
"""v, one tensor per selected parameter → J v `[n, D]` of a chunk of probes."""


@dataclass(frozen=True, slots=True)
class Product:
    """J v of one direction for one chunk of probes."""

    direction: int
    """Position among the directions."""
    probes: slice
    """Which probes."""
    values: Tensor
    """`[n, D]`, on the model's device, in its dtype."""


def exact_products(model: ProbedModel, directions: Iterable[Vector], *, chunk: int | None = None) -> Iterator[Product]:
    """J v by double backward: for each chunk of probes, every direction in turn.

    Args:
        model: Checkpoint, score and probes.
        directions: Vectors `[P]`; gone through once per chunk, so a lazy sequence is never held as a whole.
        chunk: Probes differentiated at once; None takes all. Results do not depend on it beyond rounding.
    """
    for probes in model.chunks(chunk):
        product = double_backward(model, probes)
        for index, direction in enumerate(directions):
            yield Product(index, probes, product(model.unflatten(direction)))


def double_backward(model: ProbedModel, probes: slice) -> LinearMap:
    """The linear map v → J v of a chunk: g = ∂Σ_x s_x/∂θ with its graph, then ∂⟨g, v⟩/∂δ (design §8).

    The graph is built once and kept; each direction costs one backward pass through it.
    """
    examples = model.at(probes)
    delta = model.zero_delta(len(examples[0])).requires_grad_()
    state = model.leaves()
    with torch.enable_grad():
        total = model.scores(state, examples, delta).sum()
        found: Sequence[Tensor | None] = (
            torch.autograd.grad(total, [state[name] for name in model.selected], create_graph=True, allow_unused=True)
            if total.requires_grad
            else [None] * len(model.selected)
        )
    # A parameter without influence has no gradient; one whose gradient has no graph does not meet δ.
    used = [(position, g) for position, g in enumerate(found) if g is not None and g.requires_grad]

    def product(v: Sequence[Tensor]) -> Tensor:
        if not used:
            return torch.zeros_like(delta).flatten(1)
        (moved,) = torch.autograd.grad(
            [g for _, g in used],
            delta,
            grad_outputs=[v[position] for position, _ in used],
            retain_graph=True,
            allow_unused=True,
        )
        return (torch.zeros_like(delta) if moved is None else moved).flatten(1)

    return product


def central_products(
    model: ProbedModel, directions: Iterable[Vector], *, epsilon: float = 0.005, chunk: int | None = None
) -> Iterator[Product]:
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
            after = centroid_chunk(_moved(model, v, step), probes)
            before = centroid_chunk(_moved(model, v, -step), probes)
            yield Product(index, probes, (after - before) / (2.0 * step))


def selected_norm(model: ProbedModel) -> float:
    """‖θ_selected‖ in float64."""
    return math.sqrt(sum(float(model.state[name].detach().double().square().sum()) for name in model.selected))


def _moved(model: ProbedModel, v: Sequence[Tensor], step: float) -> ProbedModel:
    """The model at θ + step·v."""
    moved = {name: model.state[name].detach() + step * part for name, part in zip(model.selected, v, strict=True)}
    return replace(model, state={**model.state, **moved})
