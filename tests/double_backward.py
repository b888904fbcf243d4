"""J v and d z/dε of a feature program by double backward: the oracle of its tangents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from recorders.program import Program
from sedscope.analysis.features.tangent.plan import TangentPlan
from sedscope.analysis.features.tangent.program import TangentProgram

Direction = dict[str, Tensor]
Total = Callable[[Tensor], Tensor]


def products_by_double_backward(
    program: Program, state: Mapping[str, Tensor], inputs: Sequence[Tensor], total: Total, directions: list[Direction]
) -> list[list[Tensor]]:
    """[J v, d z/dε] of each direction: ∂⟨∂(Σs + ⟨w, z⟩)/∂θ, v⟩ by δ and by w at w = 0."""
    delta = no_delta(program, inputs).requires_grad_()
    leaves = {name: state[name].detach().requires_grad_() for name in directions[0]}
    z = program.run({**state, **leaves}, inputs, delta)[0]
    w = torch.zeros_like(z).requires_grad_()
    sums = total(z) + (z * w).sum()
    gradients = torch.autograd.grad(sums, [*leaves.values()], create_graph=True, allow_unused=True)
    products = []
    for v in directions:
        pairs = [(g, v[name]) for g, name in zip(gradients, leaves, strict=True) if g is not None and g.requires_grad]
        derivatives: Sequence[Tensor | None] = (None, None)
        if pairs:
            graphs, along = zip(*pairs, strict=True)
            derivatives = torch.autograd.grad(graphs, [delta, w], along, retain_graph=True, allow_unused=True)
        products.append([torch.zeros_like(x) if d is None else d for d, x in zip(derivatives, (delta, w), strict=True)])
    return products


def products_by_tangents(
    program: Program, state: Mapping[str, Tensor], inputs: Sequence[Tensor], total: Total, directions: list[Direction]
) -> list[list[Tensor]]:
    """The same by one plan and one tangent program, direction after direction.

    The plan is made of other numbers: probes in another order and other weights.
    """
    delta = no_delta(program, inputs)
    others = [tensor.flip(0) for tensor in inputs]
    elsewhere = {name: 1.1 * t if t.is_floating_point() else t for name, t in state.items()}
    plan = TangentPlan(program, 0, None, [*directions[0]], elsewhere, others, delta)
    tangents = TangentProgram(plan, program, state, inputs, delta, total)
    return [[product.clone() for product in tangents.product(v)] for v in directions]


def no_delta(program: Program, inputs: Sequence[Tensor]) -> Tensor:
    return torch.zeros(len(inputs[0]), *program.feature_shape, dtype=torch.float64)


def directions_in_turn(state: Mapping[str, Tensor], selected: Sequence[str], seed: int = 0) -> list[Direction]:
    """Directions of all parameters, of one alone, and the first one again: what one leaves behind shows in the next."""
    generator = torch.Generator().manual_seed(seed)
    full = [
        {name: torch.randn(state[name].shape, generator=generator, dtype=torch.float64) for name in selected}
        for _ in range(2)
    ]
    alone = [
        {name: v if name == chosen else torch.zeros_like(v) for name, v in full[0].items()}
        for chosen in (selected[-1], selected[0])
    ]
    return [full[0], alone[0], full[1], alone[1], full[0]]


def linear_score(shape: Sequence[int], seed: int = 1) -> Total:
    """A score that is linear in the output, with other weights for every entry."""
    weights = torch.randn([*shape], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return lambda z: (weights * z).sum()


def worst_deviation(ours: list[list[Tensor]], expected: list[list[Tensor]]) -> float:
    """The largest ‖ours − expected‖, of J v and of d z/dε, relative to the largest ‖expected‖ of any direction.

    Below 0.1 it is taken absolutely: what cancels leaves roundings of numbers near 1.
    """
    worst = 0.0
    for products, oracles in zip(zip(*ours, strict=True), zip(*expected, strict=True), strict=True):
        scale = max(0.1, *(float(oracle.norm()) for oracle in oracles))
        differences = (a.flatten() - b.flatten() for a, b in zip(products, oracles, strict=True))
        worst = max(worst, *(float(difference.norm()) / scale for difference in differences))
    return worst
