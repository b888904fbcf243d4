"""Every rule alone, and programs drawn over the whole table, against double backward."""

from __future__ import annotations

import pytest
import torch
from double_backward import (
    directions_in_turn,
    linear_score,
    products_by_double_backward,
    products_by_tangents,
    worst_deviation,
)
from drawn_program import OPERATIONS, STATE, N, ProgramDrawing
from hypothesis import given, settings
from hypothesis import strategies as st

from recorders.errors import RefusedError
from recorders.program.storage.graph import Ref

FEATURE, W, G, B = Ref(6), Ref(3), Ref(4), Ref(5)
"""Values of a drawn program: the displaced input `[3, 2, 4]`, and parameters `[4, 4]`, `[2, 4]`, `[4]`."""


def deviation(drawing: ProgramDrawing) -> float | None:
    """The worst deviation of all products, in turn; None where no product is asked of either."""
    program = drawing.program()
    z = program.run(drawing.state, drawing.inputs, drawing.values[2])[0]
    asked = (program, drawing.state, drawing.inputs, linear_score(z.shape), directions_in_turn(drawing.state, [*STATE]))
    try:
        expected = products_by_double_backward(*asked)
    except (RuntimeError, RefusedError):  # an operation without the derivatives
        return None
    if not all(torch.isfinite(product).all() for pair in expected for product in pair):
        return None
    try:
        return worst_deviation(products_by_tangents(*asked), expected)
    except RefusedError as refusal:
        if "in no number" in str(refusal):
            return None
        raise


FIXED_ROW = [("select.int", Ref(0), 0, 1), ("select.int", Ref(7), 0, 1)]
"""Four numbers that depend on nothing, value 8."""

MOVING = ("mul.Tensor", FEATURE, G)
RULES = {
    "linear": [("linear", FEATURE, W, B)],
    "linear, fixed matrix": [FIXED_ROW[0], MOVING, ("linear", Ref(8), Ref(7)), ("tanh", Ref(9))],
    "mm": [("reshape", FEATURE, (-1, 4)), ("mm", Ref(7), W), ("tanh", Ref(8))],
    "addmm": [("reshape", FEATURE, (-1, 4)), ("addmm", B, Ref(7), W), ("tanh", Ref(8))],
    "matmul": [("matmul", FEATURE, W), ("tanh", Ref(7))],
    "bmm": [("transpose.int", FEATURE, 1, 2), MOVING, ("bmm", Ref(8), Ref(7)), ("bmm", Ref(9), Ref(8))],
    "layer norm": [MOVING, ("layer_norm", Ref(7), (4,), B, B), ("tanh", Ref(8))],
    "layer norm, no gain": [MOVING, ("layer_norm", Ref(7), (4,)), ("tanh", Ref(8))],
    "layer norm, fixed gain": [*FIXED_ROW, ("layer_norm", FEATURE, (4,), Ref(8), B), ("tanh", Ref(9))],
    "native layer norm": [MOVING, ("native_layer_norm", Ref(7), (4,), B, None, 1e-5), ("tanh", Ref(9))],
    "rms norm": [MOVING, ("rms_norm", Ref(7), (4,), B, 1e-5), ("tanh", Ref(8))],
    "rms norm, no gain": [MOVING, ("rms_norm", Ref(7), (4,)), ("tanh", Ref(8))],
    "pointwise": [MOVING, ("gelu", Ref(7)), ("atan2", Ref(8), Ref(7))],
    "broadcast": [MOVING, ("mean.dim", Ref(7), (-1,), True), ("div.Tensor", Ref(7), Ref(8))],
    "add": [MOVING, ("add.Tensor", Ref(7), FEATURE), ("square", Ref(8))],
    "softmax": [MOVING, ("softmax.int", Ref(7), -1), ("mul.Tensor", Ref(8), Ref(7))],
    "inner softmax": [MOVING, ("softmax.int", Ref(7), 1), ("mul.Tensor", Ref(8), Ref(7))],
    "embedding": [("embedding", W, Ref(1)), ("mul.Tensor", FEATURE, Ref(7)), ("square", Ref(8))],
    "padded embedding": [("embedding", W, Ref(1), 2), ("mul.Tensor", FEATURE, Ref(7)), ("square", Ref(8))],
    "gather": [MOVING, ("repeat", Ref(7), (1, 1, 2)), ("roll", Ref(8), (1,), (2,)), ("square", Ref(9))],
    "split": [MOVING, ("split.Tensor", Ref(7), 1, 1), ("mul.Tensor", Ref(9), Ref(7)), ("square", Ref(10))],
    "detached": [MOVING, ("detach", Ref(7)), ("mul.Tensor", Ref(8), Ref(7)), ("square", Ref(9))],
    "largest": [MOVING, ("max.dim", Ref(7), 2), ("square", Ref(9))],
    "batch norm": [*FIXED_ROW, MOVING, ("reshape", Ref(9), (3, 4, 2)), ("square", Ref(10)),
                   ("batch_norm", Ref(11), B, B, Ref(8), Ref(8), False, 0.1, 1e-5, False), ("tanh", Ref(12))],
    "batch norm, no gain": [*FIXED_ROW, MOVING, ("reshape", Ref(9), (3, 4, 2)),
                   ("batch_norm", Ref(10), None, None, Ref(8), Ref(8), False, 0.1, 1e-5, False), ("square", Ref(11))],
    "convolution": [("reshape", G, (2, 2, 2)), ("conv1d", FEATURE, Ref(7)), ("tanh", Ref(8)),
                    ("conv1d", Ref(9), Ref(7), None, (1,), (1,))],
    "image convolution": [("reshape", FEATURE, (3, 2, 2, 2)), ("reshape", W, (4, 2, 2, 1)),
                          ("conv2d", Ref(7), Ref(8), B, (1, 1), (1, 0)), ("square", Ref(9)),
                          ("conv2d", Ref(10), Ref(8), None, (1, 1), (0, 0), (1, 1), 2)],
    "max pool": [MOVING, ("reshape", Ref(7), (3, 1, 2, 4)), ("max_pool2d", Ref(8), (2, 2), (1, 1)), ("square", Ref(9))],
    "average pool": [MOVING, ("reshape", Ref(7), (3, 1, 2, 4)), ("avg_pool2d", Ref(8), (2, 2)), ("square", Ref(9))],
}  # fmt: skip


def alone(nodes) -> ProgramDrawing:
    drawing = ProgramDrawing(0)
    for op, *args in nodes:
        assert drawing.append(f"aten.{op}" if "." in op else f"aten.{op}.default", tuple(args), (), entry=0), op
    return drawing


@pytest.mark.parametrize("name", RULES)
def test_a_rule_alone(name):
    found = deviation(alone(RULES[name]))
    assert found is not None
    assert found < 1e-12


@pytest.mark.parametrize("mask", [None, "causal", "bool", "float"])
@pytest.mark.parametrize("row", [None, 1])
def test_attention_alone(mask, row):
    drawing = alone([
        *(("linear", FEATURE, W), MOVING, ("linear", Ref(8), W, B)),
        *(("reshape", ref, (3, 2, 2, 2)) for ref in (Ref(7), Ref(8), Ref(9))),
        *(("transpose.int", ref, 1, 2) for ref in (Ref(10), Ref(11), Ref(12))),
        *({"bool": [("gt.Scalar", Ref(13), -1.0)], "float": [("tril", Ref(0))]}.get(str(mask), [("detach", W)])),
    ])  # fmt: skip
    shaped = {"bool": ("select.int", Ref(16), 0, 0), "float": ("slice.Tensor", Ref(16), 2, 0, 2)}
    given_mask = None
    if mask in shaped:
        drawing.append(f"aten.{shaped[mask][0]}", shaped[mask][1:], ())
        given_mask = Ref(17)
        if mask == "float":
            drawing.append("aten.unsqueeze.default", (Ref(17), 1), ())
            given_mask = Ref(18)
    query = (Ref(13), Ref(14), Ref(15), given_mask, 0.0, mask == "causal")
    assert drawing.append("aten.scaled_dot_product_attention.default", query, ())
    if row is not None:
        drawing.append("aten.select.int", (Ref(len(drawing.values) - 1), 2, row), ())
    found = deviation(drawing)
    assert found is not None
    assert found < 1e-12


def test_layer_norm_with_a_bias_but_no_gain():
    """Torch's own second derivative by that bias is missing, so the oracle gets a gain of ones."""
    ours = alone([("layer_norm", FEATURE, (4,), None, B), ("tanh", Ref(7))])
    with_ones = alone(
        [*FIXED_ROW, ("div.Tensor", Ref(8), Ref(8)), ("layer_norm", FEATURE, (4,), Ref(9), B), ("tanh", Ref(10))]
    )
    rest = (ours.state, ours.inputs, linear_score((3, 2, 4)), directions_in_turn(ours.state, ["b"]))
    expected = products_by_double_backward(with_ones.program(), *rest)
    assert worst_deviation(products_by_tangents(ours.program(), *rest), expected) < 1e-12
    assert float(expected[0][0].norm()) > 0.1


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=8))
def test_programs_drawn_over_the_whole_table(seed, operations):
    drawing = ProgramDrawing(seed)
    for name in ("mul.Tensor", "linear.default"):
        drawing.grow(f"aten.{name}")
    for op in operations:
        drawing.grow(op)
    assert (deviation(drawing) or 0.0) < 1e-10


def test_drawn_programs_have_products():
    """Most of the drawn programs are compared, and few operations are never drawn with a derivative."""
    compared = 0
    for seed in range(40):
        drawing = ProgramDrawing(seed)
        for op in ("aten.mul.Tensor", drawing.choose.choice(OPERATIONS), "aten.linear.default"):
            drawing.grow(op)
        compared += deviation(drawing) is not None
    assert compared >= 20
    assert N == 3
