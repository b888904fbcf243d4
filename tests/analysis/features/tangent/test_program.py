"""Tangents of whole models against double backward."""

from __future__ import annotations

import pytest
import torch
from double_backward import (
    directions_in_turn,
    linear_score,
    no_delta,
    products_by_double_backward,
    products_by_tangents,
    worst_deviation,
)
from program_zoo import ZOO

from recorders.errors import RefusedError
from recorders.program import Program, capture_program, load
from sedscope.analysis.features.tangent.plan import TangentPlan
from sedscope.analysis.features.tangent.scored_program import ScoredProgram


def captured(name: str) -> tuple[Program, dict[str, torch.Tensor], list[torch.Tensor], list[str]]:
    """A model of the zoo as program, its state and inputs in float64, and its parameters."""
    torch.manual_seed(0)
    case = ZOO[name]()
    capture = capture_program(case.model, case.inputs, **case.arguments)
    program = load(capture.program_json, capture.constants)
    doubled = {n: t.double() if t.is_floating_point() else t for n, t in case.model.state_dict().items()}
    inputs = [t.double() if t.is_floating_point() else t for t in case.inputs]
    parameters = [n for n, _ in case.model.named_parameters() if n in program.state_names]
    return program, doubled, inputs, parameters


@pytest.mark.parametrize("name", ZOO)
def test_products_are_those_of_double_backward(name):
    program, state, inputs, parameters = captured(name)
    z = program.run(state, inputs, no_delta(program, inputs))[0]
    matrices = [n for n in parameters if state[n].ndim > 1]
    for selected in (parameters, matrices[:1], matrices[-2:]):
        asked = (program, state, inputs, linear_score(z.shape), directions_in_turn(state, selected))
        assert worst_deviation(products_by_tangents(*asked), products_by_double_backward(*asked)) < 1e-12, selected


def test_only_rows_that_reach_the_score_are_computed():
    program, state, inputs, parameters = captured("encoder")
    plan = TangentPlan(program, 0, None, parameters, state, inputs, no_delta(program, inputs))
    # Two tokens per example, of which the head reads one: from the last attention's queries on, half of the rows.
    n, width = len(inputs[0]), 16
    heights = [op.window.shape[0] for op in plan.operations if op.window.shape[1:] == (width,)]
    assert set(heights) == {2 * n, n}
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(("name", "is_taken"), [("gpt", True), ("cnn", True), ("llama", False), ("in place", False)])
def test_double_backward_takes_programs_of_which_many_operations_have_no_rule(name, is_taken):
    program, state, inputs, parameters = captured(name)
    scored = ScoredProgram(program, 0, None, lambda z, _: (z.flatten(1).sum(1), z.flatten(1)), 5)
    jvp = scored.tangent_jvp(state, parameters, (*inputs, inputs[0]), no_delta(program, inputs))
    assert (jvp is not None) == is_taken


def test_blocks_of_probes_do_not_matter():
    program, state, inputs, parameters = captured("encoder")
    v = [torch.randn_like(state[name]) for name in parameters]
    products = []
    for block in (5, 12):
        scored = ScoredProgram(program, 0, None, lambda z, _: (z.sum(1), z), block)
        jvp = scored.tangent_jvp(state, parameters, (*inputs, inputs[0]), no_delta(program, inputs))
        products.append(jvp(v))
    for small, whole in zip(*products, strict=True):
        torch.testing.assert_close(small, whole, rtol=1e-12, atol=1e-12)


def test_a_program_without_selected_parameters_has_no_plan():
    program, state, inputs, _ = captured("mlp")
    with pytest.raises(RefusedError, match="depends on the selected parameters"):
        TangentPlan(program, 0, None, [], state, inputs, no_delta(program, inputs))
