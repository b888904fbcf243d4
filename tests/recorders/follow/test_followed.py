"""The recorded model is the trained one, whatever else is alive in the process, or dead and not collected yet."""

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import sedscope

X = torch.arange(20.0).reshape(5, 4) / 20
NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


def make(*, bigger: bool = False) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    torch.manual_seed(0)
    between = [nn.Linear(6, 6)] * bigger
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), *between, nn.Linear(6, 2))
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def losses_of(out: Tensor) -> dict[str, Tensor]:
    return {"a": out.square().mean(), "b": out.abs().mean()}


def hidden_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """A step whose losses do not show the parameters."""
    optimizer.zero_grad()
    out = checkpoint(model, X.clone().requires_grad_(True), use_reentrant=True)
    sedscope.backward(losses_of(out))
    optimizer.step()


def recorded_names(it: Any) -> list[str]:
    return [each["name"] for each in it.writer.manifest["parameters"]]


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Garbage stays where it is until somebody asks for its collection."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_garbage_is_no_model(recording: Any, uncollected: None, capsys: Any) -> None:
    gone: list[Any] = list(make(bigger=True))
    gone.append(gone)
    del gone
    model, optimizer = make()
    with recording(every=1) as it:
        hidden_step(model, optimizer)
        assert it.session.output.is_open
    assert recorded_names(it) == NAMES and it.writer.manifest["selection"]["P"] == 44
    assert "gradients of single tasks are not recorded" in capsys.readouterr().err


def test_a_wrapper_that_is_garbage_gives_no_names(recording: Any, uncollected: None) -> None:
    model, optimizer = make()
    gone: list[Any] = [nn.Sequential(model)]
    gone.append(gone)
    del gone
    with recording(every=1) as it:
        losses_of(model(X))["a"].backward()
        optimizer.step()
    assert recorded_names(it) == NAMES


def test_an_optimizer_that_is_garbage_shares_nothing(recording: Any, uncollected: None) -> None:
    model = make()[0]
    gone: list[Any] = [torch.optim.AdamW(model.parameters())]
    gone.append(gone)
    del gone
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    with recording(every=1) as it:
        losses_of(model(X))["a"].backward()
        optimizer.step()
    assert sorted(it.writer.stored_rows["update"]) == [0]


def test_a_bigger_model_that_is_alive_costs_the_gathered_gradients_alone(recording: Any) -> None:
    other = make(bigger=True)
    model, optimizer = make()
    with recording(every=1) as it:
        hidden_step(model, optimizer)
        assert it.session.selection.size == 44
        for _ in range(2):
            optimizer.zero_grad()
            sedscope.backward(losses_of(model(X)))
            optimizer.step()
    assert recorded_names(it) == NAMES and len(other) == 2
    assert sorted(it.writer.stored_rows["gradient"]) == [0, 1, 2]
    assert sorted(it.writer.stored_rows["gradient/a"]) == [1, 2]
    assert sorted(it.writer.stored_scalars["loss/a"]) == [0, 1, 2]
    both = it.writer.stored_rows["gradient/a"][2] + it.writer.stored_rows["gradient/b"][2]
    np.testing.assert_allclose(both, it.writer.stored_rows["gradient"][2], rtol=1e-5, atol=1e-7)
    dropped = "gradients of tasks before the first step were of another model: dropped"
    assert ("parameter", dropped, None) in it.writer.notes


def test_a_graph_that_hides_its_parameters_is_still_found_out_after_a_wrong_guess(recording: Any, capsys: Any) -> None:
    other = make(bigger=True)
    model, optimizer = make()
    with recording(every=1) as it:
        for _ in range(3):
            hidden_step(model, optimizer)
    assert "gradients of single tasks are not recorded" in capsys.readouterr().err
    assert set(it.writer.stored_rows) == {"gradient", "update"} and len(other) == 2


def test_a_bigger_model_in_the_losses_that_nobody_steps(recording: Any) -> None:
    teacher, _ = make(bigger=True)
    model, optimizer = make()
    with recording(every=1) as it:
        for _ in range(2):
            optimizer.zero_grad()
            sedscope.backward(losses_of(model(X) - teacher(X)))
            optimizer.step()
    assert recorded_names(it) == NAMES
    assert sorted(it.writer.stored_rows["gradient/a"]) == [1]


def test_an_optimizer_that_has_no_part_in_the_named_losses_is_passed_over(recording: Any) -> None:
    (model, optimizer), (critic, other) = make(), make(bigger=True)
    with recording(every=1) as it:
        for _ in range(2):
            losses_of(critic(X))["a"].backward()
            sedscope.backward(losses_of(model(X)))
            other.step()
            optimizer.step()
            optimizer.zero_grad()
    assert recorded_names(it) == NAMES and it.session.t == 2
    assert sorted(it.writer.stored_rows["gradient/a"]) == [0, 1]


@pytest.mark.parametrize("hidden", [True, False])
def test_a_model_that_the_script_names_takes_the_place_of_a_guess(recording: Any, hidden: bool) -> None:
    other = make(bigger=True)
    model, optimizer = make()
    outer = nn.ModuleDict({"body": model})
    with recording(every=1) as it:
        out = checkpoint(model, X.clone().requires_grad_(True), use_reentrant=True) if hidden else model(X)
        sedscope.backward(losses_of(out))
        sedscope.probe(model, task="a", inputs=X, targets=torch.zeros(5, dtype=torch.long))
        optimizer.step()
    assert recorded_names(it) == NAMES and len(outer) == 1 and len(other) == 2
    assert it.writer.probes["a"][1]["why_no_program"] is None


def test_a_selection_that_another_model_does_not_have(recording: Any) -> None:
    other = nn.ModuleDict({f"layer{index}": nn.Linear(2, 2) for index in range(4)})
    steps_other = torch.optim.SGD(other.parameters(), lr=0.1)
    model, optimizer = make()
    with recording(every=1, select=("2.*",)) as it:
        hidden_step(model, optimizer)
    assert it.writer.manifest["selection"]["P"] == 14 and steps_other.param_groups


def test_modules_and_optimizers_that_were_never_built_are_alive_too(recording: Any) -> None:
    strange = [nn.Linear.__new__(nn.Linear), torch.optim.SGD.__new__(torch.optim.SGD)]
    model, optimizer = make()
    with recording(every=1) as it:
        hidden_step(model, optimizer)
    assert recorded_names(it) == NAMES and len(strange) == 2
