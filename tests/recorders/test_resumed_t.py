"""Where a resumed session's t begins, for an optimizer that had made steps before it was recorded."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

import sedscope
from sedscope.runs import open_run


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(5, 3)).square().mean().backward()
        optimizer.step()


def test_steps_before_the_recording_do_not_count_after_it_either(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    train(model, optimizer, 100)
    for resume, begins in ((False, 0), (True, 20), (True, 30)):
        with sedscope.record(tmp_path / "run", every=5, resume=resume) as session:
            train(model, optimizer, 10 if resume else 20)
        assert session.t == begins + (10 if resume else 20)
    assert list(open_run(tmp_path / "run").weight_steps()) == list(range(0, 41, 5))


def test_a_stretch_that_is_lost_is_said(tmp_path: Path, capsys: Any) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with sedscope.record(tmp_path / "run", every=2):
        train(model, optimizer, 4)
    train(model, optimizer, 5)
    with sedscope.record(tmp_path / "run", every=2, resume=True) as session:
        train(model, optimizer, 1)
    assert session.t == 10
    assert "the run ends at t = 4 and goes on at t = 9: what was between is lost" in capsys.readouterr().err
