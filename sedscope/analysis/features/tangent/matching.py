"""The rule that an operation of the table gets, and in which arrangement the rule takes its arguments.

A rule that works row by row takes matrices; of those only the rows that reach the score are computed. Whatever matches
nothing here, in operation, shapes or arguments, is computed by `Local`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch
from torch import Tensor

from recorders.program.execution.kernels import FEW
from recorders.program.storage.graph import Node, Ref
from recorders.program.storage.operation_table import POINTWISE
from sedscope.analysis.features.tangent.rules import (
    Attention,
    Convolution,
    Embedding,
    FewAttention,
    Linear,
    Local,
    MatMul,
    MaxPool,
    Normalisation,
    Pointwise,
    Softmax,
    TangentRule,
)

Arrange = Callable[[Tensor], Tensor]
"""Brings a tensor of an argument's shape, numbers or their positions, into the shape in which a rule takes it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(f"aten.{word}" if "." in word else f"aten.{word}.default" for word in text.split())


_REARRANGING: Final = _words("""
    view _unsafe_view reshape view_as reshape_as expand expand_as broadcast_to flatten.using_ints unflatten.int
    squeeze squeeze.dim squeeze.dims unsqueeze select.int slice.Tensor narrow transpose.int permute t numpy_T mT
    swapaxes movedim.int movedim.intlist contiguous clone alias ravel diagonal tile repeat
    repeat_interleave.self_int roll flip pixel_shuffle pixel_unshuffle
""")

_SPLITTING: Final = _words("split.Tensor split_with_sizes chunk unbind.int")

_ENTRYWISE: Final = POINTWISE - _words("glu prelu masked_fill.Tensor")


@dataclass(frozen=True)
class Argument:
    """An argument that a rule takes."""

    number: int
    """Its value's number."""
    arrange: Arrange = field(default=lambda tensor: tensor)
    axis: int | None = None
    """Axis of the arranged argument along which only what reaches the score is taken."""


@dataclass(frozen=True)
class Match:
    """A rule with the arrangement of arguments and result."""

    rule: type[TangentRule]
    arguments: tuple[Argument, ...]
    arrange: Arrange = field(default=lambda tensor: tensor)
    """Brings the result into the shape in which the rule makes it."""
    axis: int | None = None
    """Axis of the arranged result along which only what reaches the score is made."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A node with what its match depends on."""

    node: Node
    names: Sequence[str]
    """Names of the operation's arguments, in the order of its schema."""
    values: Sequence[Any]
    """Example values by number."""
    displaced: frozenset[int]
    """Numbers of the values that depend on δ."""
    value: Tensor
    """The result."""
    entry: int | None = None
    """Which of the operation's results it is; None: it has one."""

    def number(self, name: str) -> int | None:
        """Return the number of the value that an argument is, None where it is no value."""
        argument = self._argument(name)
        return argument.value if isinstance(argument, Ref) else None

    def tensor(self, name: str) -> Tensor | None:
        """Return the value of an argument, None where it is not a tensor."""
        number = self.number(name)
        value = None if number is None else self.values[number]
        return value if isinstance(value, Tensor) else None

    def literal(self, name: str, default: Any) -> Any:
        """Return an argument that is no tensor."""
        argument = self._argument(name, default)
        if isinstance(argument, tuple):
            return [self.values[item.value] if isinstance(item, Ref) else item for item in argument]
        return self.values[argument.value] if isinstance(argument, Ref) else argument

    def is_fixed(self, *names: str) -> bool:
        """Return whether these arguments do not depend on δ."""
        return not any(self.number(name) in self.displaced for name in names)

    def _argument(self, name: str, default: Any = None) -> Any:
        position = self.names.index(name) if name in self.names else len(self.node.args)
        if position < len(self.node.args):
            return self.node.args[position]
        return dict(self.node.kwargs).get(name, default)


def is_rearranging(node: Node) -> bool:
    """Return whether the result holds numbers of the first argument at other places, the same for all probes."""
    return node.op in _REARRANGING


def is_splitting(node: Node) -> bool:
    """Return whether several results hold numbers of the first argument."""
    return node.op in _SPLITTING


def match(candidate: Candidate) -> Match:
    """Return the rule of an operation's result; `Local` where no other one holds."""
    matcher = _pointwise if candidate.node.op in _ENTRYWISE else _MATCHES.get(candidate.node.op)
    matched = None
    if matcher is not None and candidate.value.is_floating_point() and candidate.entry in (None, 0):
        matched = matcher(candidate)
    return matched or Match(Local, tuple(Argument(number) for number in _numbers(candidate)))


def _numbers(candidate: Candidate) -> list[int]:
    return [n for n in dict.fromkeys(candidate.node.refs()) if isinstance(candidate.values[n], Tensor)]


def _rows(width: int) -> Arrange:
    return lambda tensor: tensor.reshape(-1, width)


def _broadcast_rows(shape: torch.Size, width: int) -> Arrange:
    return lambda tensor: tensor.expand(shape).reshape(-1, width)


def _pointwise(candidate: Candidate) -> Match | None:
    shape, numbers = candidate.value.shape, _numbers(candidate)
    operands = [candidate.values[number] for number in numbers]
    if not shape or any(operand.ndim > len(shape) for operand in operands):
        return None
    # A tensor without axes counts less in the choice of the result's type than one that was expanded.
    if any(o.is_complex() or (o.is_floating_point() and o.dtype != candidate.value.dtype) for o in operands):
        return None
    arrange = _broadcast_rows(shape, shape[-1])
    return Match(Pointwise, tuple(Argument(n, arrange, 0) for n in numbers), _rows(shape[-1]), 0)


def _linear(candidate: Candidate) -> Match | None:
    return _product(candidate, "input", "weight", "bias", lambda weight: weight.t())


def _mm(candidate: Candidate) -> Match | None:
    return _product(candidate, "self", "mat2", None, lambda matrix: matrix)


def _addmm(candidate: Candidate) -> Match | None:
    if candidate.literal("alpha", 1) != 1 or candidate.literal("beta", 1) != 1:
        return None
    return _product(candidate, "mat1", "mat2", "self", lambda matrix: matrix)


def _matmul(candidate: Candidate) -> Match | None:
    a, b = candidate.tensor("self"), candidate.tensor("other")
    if a is None or b is None or a.ndim < 2:
        return None
    if b.ndim == 2:
        return _product(candidate, "self", "other", None, lambda matrix: matrix)
    return _batched(candidate, "self", "other")


def _product(candidate: Candidate, x: str, matrix: str, bias: str | None, arrange: Arrange) -> Match | None:
    inputs, weights = candidate.tensor(x), candidate.tensor(matrix)
    added = None if bias is None else candidate.tensor(bias)
    names = [x, matrix] if bias is None or added is None else [x, matrix, bias]
    if inputs is None or weights is None or weights.ndim != 2 or not candidate.is_fixed(*names[1:]):
        return None
    if added is not None and added.ndim != 1:
        return None
    arguments = [Argument(_of(candidate, x), _rows(inputs.shape[-1]), 0), Argument(_of(candidate, matrix), arrange)]
    arguments += [Argument(_of(candidate, name)) for name in names[2:]]
    return Match(Linear, tuple(arguments), _rows(candidate.value.shape[-1]), 0)


def _of(candidate: Candidate, name: str) -> int:
    number = candidate.number(name)
    assert number is not None
    return number


def _bmm(candidate: Candidate) -> Match | None:
    return _batched(candidate, "self", "mat2")


def _batched(candidate: Candidate, left: str, right: str) -> Match | None:
    a, b = candidate.tensor(left), candidate.tensor(right)
    if a is None or b is None or a.ndim < 3 or a.shape[:-2] != b.shape[:-2]:
        return None
    return Match(
        MatMul,
        tuple(
            Argument(_of(candidate, name), lambda tensor: tensor.reshape(-1, *tensor.shape[-2:]))
            for name in (left, right)
        ),
        lambda tensor: tensor.reshape(-1, *tensor.shape[-2:]),
    )


def _norm(candidate: Candidate) -> Match | None:
    centred = "layer" in candidate.node.op
    gain, bias = candidate.tensor("weight"), candidate.tensor("bias") if centred else None
    if len(candidate.literal("normalized_shape", [])) != 1 or not candidate.is_fixed("weight", "bias"):
        return None
    width = candidate.value.shape[-1]
    eps = candidate.literal("eps", 1e-5 if centred else None)
    if eps is None:
        eps = torch.finfo(candidate.value.dtype).eps
    names = [name for name, tensor in (("weight", gain), ("bias", bias)) if tensor is not None]
    arguments = (Argument(_of(candidate, "input"), _rows(width), 0), *(Argument(_of(candidate, n)) for n in names))
    options = {"centred": centred, "gain": gain is not None, "eps": eps}
    return Match(Normalisation, arguments, _rows(width), 0, options)


def _embedding(candidate: Candidate) -> Match | None:
    # The padding row has a value but no derivative.
    if not candidate.is_fixed("weight") or candidate.literal("padding_idx", -1) >= 0:
        return None
    return Match(Embedding, (Argument(_of(candidate, "weight")), Argument(_of(candidate, "indices"))))


def _softmax(candidate: Candidate) -> Match | None:
    x = candidate.tensor("self")
    if x is None or not x.ndim or x.dtype != candidate.value.dtype:
        return None
    if candidate.literal("dim", -1) not in (-1, x.ndim - 1):
        return None
    arrange = _rows(x.shape[-1])
    return Match(Softmax, (Argument(_of(candidate, "self"), arrange, 0),), arrange, 0)


def _attention(candidate: Candidate) -> Match | None:
    q, k, v = (candidate.tensor(name) for name in ("query", "key", "value"))
    mask = candidate.number("attn_mask")
    if q is None or k is None or v is None or candidate.literal("enable_gqa", False) or q.ndim != 4:
        return None
    if q.shape[:2] != k.shape[:2] or k.shape[:3] != v.shape[:3] or q.shape[3] != k.shape[3]:
        return None
    if q.shape[3] != v.shape[3] or not candidate.is_fixed("attn_mask"):
        return None
    scale = candidate.literal("scale", None)
    options = {
        "scale": q.shape[3] ** -0.5 if scale is None else scale,
        "causal": bool(candidate.literal("is_causal", False)),
        "length": q.shape[2],
    }
    shape = (*q.shape[:3], k.shape[2])
    if mask is None and not options["causal"] and q.shape[2] * k.shape[2] * q.shape[3] < FEW:
        queries, *others = (Argument(_of(candidate, name), _probes_last) for name in ("query", "key", "value"))
        return Match(FewAttention, (replace(queries, axis=2), *others), _probes_last, 2, options)
    arguments = [Argument(_of(candidate, "query"), axis=2), *(Argument(_of(candidate, n)) for n in ("key", "value"))]
    if mask is not None:
        arguments.append(Argument(mask, lambda tensor: tensor.expand(shape), 2))
    return Match(Attention, tuple(arguments), lambda tensor: tensor.transpose(1, 2), 1, options)


def _probes_last(tensor: Tensor) -> Tensor:
    return tensor.permute(1, 3, 2, 0)


def _convolution(candidate: Candidate) -> Match | None:
    x, weight = candidate.tensor("input"), candidate.tensor("weight")
    if x is None or weight is None or x.ndim != weight.ndim or not candidate.is_fixed("weight", "bias"):
        return None
    axes = x.ndim - 2
    lists = [candidate.literal(name, [d]) for name, d in (("stride", 1), ("padding", 0), ("dilation", 1))]
    each = [values * axes if len(values) == 1 else values for values in lists]
    names = ["input", "weight", *(["bias"] if candidate.number("bias") is not None else [])]
    options = {"arguments": [*each, candidate.literal("groups", 1)]}
    return Match(Convolution, tuple(Argument(_of(candidate, name)) for name in names), options=options)


def _batch_norm(candidate: Candidate) -> Match | None:
    """Match the affine map per channel that batch norm is with fixed statistics, entry by entry."""
    if not candidate.is_fixed("weight", "bias", "running_mean", "running_var") or candidate.value.ndim < 2:
        return None
    names = [n for n in ("weight", "bias", "running_mean", "running_var") if candidate.number(n) is not None]
    shape = candidate.value.shape

    def by_channels(tensor: Tensor) -> Tensor:
        return tensor.reshape(*shape[:2], -1)

    def along_channels(tensor: Tensor) -> Tensor:
        return tensor.view(-1, 1).expand(*shape[:2], math.prod(shape[2:]))

    arguments = (
        Argument(_of(candidate, "input"), by_channels),
        *(Argument(_of(candidate, n), along_channels) for n in names),
    )
    return Match(Pointwise, arguments, by_channels, None, {"run": _standardise(names, candidate.literal("eps", 1e-5))})


def _standardise(names: Sequence[str], eps: float) -> Callable[[Sequence[Tensor]], Tensor]:
    def run(operands: Sequence[Tensor]) -> Tensor:
        x, *others = operands
        by_name = dict(zip(names, others, strict=True))
        y = (x - by_name["running_mean"]) * (by_name["running_var"] + eps).rsqrt()
        if "weight" in by_name:
            y = y * by_name["weight"]
        return y + by_name["bias"] if "bias" in by_name else y

    return run


def _max_pool(candidate: Candidate) -> Match | None:
    if candidate.value.ndim != 4:
        return None
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    defaults: tuple[Any, ...] = ([], [], [0, 0], [1, 1], False)
    arguments = [candidate.literal(name, default) for name, default in zip(names, defaults, strict=True)]
    return Match(MaxPool, (Argument(_of(candidate, "self")),), options={"arguments": arguments})


_MATCHES: Final[dict[str, Callable[[Candidate], Match | None]]] = {
    "aten.embedding.default": _embedding,
    "aten.linear.default": _linear,
    "aten.mm.default": _mm,
    "aten.addmm.default": _addmm,
    "aten.matmul.default": _matmul,
    "aten.bmm.default": _bmm,
    "aten.layer_norm.default": _norm,
    "aten.native_layer_norm.default": _norm,
    "aten.rms_norm.default": _norm,
    "aten.softmax.int": _softmax,
    "aten._softmax.default": _softmax,
    "aten.scaled_dot_product_attention.default": _attention,
    "aten._scaled_dot_product_flash_attention_for_cpu.default": _attention,
    "aten.conv1d.default": _convolution,
    "aten.conv2d.default": _convolution,
    "aten.conv3d.default": _convolution,
    "aten.batch_norm.default": _batch_norm,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.max_pool2d.default": _max_pool,
}
