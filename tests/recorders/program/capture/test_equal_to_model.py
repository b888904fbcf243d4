"""A captured program is the model: outputs, centroids and J v, in float32 and float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from recorders.program import Capture, Program, capture_program, load


def in_float64(case: Any) -> None:
    case.model.double()
    case.inputs = tuple(x.double() if x.is_floating_point() else x for x in case.inputs)


def in_true_float64(case: Any) -> tuple[Tensor, ...]:
    """The model's outputs, where an integer divided by an integer is a float64 too."""
    torch.set_default_dtype(torch.float64)
    try:
        return case.outputs()
    finally:
        torch.set_default_dtype(torch.float32)


def apart(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def test_outputs_equal_the_models(case: Any, program: Program) -> None:
    case.model.eval()
    found = program.run(case.model.state_dict(), case.inputs, torch.zeros(()))
    assert len(found) == len(case.outputs())
    for ours, theirs in zip(found, case.outputs(), strict=True):
        assert apart(ours, theirs) <= 2e-6


def test_float64_runs_a_program_captured_in_float32(case: Any, program: Program) -> None:
    case.model.eval()
    in_float64(case)
    found = program.run(case.model.state_dict(), case.inputs, torch.zeros((), dtype=torch.float64))
    for ours, theirs in zip(found, in_true_float64(case), strict=True):
        assert ours.dtype == torch.float64
        assert apart(ours, theirs) <= 1e-12


def test_jv_equals_a_central_difference_of_the_models_centroids(case: Any, program: Program) -> None:
    case.model.eval()
    in_float64(case)
    parameters = dict(case.model.named_parameters())
    generator = torch.Generator().manual_seed(1)
    v = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in parameters.items()}
    norm = torch.sqrt(sum((x**2).sum() for x in v.values()))
    v = {name: x / norm for name, x in v.items()}

    ours = program_jv(program, case, v)
    moved = [model_centroids(case, program, parameters, v, sign * 1e-4) for sign in (1, -1)]
    theirs = (moved[0] - moved[1]) / 2e-4

    assert float(theirs.abs().max()) > 1e-3  # otherwise nothing was compared
    assert apart(ours, theirs) <= 1e-6


def program_jv(program: Program, case: Any, v: dict[str, Tensor]) -> Tensor:
    """The derivative d μ/dε by double backward through the program: g = ∂Σs/∂θ, then ∂⟨g, v⟩/∂δ."""
    state = {name: tensor.detach().requires_grad_(name in v) for name, tensor in case.model.state_dict().items()}
    delta = zero_delta(program, len(case.inputs[0]))
    scores = sum(tanh_sum(y) for y in program.run(state, case.inputs, delta))
    used = [name for name in v if name in program.state_names]
    first = torch.autograd.grad(scores, [state[name] for name in used], create_graph=True)
    dot = sum((g * v[name]).sum() for g, name in zip(first, used, strict=True))
    return torch.autograd.grad(dot, delta)[0]


def model_centroids(case: Any, program: Program, parameters: Any, v: dict[str, Tensor], step: float) -> Tensor:
    """μ = ∂Σs/∂δ of the live model at θ + step·v."""
    with torch.no_grad():
        for name, p in parameters.items():
            p.add_(v[name], alpha=step)
    delta = zero_delta(program, len(case.inputs[0]))
    with case.displaced(delta) as inputs:
        scores = sum(tanh_sum(y) for y in case.outputs(inputs))
    (centroids,) = torch.autograd.grad(scores, delta)
    with torch.no_grad():
        for name, p in parameters.items():
            p.sub_(v[name], alpha=step)
    return centroids


def tanh_sum(y: Tensor) -> Tensor:
    """A score that is not linear in the outputs, so that no second derivative vanishes by accident."""
    return (y + 0.3 * torch.tanh(y) * y).sum()


def zero_delta(program: Program, batch: int) -> Tensor:
    return torch.zeros((batch, *program.feature_shape), dtype=torch.float64, requires_grad=True)


def test_the_json_is_the_same_bytes_every_time(build: Any, taken: Any) -> None:
    case = build("encoder")
    assert capture_program(case.model, case.inputs).program_json == taken("encoder").program_json


def test_the_json_is_small_and_names_no_device(taken: Any) -> None:
    for name in ("encoder", "llama", "cnn", "in place"):
        assert len(taken(name).program_json) < 12_000
        assert b"cpu" not in taken(name).program_json.replace(b"+cpu", b"")
        assert b"device" not in taken(name).program_json


def test_a_tied_weight_is_one_weight(taken: Any) -> None:
    names = loaded(taken("tied gpt")).state_names
    assert "wte.weight" in names
    assert "head.weight" not in names


def test_a_buffer_outside_the_state_dict_is_a_constant(build: Any, taken: Any) -> None:
    model = build("llama").model
    assert set(loaded(taken("llama")).state_names) <= set(model.state_dict())
    assert any(torch.equal(c, model.inverse) for c in taken("llama").constants.values())


def test_a_trunk_with_heads_is_one_program_with_their_names(taken: Any) -> None:
    assert loaded(taken("shared trunk")).output_names == ("add", "mul")
    assert loaded(taken("one head of a trunk")).output_names == ("mul",)


def test_the_feature_point_is_told(taken: Any) -> None:
    assert [taken(name).at for name in ("encoder", "gpt", "mlp", "mlp, inner feature")] == ["tok_emb", "wte", "", "2"]
    assert loaded(taken("encoder")).feature_shape == (2, 16)


def test_a_model_can_be_run_by_a_callable(build: Any) -> None:
    case = build("shared trunk")
    found = capture_program(case.model, case.inputs, run=lambda model, a, b: model(a, b)["add"] * 2)
    assert found.outputs == ("",)
    (ours,) = loaded(found).run(case.model.state_dict(), case.inputs, torch.zeros(()))
    case.model.eval()
    assert apart(ours, case.outputs()[0] * 2) <= 2e-6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["encoder", "llama", "in place"])
def test_a_capture_from_a_gpu_runs_on_the_cpu(build: Any, taken: Any, name: str) -> None:
    case = build(name)
    found = capture_program(case.model.cuda(), tuple(x.cuda() for x in case.inputs))
    assert found.program_json == taken(name).program_json
    assert all(constant.device.type == "cpu" for constant in found.constants.values())


def loaded(found: Capture) -> Program:
    return load(found.program_json, found.constants)
