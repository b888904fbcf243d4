"""adam/weight_decay is what the optimizer did: adaptive + decay = update, whatever is frozen or regrouped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sedscope

Change = Callable[[nn.Module, torch.optim.Optimizer, int], Any]


def thaw(model: Any, optimizer: torch.optim.Optimizer, t: int) -> None:
    model[0].requires_grad_(t >= 2)
    model[2].requires_grad_(t < 2)


def regroup(model: Any, optimizer: torch.optim.Optimizer, t: int) -> None:
    if t == 0:
        optimizer.param_groups[0]["params"] = list(model[0].parameters())
    if t == 2:
        optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.01, "weight_decay": 0.9})


def skip_all(model: Any, optimizer: torch.optim.Optimizer, t: int) -> None:
    if t == 3:
        optimizer.register_step_pre_hook(lambda *_: optimizer.zero_grad())


def reschedule(model: Any, optimizer: torch.optim.Optimizer, t: int) -> None:
    if t == 0:
        hook = lambda *_: optimizer.param_groups[0].update(lr=optimizer.param_groups[0]["lr"] * 0.5)  # noqa: E731
        optimizer.register_step_pre_hook(hook)


@pytest.mark.parametrize("change", [thaw, regroup, skip_all, reschedule])
def test_adaptive_and_decay_make_the_update(tmp_path: Path, change: Change) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    with sedscope.record(tmp_path / "run", every=1, select="all"):
        for t in range(5):
            change(model, optimizer, t)
            optimizer.zero_grad()
            model(torch.ones(4, 3).double()).square().sum().backward()
            optimizer.step()
    run = sedscope.open_run(tmp_path / "run")
    update, adaptive, decay = (run.rows(name, range(5)) for name in ("update", "adam/adaptive", "adam/weight_decay"))
    np.testing.assert_allclose(adaptive + decay, update, atol=1e-12)
    assert np.abs(decay).max() > 0 and run.damage == ()
    assert list(optimizer._optimizer_step_pre_hooks) == [] or change in (skip_all, reschedule)


def test_other_groups_after_a_resume(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(4, 3).double()).square().sum().backward()
            optimizer.step()

    with sedscope.record(tmp_path / "run", every=1, select="all"):
        train(3)
    kept = optimizer.state
    groups = [{"params": model[2].parameters(), "lr": 0.02}, {"params": model[0].parameters(), "weight_decay": 0.9}]
    optimizer = torch.optim.AdamW(groups, lr=0.1, weight_decay=0.25)
    optimizer.state.update(kept)
    model[0].bias.requires_grad_(False)
    model[0].bias.grad = None
    with sedscope.record(tmp_path / "run", every=1, select="all", resume=True) as session:
        train(3)
    assert session.t == 6
    run = sedscope.open_run(tmp_path / "run")
    update, adaptive, decay = (run.rows(name, range(6)) for name in ("update", "adam/adaptive", "adam/weight_decay"))
    np.testing.assert_allclose(adaptive + decay, update, atol=1e-12)
    np.testing.assert_allclose(decay[4][:12], -0.1 * 0.9 * run.weights(4)["0.weight"].ravel())
    assert not decay[4][12:16].any() and run.damage == ()
