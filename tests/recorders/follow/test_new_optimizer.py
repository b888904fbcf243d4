"""A script that makes a new optimizer in mid-training: the new one is followed, or refused in plain words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sedscope
from recorders.errors import RefusedError
from sedscope.runs import open_run

X = torch.arange(12.0).reshape(4, 3) / 12


def make(kind: Any = torch.optim.AdamW) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    return model, kind(model.parameters(), lr=0.1)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(X).square().mean().backward()
        optimizer.step()


def test_rows_go_on_and_the_stages_are_those_of_the_new_state(recording: Any, capsys: Any) -> None:
    model, optimizer = make()
    with recording(every=1) as it:
        train(model, optimizer, 3)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        before = [parameter.detach().clone() for parameter in model.parameters()]
        train(model, optimizer, 1)
        gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
        update = torch.cat([(now - then).flatten() for now, then in zip(model.parameters(), before, strict=True)])
        train(model, optimizer, 1)
    rows = it.writer.stored_rows
    assert it.session.t == 5 and all(sorted(each) == [0, 1, 2, 3, 4] for each in rows.values())
    np.testing.assert_allclose(rows["adam/momentum"][3], gradient, rtol=1e-5)  # m̂ of a first step is the gradient
    np.testing.assert_allclose(rows["adam/adaptive"][3], -0.01 * gradient.sign(), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(rows["update"][3], update.detach(), rtol=1e-6)
    assert it.writer.stored_scalars["lr/0"][3] == [0.01]
    line = "the script has made a new AdamW, with an empty state: it is followed from t = 3 on"
    assert ("parameter", line, 3) in it.writer.notes and line in capsys.readouterr().err
    assert ("count", "-3 anew", 3) in it.writer.notes


def test_one_that_steps_other_parameters_in_other_groups(tmp_path: Path) -> None:
    model, optimizer = make()
    with sedscope.record(tmp_path / "run", every=1):
        train(model, optimizer, 2)
        first, second = model[0], model[2]
        first.weight.requires_grad_(False)
        groups = [{"params": [first.bias], "weight_decay": 0.5}, {"params": second.parameters(), "lr": 0.02}]
        optimizer = torch.optim.AdamW(groups, lr=0.1, weight_decay=0.25)
        train(model, optimizer, 2)
    run = open_run(tmp_path / "run")
    decay = run.rows("adam/weight_decay", [3])[0]
    theta = run.weights(3)
    assert not decay[:12].any()
    np.testing.assert_allclose(decay[12:16], -0.1 * 0.5 * theta["0.bias"], rtol=1e-6)
    np.testing.assert_allclose(decay[16:24], -0.02 * 0.25 * theta["2.weight"].ravel(), rtol=1e-6)
    adaptive, update = run.rows("adam/adaptive", [3])[0], run.rows("update", [3])[0]
    np.testing.assert_allclose(adaptive + decay, update, atol=1e-6)


def test_two_that_take_turns(recording: Any) -> None:
    model, first = make(torch.optim.SGD)
    second = torch.optim.SGD(model.parameters(), lr=0.2)
    with recording(every=1, may_stop=True) as it:
        train(model, first, 2)
        train(model, second, 1)
        train(model, first, 1)
    assert "two optimizers (SGD) take turns at the selected parameters" in it.session.stopped
    assert sorted(it.writer.stored_rows["update"]) == [0, 1, 2]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_one_of_another_kind(recording: Any, kind: Any) -> None:
    model, first = make()
    with recording(every=1, may_stop=True) as it:
        train(model, first, 2)
        train(model, kind(model.parameters(), lr=0.1), 1)
    assert f"the script has made a new optimizer, {kind.__name__} after AdamW" in it.session.stopped
    assert sorted(it.writer.stored_rows["update"]) == [0, 1]


def test_an_intervention_goes_on_with_the_new_one(recording: Any) -> None:
    model, optimizer = make()
    freeze = sedscope.Intervention("freeze")
    with recording(every=1, intervention=freeze) as it:
        before = model[0].weight.detach().clone()
        train(model, optimizer, 1)
        train(model, torch.optim.AdamW(model.parameters(), lr=0.1), 2)
        assert torch.equal(model[0].weight, before)
    assert it.session.t == 3


def test_a_momentum_basis_is_the_new_ones(recording: Any) -> None:
    model, optimizer = make()
    keep = sedscope.Intervention("keep-sed", on="update", basis_source="momentum", window=2, rank=1)
    with recording(every=1, intervention=keep) as it:
        train(model, optimizer, 3)
        train(model, torch.optim.AdamW(model.parameters(), lr=0.1), 3)
    assert it.session.t == 6


def test_a_resumed_recording_asks_where_the_count_began_anew(tmp_path: Path) -> None:
    model, optimizer = make()
    with sedscope.record(tmp_path / "run", every=1):
        train(model, optimizer, 6)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        train(model, optimizer, 4)
    with sedscope.record(tmp_path / "run", every=1, resume=True) as session:
        train(model, optimizer, 1)
    assert "as those of this run had at t = 4 and at t = 10; give --first-step" in str(session.stopped)
    with sedscope.record(tmp_path / "run", every=1, resume=True, first_step=11) as session:
        train(model, optimizer, 4)
    assert session.t == 15
    with sedscope.record(tmp_path / "run", every=1, resume=True) as session:
        train(model, optimizer, 1)  # nine steps: the first optimizer never made so many
    assert session.t == 16


def test_refusals_are_refused_errors(tmp_path: Path) -> None:
    model, first = make()
    with pytest.raises(RefusedError, match="SGD after AdamW"), sedscope.record(tmp_path / "run", intervene="freeze"):
        train(model, first, 1)
        train(model, torch.optim.SGD(model.parameters(), lr=0.1), 1)
