"""Rules of a tangent program: for one operation y = f(a, b, …), how its tangent and its adjoint's tangent follow.

With ẋ the derivative of a value along v, x̄ = ∂Σs/∂x its adjoint and x̄̇ the adjoint's derivative along v:

    ẏ = Σ_i ∂_i f · ẋ_i                                     forward, in the order of the program
    x̄̇_i = ∂_i f^T · ȳ̇ + Σ_j ∂_j(∂_i f^T ȳ) · ẋ_j            backward, in the opposite order

A rule is made once per checkpoint and block of probes from values and adjoints; whatever it keeps serves every
direction. Rules never change a tensor that they were given. `Local` does it for any operation by that operation's own
double backward, so that none is without a rule. Which operation has which rule is decided in `matching`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sedscope.analysis.features.tangent.buffers import BufferView, Sum

Run = Callable[[Sequence[Tensor]], Tensor]
"""The operation on tensors in the place of its arguments, in the order of a rule's operands."""


class Operand:
    """An argument of an operation as its rule sees it: how it moves, and where its adjoint's tangent goes."""

    def __init__(self, window: BufferView | None, tangents: Tensor | None, adjoint_tangents: Tensor | None) -> None:
        """Look through the window at the flat tangents of its buffer; None where there are none."""
        self._window = window
        self._tangents = tangents
        self._adjoint_tangents = adjoint_tangents
        self.is_parametric = tangents is not None
        """It has a tangent for some directions."""
        self.is_displaced = adjoint_tangents is not None
        """Its adjoint is on the way to μ."""
        self.moves = False
        """It has a tangent for the present direction."""
        self.receives = False
        """Its adjoint has a tangent for the present direction, with a term from this operation."""
        self.is_fresh = False
        """That term is the first."""
        self._view = window.read(tangents) if window and window.strides is not None and tangents is not None else None
        self.sum: Sum | None = None
        if window and adjoint_tangents is not None and window.is_direct:
            self.sum = Sum(window.read(adjoint_tangents))

    @property
    def tangent(self) -> Tensor:
        """The derivative along the present direction."""
        if self._view is not None:
            return self._view
        assert self._window is not None and self._tangents is not None
        return self._window.read(self._tangents)

    @property
    def adjoint_tangent(self) -> Sum:
        """The sum that the rule adds its terms to."""
        assert self.sum is not None
        return self.sum

    def open(self) -> None:
        """Begin the terms of this operation."""
        assert self._window is not None and self._adjoint_tangents is not None
        if self._window.is_direct:
            self.adjoint_tangent.fresh = self.is_fresh
        else:
            self.sum = Sum(self._adjoint_tangents.new_empty(self._window.shape))

    def close(self) -> None:
        """End the terms of this operation."""
        assert self._window is not None and self._adjoint_tangents is not None
        total = self.adjoint_tangent
        total.close()
        if not self._window.is_direct:
            self._window.write(self._adjoint_tangents, total.tensor, fresh=self.is_fresh)
            self.sum = None


class Result:
    """The result of an operation as its rule sees it."""

    def __init__(self, tangent: Tensor | None, adjoint_tangent: Tensor | None) -> None:
        self._tangent = None if tangent is None else Sum(tangent)
        self._adjoint_tangent = adjoint_tangent
        self.is_displaced = adjoint_tangent is not None
        self.is_stirred = False
        """Its adjoint has a tangent for the present direction."""

    @property
    def tangent(self) -> Sum:
        """The sum that the rule adds its terms to."""
        assert self._tangent is not None
        return self._tangent

    @property
    def adjoint_tangent(self) -> Tensor:
        """The tangent of the result's adjoint."""
        assert self._adjoint_tangent is not None
        return self._adjoint_tangent


@dataclass(frozen=True, eq=False)
class Call:
    """One operation at one checkpoint, for a block of probes."""

    run: Run
    operands: Sequence[Operand]
    values: Sequence[Tensor]
    """Values of the operands, in the shape in which the rule takes them."""
    result: Result
    value: Tensor
    """y"""
    adjoint: Tensor
    """ȳ"""
    options: Mapping[str, Any]
    rows: Tensor | None
    """Which rows of the result are made; None: all."""


class TangentRule(ABC):
    """The tangents of one operation."""

    def __init__(self, call: Call) -> None:
        """Compute and keep what no direction changes."""
        self.operands = call.operands
        self.result = call.result

    @abstractmethod
    def forward(self) -> None:
        """Add the terms of ẏ; called where any operand moves."""

    @abstractmethod
    def backward(self) -> None:
        """Add the terms of x̄̇ to every operand that receives them."""

    def bends(self, operand: int) -> bool:
        """Return whether the operand's adjoint moves for the present direction even where ȳ does not."""
        return any(other.moves for index, other in enumerate(self.operands) if index != operand)


class Linear(TangentRule):
    """y = x M + b, x `[rows, in]`, M `[in, out]`, which does not depend on δ."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._x, self._matrix = call.values[:2]
        self._adjoint = call.adjoint
        self._inputs = self._x
        self._repeats: Tensor | None = None
        if self.operands[1].is_parametric and not self.operands[0].is_parametric:
            self._inputs, self._repeats = _distinct_rows(self._x)

    def forward(self) -> None:
        x, matrix, *bias = self.operands
        total = self.result.tangent
        if matrix.moves and self._repeats is not None:
            # Rows are repeated in the direction in which the result lies in memory.
            if total.tensor.is_contiguous():
                total.add((self._inputs @ matrix.tangent).index_select(0, self._repeats))
            else:
                total.add((matrix.tangent.t() @ self._inputs.t()).index_select(1, self._repeats).t())
        elif matrix.moves:
            total.add_matmul(self._x, matrix.tangent)
        if x.moves:
            total.add_matmul(x.tangent, self._matrix)
        if bias and bias[0].moves:
            total.add(bias[0].tangent)

    def backward(self) -> None:
        total = self.operands[0].adjoint_tangent
        if self.result.is_stirred:
            total.add_matmul(self.result.adjoint_tangent, self._matrix.t())
        if self.operands[1].moves:
            total.add_matmul(self._adjoint, self.operands[1].tangent.t())

    def bends(self, operand: int) -> bool:
        return self.operands[1].moves


def _distinct_rows(x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the distinct rows of x and which of them each row is; x itself and None where most rows are distinct.

    Behind an embedding a few tokens make all rows. Rows are told apart by a random projection, then compared in full.
    """
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(x.shape[1], dtype=torch.float64, generator=generator)
    keys, repeats = torch.unique(x.double() @ weights, return_inverse=True)
    if 2 * keys.numel() > len(x):
        return x, None
    first = torch.empty_like(keys, dtype=torch.long)
    first[repeats] = torch.arange(len(x))
    return (x[first], repeats) if torch.equal(x[first][repeats], x) else (x, None)


class Embedding(TangentRule):
    """y = the rows of a matrix `[size, d]` at indices; the matrix does not depend on δ, so no adjoint is on its way."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._indices = call.values[1]

    def forward(self) -> None:
        self.result.tangent.add(torch.embedding(self.operands[0].tangent, self._indices))

    def backward(self) -> None:
        return


class Pointwise(TangentRule):
    """y = f(a, b, …) entry by entry, operands expanded to the shape of y.

    First derivatives, and second ones times ȳ, are computed entry by entry beforehand; constant ones become numbers.
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        active = [i for i, operand in enumerate(self.operands) if operand.is_parametric or operand.is_displaced]
        with torch.enable_grad():
            leaves = [v.detach().clone().requires_grad_() if i in active else v for i, v in enumerate(call.values)]
            y = call.run(leaves)
            first = _derivatives(y, [leaves[i] for i in active], create_graph=True)
            self._second: dict[tuple[int, int], Tensor | float] = {}
            moving = [j for j in active if self.operands[j].is_parametric]
            for i, derivative in zip(active, first, strict=True):
                if self.operands[i].is_displaced and derivative is not None and moving:
                    second = _derivatives(derivative, [leaves[j] for j in moving])
                    for j, entries in zip(moving, second, strict=True):
                        if entries is not None and entries.any():
                            self._second[i, j] = entries * call.adjoint
        self._first = {i: _compact(d) for i, d in zip(active, first, strict=True) if d is not None}

    def forward(self) -> None:
        for i, derivative in self._first.items():
            if self.operands[i].moves:
                _add_scaled(self.result.tangent, self.operands[i].tangent, derivative)

    def backward(self) -> None:
        if self.result.is_stirred:
            for i, derivative in self._first.items():
                if self.operands[i].receives:
                    _add_scaled(self.operands[i].adjoint_tangent, self.result.adjoint_tangent, derivative)
        for (i, j), derivative in self._second.items():
            if self.operands[i].receives and self.operands[j].moves:
                _add_scaled(self.operands[i].adjoint_tangent, self.operands[j].tangent, derivative)

    def bends(self, operand: int) -> bool:
        return any(i == operand and self.operands[j].moves for i, j in self._second)


def _derivatives(y: Tensor, leaves: Sequence[Tensor], *, create_graph: bool = False) -> Sequence[Tensor | None]:
    if not y.requires_grad:
        return [None] * len(leaves)
    return torch.autograd.grad(
        y, leaves, torch.ones_like(y), create_graph=create_graph, retain_graph=True, allow_unused=True
    )


def _compact(derivative: Tensor) -> Tensor | float:
    entries = derivative.detach().contiguous()
    number = float(entries.flatten()[0])
    return number if bool((entries == number).all()) else entries


def _add_scaled(total: Sum, term: Tensor, factor: Tensor | float) -> None:
    if isinstance(factor, Tensor):
        total.add_product(term, factor)
    else:
        total.add(term, factor)


class Normalisation(TangentRule):
    """y = x̂ g + b over the last axis of x `[rows, d]`: x̂ = (x − m) r, m the mean and r = (variance + ε)^(-1/2).

    RMS norm is the same without a mean: m = 0. Both have the symmetric derivative
    L(u) = r (u − mean(u) − x̂ mean(x̂ u)), so dx̂ = L(ẋ), and x̄ = L(ḡ) with ḡ = g ȳ.
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._x = call.values[0].contiguous()
        self._centred = bool(call.options["centred"])
        self._adjoint = call.adjoint
        eps = call.options["eps"]
        if self._centred:
            var, self._mean = torch.var_mean(self._x, -1, correction=0, keepdim=True)
        else:
            var = self._x.square().mean(-1, keepdim=True)
        self._r = (var + eps).rsqrt()
        self._standard = (self._x - self._mean if self._centred else self._x) * self._r
        self._gain = call.values[1] if call.options["gain"] else None
        if self.operands[0].is_parametric and self.operands[0].is_displaced:
            gained = self._adjoint if self._gain is None else self._adjoint * self._gain
            width = self._x.shape[1]
            self._gained = gained
            self._mean_along = -self._r * (self._standard * gained).mean(-1, keepdim=True)
            self._x_adjoint = self._derivative(gained) * (-self._r / width)
            self._direction = self._standard * (-self._r / width)
            self._moved_standard = torch.empty_like(self._x)

    def _derivative(self, u: Tensor) -> Tensor:
        """Return L(u)."""
        if self._centred:
            # The derivative is symmetric, so torch's backward kernel, one pass over memory, is the forward one as well.
            derivative: Tensor = torch.ops.aten.native_layer_norm_backward(
                u.contiguous(), self._x, [u.shape[1]], self._mean, self._r, None, None, [True, False, False]
            )[0]
            return derivative
        product: Tensor = self._r * (u - self._standard * (self._standard * u).mean(-1, keepdim=True))
        return product

    def forward(self) -> None:
        x, *others = self.operands
        total = self.result.tangent
        if x.moves:
            tangent = x.tangent
            self._moved_standard = self._derivative(tangent)
            if x.is_displaced:
                self._along = (self._standard * tangent).sum(-1, keepdim=True)
            if self._gain is None:
                total.add(self._moved_standard)
            else:
                total.add_product(self._moved_standard, self._gain)
        if self._gain is not None and others[0].moves:
            total.add_product(self._standard, others[0].tangent)
        if others and others[-1].moves and len(others) > (self._gain is not None):
            total.add(others[-1].tangent)

    def backward(self) -> None:
        x = self.operands[0]
        total = x.adjoint_tangent
        gain_moves = self._gain is not None and self.operands[1].moves
        if gain_moves:
            gained = self._adjoint * self.operands[1].tangent
            if self.result.is_stirred and self._gain is not None:
                gained.addcmul_(self.result.adjoint_tangent, self._gain)
            total.add(self._derivative(gained))
        elif self.result.is_stirred:
            adjoint = self.result.adjoint_tangent
            total.add(self._derivative(adjoint if self._gain is None else adjoint * self._gain))
        if x.moves:
            # dL(ḡ) = L(ḡ) dr/r − r (dx̂ mean(x̂ ḡ) + x̂ mean(dx̂ ḡ)), with dr/r = −r mean(x̂ ẋ).
            total.add_product(self._x_adjoint, self._along)
            total.add_product(self._moved_standard, self._mean_along)
            total.add_product(self._direction, (self._moved_standard * self._gained).sum(-1, keepdim=True))

    def bends(self, operand: int) -> bool:
        return self.operands[0].moves or (self._gain is not None and self.operands[1].moves)


class MatMul(TangentRule):
    """y = a b, batches of matrix products, `[batch, rows, inner]` × `[batch, inner, columns]`."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._a, self._b = call.values
        self._adjoint = call.adjoint

    def forward(self) -> None:
        a, b = self.operands
        if a.moves:
            self.result.tangent.add_matmul(a.tangent, self._b)
        if b.moves:
            self.result.tangent.add_matmul(self._a, b.tangent)

    def backward(self) -> None:
        a, b = self.operands
        if a.receives and self.result.is_stirred:
            a.adjoint_tangent.add_matmul(self.result.adjoint_tangent, self._b.mT)
        if a.receives and b.moves:
            a.adjoint_tangent.add_matmul(self._adjoint, b.tangent.mT)
        if b.receives and self.result.is_stirred:
            b.adjoint_tangent.add_matmul(self._a.mT, self.result.adjoint_tangent)
        if b.receives and a.moves:
            b.adjoint_tangent.add_matmul(a.tangent.mT, self._adjoint)


class Softmax(TangentRule):
    """y = softmax(x) over the last axis."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._y, self._adjoint = call.value, call.adjoint
        self._centred = self._adjoint - (self._adjoint * self._y).sum(-1, keepdim=True)

    def forward(self) -> None:
        tangent = self.operands[0].tangent
        self._moved = self._y * (tangent - (tangent * self._y).sum(-1, keepdim=True))
        self.result.tangent.add(self._moved)

    def backward(self) -> None:
        total = self.operands[0].adjoint_tangent
        inner: Tensor | None = None
        if self.result.is_stirred:
            inner = self.result.adjoint_tangent * self._y
            total.add(inner)
            inner = inner.sum(-1, keepdim=True)
        if self.operands[0].moves:
            total.add_product(self._moved, self._centred)
            along = (self._moved * self._adjoint).sum(-1, keepdim=True)
            inner = along if inner is None else inner + along
        if inner is not None:
            total.add_product(self._y, -inner)

    def bends(self, operand: int) -> bool:
        return self.operands[0].moves


class Attention(TangentRule):
    """y = softmax(q k^T · scale + mask) v; q `[n, H, L, E]`, k and v `[n, H, S, E]`, y `[n, L, H, E]`.

    Computed on batches of matrices, `[n·H, L, E]`, by the three methods that `FewAttention` replaces.
    """

    _keys = -1
    """Axis of the scores along which their softmax is taken."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        scale = call.options["scale"]
        q, k, self._v = (self._heads(value) for value in call.values[:3])
        self._q, self._k = q * scale, k * scale
        scores = self._masked(self._scores((self._q, k)), call)
        self._p: Tensor = torch.ops.aten._safe_softmax(scores, self._keys)
        self._out = self._heads(self._swapped(call.adjoint))
        self._p_adjoint = self._scores((self._out, self._v))
        self._centred = self._p_adjoint - (self._p * self._p_adjoint).sum(self._keys, keepdim=True)
        self._scores_adjoint = self._p * self._centred * scale

    def _masked(self, scores: Tensor, call: Call) -> Tensor:
        shape = (*call.values[0].shape[:3], call.values[1].shape[2])
        if call.options["causal"]:
            earlier = torch.ones(call.options["length"], shape[3], dtype=torch.bool).tril()
            scores = scores.masked_fill(~(earlier if call.rows is None else earlier[call.rows]), -torch.inf)
        for mask in call.values[3:]:
            batch = mask.expand(shape).reshape(scores.shape)
            scores = scores.masked_fill(~batch, -torch.inf) if batch.dtype == torch.bool else scores + batch
        return scores

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *x.shape[2:])

    def _swapped(self, y: Tensor) -> Tensor:
        return y.transpose(1, 2)

    def _scores(self, *pairs: Pair) -> Tensor:
        """Return Σ q k^T over pairs (q, k)."""
        return _products(*((q, None if k is None else k.mT) for q, k in pairs))

    def _mixed(self, *pairs: Pair) -> Tensor:
        """Return Σ p v over pairs (p, v)."""
        return _products(*pairs)

    def _across(self, p: Tensor | None) -> Tensor | None:
        """Return p with queries and keys exchanged."""
        return None if p is None else p.mT

    def _softmax_derivative(self, u: Tensor) -> Tensor:
        return self._p * (u - (self._p * u).sum(self._keys, keepdim=True))

    def forward(self) -> None:
        dq, dk, dv = (self._heads(o.tangent) if o.moves else None for o in self.operands[:3])
        self._tangents = (dq, dk, dv)
        self._dp = None
        if dq is not None or dk is not None:
            self._dp = self._softmax_derivative(self._scores((dq, self._k), (self._q, dk)))
        moved = self._mixed((self._dp, self._v), (self._p, dv))
        total = self.result.tangent
        total.add(self._swapped(moved.view(self._swapped(total.tensor).shape)))

    def backward(self) -> None:
        dq, dk, dv = self._tangents if any(o.moves for o in self.operands[:3]) else (None, None, None)
        dp = self._dp if dq is not None or dk is not None else None
        out = self._heads(self._swapped(self.result.adjoint_tangent)) if self.result.is_stirred else None
        scores: Tensor | None = None
        if out is not None or dv is not None:
            scores = self._softmax_derivative(self._scores((out, self._v), (self._out, dv)))
        if dp is not None:
            bent = dp * self._centred - self._p * (dp * self._p_adjoint).sum(self._keys, keepdim=True)
            scores = bent if scores is None else scores.add_(bent)
        terms = (
            ((scores, self._k), (self._scores_adjoint, dk)),
            ((self._across(scores), self._q), (self._across(self._scores_adjoint), dq)),
            ((self._across(self._p), out), (self._across(dp), self._out)),
        )
        for operand, pairs in zip(self.operands, terms, strict=False):
            if operand.receives and any(a is not None and b is not None for a, b in pairs):
                operand.adjoint_tangent.add(self._mixed(*pairs).view(operand.adjoint_tangent.tensor.shape))

    def bends(self, operand: int) -> bool:
        return any(other.moves for other in self.operands[:3])


Pair = tuple[Tensor | None, Tensor | None]
"""Two factors; a pair that lacks one counts for nothing."""


class FewAttention(Attention):
    """Attention of few positions, entry by entry with the probes innermost: q `[H, E, L, n]`, k, v `[H, E, S, n]`.

    A batch of matrix products this small takes several times as long.
    """

    _keys = 2

    def _masked(self, scores: Tensor, call: Call) -> Tensor:
        return scores

    def _heads(self, x: Tensor) -> Tensor:
        return x.contiguous()

    def _swapped(self, y: Tensor) -> Tensor:
        return y

    def _scores(self, *pairs: Pair) -> Tensor:
        products: Tensor | None = None
        for q, k in pairs:
            if q is not None and k is not None:
                left, right = q.unsqueeze(3), k.unsqueeze(2)
                products = left * right if products is None else products.addcmul_(left, right)
        assert products is not None
        return products.sum(1)

    def _mixed(self, *pairs: Pair) -> Tensor:
        total: Tensor | None = None
        for p, v in pairs:
            for key in range(0 if p is None or v is None else p.shape[2]):
                assert p is not None and v is not None
                weights, values = p[:, None, :, key], v[:, :, key, None]
                total = weights * values if total is None else total.addcmul_(weights, values)
        assert total is not None
        return total

    def _across(self, p: Tensor | None) -> Tensor | None:
        return None if p is None else p.transpose(1, 2)


def _products(*pairs: Pair) -> Tensor:
    """Return the sum of batched matrix products."""
    total: Tensor | None = None
    for a, b in pairs:
        if a is not None and b is not None:
            total = torch.bmm(a, b) if total is None else total.baddbmm_(a, b)
    assert total is not None
    return total


class Convolution(TangentRule):
    """y = x * w + b in one, two or three dimensions; w does not depend on δ."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._x, self._weight = call.values[:2]
        self._adjoint = call.adjoint
        self._arguments = call.options["arguments"]

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        stride, padding, dilation, groups = self._arguments
        convolved: Tensor = torch.ops.aten.convolution(
            x, weight, None, stride, padding, dilation, False, [0] * len(stride), groups
        )
        return convolved

    def _transposed(self, adjoint: Tensor, weight: Tensor) -> Tensor:
        stride, padding, dilation, groups = self._arguments
        grads = torch.ops.aten.convolution_backward(
            adjoint, self._x, weight, None, stride, padding, dilation, False, [0] * len(stride), groups,
            [True, False, False],
        )  # fmt: skip
        return grads[0]  # type: ignore[no-any-return]

    def forward(self) -> None:
        x, weight, *bias = self.operands
        if x.moves:
            self.result.tangent.add(self._convolve(x.tangent, self._weight))
        if weight.moves:
            self.result.tangent.add(self._convolve(self._x, weight.tangent))
        if bias and bias[0].moves:
            self.result.tangent.add(bias[0].tangent.view(-1, *(1,) * (self._x.ndim - 2)))

    def backward(self) -> None:
        total = self.operands[0].adjoint_tangent
        if self.result.is_stirred:
            total.add(self._transposed(self.result.adjoint_tangent, self._weight))
        if self.operands[1].moves:
            total.add(self._transposed(self._adjoint, self.operands[1].tangent))

    def bends(self, operand: int) -> bool:
        return self.operands[1].moves


class MaxPool(TangentRule):
    """y = the largest entry of each patch of x: a selection that the values make, linear in what is selected."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        x = call.values[0]
        _, indices = torch.ops.aten.max_pool2d_with_indices(x, *call.options["arguments"])
        self._indices: Tensor = indices.flatten(-2)
        self._shape = x.shape

    def forward(self) -> None:
        moved = self.operands[0].tangent.flatten(-2).gather(-1, self._indices)
        self.result.tangent.add(moved.view_as(self.result.tangent.tensor))

    def backward(self) -> None:
        spread = self.result.adjoint_tangent.new_zeros(*self._shape[:-2], self._shape[-2] * self._shape[-1])
        spread.scatter_add_(-1, self._indices, self.result.adjoint_tangent.flatten(-2))
        self.operands[0].adjoint_tangent.add(spread.view(self._shape))

    def bends(self, operand: int) -> bool:
        return False


class Local(TangentRule):
    """Any other operation, by its own double backward: ẏ = ∂⟨x̄, ẋ⟩/∂ȳ, and what bends x̄ is ∂⟨x̄, ẋ⟩/∂x."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._active = [i for i, o in enumerate(self.operands) if o.is_parametric or o.is_displaced]
        with torch.enable_grad():
            leaves = [
                v.detach().clone().requires_grad_() if i in self._active else v for i, v in enumerate(call.values)
            ]
            self._x = {i: leaves[i] for i in self._active}
            self._y = call.run(leaves)
            self._adjoint = call.adjoint.clone().requires_grad_()
            gradients: Sequence[Tensor | None] = [None] * len(self._active)
            if self._y.requires_grad:
                gradients = torch.autograd.grad(
                    self._y, [*self._x.values()], self._adjoint, create_graph=True, allow_unused=True
                )
        self._gradients = dict(zip(self._active, gradients, strict=True))
        self._bent: dict[int, Tensor | None] = {}

    def forward(self) -> None:
        self._bent = {}
        moving = [i for i in self._active if self.operands[i].moves]
        along = [(g, self.operands[i].tangent) for i in moving if (g := self._gradients[i]) is not None]
        graphs = [(g, tangent) for g, tangent in along if g.requires_grad]
        if not graphs:
            return
        displaced = [i for i in self._active if self.operands[i].is_displaced]
        moved, *bent = torch.autograd.grad(
            [g for g, _ in graphs],
            [self._adjoint, *(self._x[i] for i in displaced)],
            [tangent for _, tangent in graphs],
            retain_graph=True,
            allow_unused=True,
        )
        self._bent = dict(zip(displaced, bent, strict=True))
        if moved is not None:
            self.result.tangent.add(moved)

    def backward(self) -> None:
        receivers = [i for i in self._active if self.operands[i].receives]
        if any(self.operands[i].moves for i in self._active):
            for i in receivers:
                if (bent := self._bent.get(i)) is not None:
                    self.operands[i].adjoint_tangent.add(bent)
        if self.result.is_stirred:
            xs = [self._x[i] for i in receivers]
            gradients = torch.autograd.grad(
                self._y, xs, self.result.adjoint_tangent, retain_graph=True, allow_unused=True
            )
            for i, gradient in zip(receivers, gradients, strict=True):
                if gradient is not None:
                    self.operands[i].adjoint_tangent.add(gradient)

    def bends(self, operand: int) -> bool:
        return any(other.moves for other in self.operands)
