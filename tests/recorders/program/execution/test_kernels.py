"""Attention over few positions beside torch's math kernel: values, first and second derivatives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from recorders.program.execution import kernels

attention = kernels.kernel("aten.scaled_dot_product_attention.default")


def math(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
    found: Tensor = torch.ops.aten._scaled_dot_product_attention_math(query, key, value, None, 0.0, False, **options)[0]
    return found


def derivatives(function: Any, given: list[Tensor], **options: Any) -> list[Tensor]:
    leaves = [tensor.detach().requires_grad_() for tensor in given]
    out = function(*leaves, **options)
    weight = torch.linspace(-1.0, 1.0, out.numel(), dtype=out.dtype).view_as(out)
    first = torch.autograd.grad((out * weight).sum(), leaves, create_graph=True)
    second = torch.autograd.grad([each.square().sum() for each in first], leaves)
    return [out, *first, *second]


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize(("shape", "keys", "width"), [((3, 4, 2, 8), 2, 8), ((5, 1, 3), 4, 7), ((2, 3), 2, 3)])
def test_few_positions_attend_as_the_math_kernel_says(
    shape: tuple[int, ...], keys: int, width: int, scale: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    query = torch.randn(shape, dtype=torch.float64)
    key = torch.randn(*shape[:-2], keys, shape[-1], dtype=torch.float64)
    value = torch.randn(*shape[:-2], keys, width, dtype=torch.float64)
    expected = derivatives(math, [query, key, value], scale=scale)
    monkeypatch.delattr(torch.ops.aten, "_scaled_dot_product_attention_math")  # the case must not fall back to it
    for found, wanted in zip(derivatives(attention, [query, key, value], scale=scale), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


def test_what_is_not_plain_goes_to_the_math_kernel() -> None:
    query, key, value = (torch.randn(2, 2, 4) for _ in range(3))
    causal = attention(query, key, value, None, 0.0, True)
    torch.testing.assert_close(causal[:, 0], value[:, 0])
    with pytest.raises(RuntimeError):
        attention(query[..., :1], key, value)  # widths that differ are not broadcast
