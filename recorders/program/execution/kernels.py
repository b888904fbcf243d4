"""The kernel that each operation of the table runs as: torch's own overload, or a safer equal of it.

Decides the replacements: attention always by the math kernel (the default CPU one has no second derivative and crashes
when the keys are shorter than the values) or, over few positions, without matrix products, views as reshapes (lower
rungs of the capture bake strides in), batch norm by the form that checks its arguments, `copy` by something that has a
derivative, and a guard on integer division, which faults at least integer // −1. Which operations exist is decided in
`operation_table`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program.storage import operation_table
from recorders.program.storage.schema import overload

Kernel = Callable[..., Any]

MAX_SIZE: Final = 2**31
"""Largest size that integer operations may reach."""
FEW: Final = 400
"""Below so many multiplications, torch takes one matrix product of a batch entry by entry, slower than by elements."""


def kernel(op: str) -> Kernel:
    """Return the function to call for this operation of the table.

    Raises:
        RefusedError: this version of torch does not have it.
    """
    return _REPLACED[op] if op in _REPLACED else overload(op)


def takes_device(op: str) -> bool:
    """Return whether the operation makes a tensor from nothing, so that it has to be told where."""
    if not op.startswith("aten.") or op in _REPLACED:
        return False
    slots = {slot.name for slot in overload(op)._schema.arguments}
    return "device" in slots and "self" not in slots


def _bounded(integer: Callable[..., int]) -> Kernel:
    def run(*sizes: int) -> int:
        result = integer(*sizes)
        if abs(result) > MAX_SIZE:
            raise RefusedError(f"sizes of at most {MAX_SIZE} are allowed, found {result}")
        return result

    return run


def _guarded(op: str) -> Kernel:
    divide = overload(op)

    def run(dividend: Any, divisor: Any, **keywords: Any) -> Tensor:
        if _has_minus_one(divisor) and not (_floating(dividend) or _floating(divisor)):
            raise RefusedError("integers are not divided by -1")
        result: Tensor = divide(dividend, divisor, **keywords)
        return result

    return run


def _floating(operand: Any) -> bool:
    return operand.is_floating_point() if isinstance(operand, Tensor) else isinstance(operand, float)


def _has_minus_one(divisor: Any) -> bool:
    if not isinstance(divisor, Tensor):
        return bool(divisor == -1)
    return not (divisor.is_meta or divisor.is_floating_point()) and bool((divisor == -1).any())


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    plain = attn_mask is None and not is_causal and not enable_gqa
    if plain and _are_few(query, key, value):
        return _few_positions(query, key, value, query.shape[-1] ** -0.5 if scale is None else scale)
    attended: Tensor = torch.ops.aten._scaled_dot_product_attention_math(
        query, key, value, attn_mask, 0.0, is_causal, scale=scale, enable_gqa=enable_gqa
    )[0]
    return attended


def _are_few(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Return whether few positions attend to few, in shapes and types that need no broadcasting."""
    same = query.dtype == key.dtype == value.dtype and query.is_floating_point() and query.dim() > 1
    if not same or query.shape[:-2] != key.shape[:-2] or key.shape[:-1] != value.shape[:-1]:
        return False
    pairs = query.shape[-2] * key.shape[-2]
    return query.shape[-1] == key.shape[-1] and 0 < pairs * max(key.shape[-1], value.shape[-1]) < FEW


def _few_positions(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Return softmax(q k^T · scale) v by elements: [..., L, E] × [..., S, E] × [..., S, V] → [..., L, V]."""
    scores = (query.unsqueeze(-2) * key.unsqueeze(-3)).sum(-1) * scale
    attended: Tensor = (scores.softmax(-1).unsqueeze(-1) * value.unsqueeze(-3)).sum(-2)
    return attended


def _flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor]:
    return (_attention(query, key, value, attn_mask, 0.0, is_causal, scale=scale),)


def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor]:
    return (torch.batch_norm(input, weight, bias, running_mean, running_var, False, momentum, eps, False),)


def _copy(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    return src.to(self.dtype).expand(self.shape)


_DIVISIONS: Final = (
    "div.Tensor_mode div.Scalar_mode floor_divide.default floor_divide.Scalar remainder.Tensor remainder.Scalar "
    "remainder.Scalar_Tensor fmod.Tensor fmod.Scalar"
)

_REPLACED: Final[dict[str, Kernel]] = {
    operation_table.GETITEM: operator.getitem,
    **{op: _bounded(integer) for op, integer in operation_table.INTEGER_OPERATIONS.items()},
    "aten.view.default": torch.ops.aten.reshape.default,
    "aten._unsafe_view.default": torch.ops.aten.reshape.default,
    "aten.scaled_dot_product_attention.default": _attention,
    "aten._scaled_dot_product_flash_attention_for_cpu.default": _flash_attention,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.copy.default": _copy,
    **{f"aten.{word}": _guarded(f"aten.{word}") for word in _DIVISIONS.split()},
}
