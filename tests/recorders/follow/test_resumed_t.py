"""Where a resumed session's t begins, for an optimizer that had made steps before it was recorded."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

import sedscope
from recorders.follow.journal_notes import possible_t
from recorders.store.resume import CountLead
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


def test_steps_without_a_gradient_count_after_a_resume_too(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with sedscope.record(tmp_path / "run", every=2) as session:
        for _ in range(3):
            optimizer.step()  # nothing was sent backward: t counts it, the optimizer's state does not
        train(model, optimizer, 4)
        optimizer.zero_grad()
        optimizer.step()
        train(model, optimizer, 2)
    assert session.t == 10
    for end in (13, 16):
        with sedscope.record(tmp_path / "run", every=2, resume=True) as session:
            train(model, optimizer, 3)
        assert session.t == end


def test_an_earlier_checkpoint_goes_back_to_its_own_t(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with sedscope.record(tmp_path / "run", every=1):
        train(model, optimizer, 1)
        early = copy.deepcopy(optimizer.state_dict())
        train(model, optimizer, 1)
        optimizer.zero_grad()
        optimizer.step()
        train(model, optimizer, 2)
    optimizer.load_state_dict(early)
    with sedscope.record(tmp_path / "run", every=1, resume=True) as session:
        train(model, optimizer, 1)
    assert session.t == 2


def test_what_holds_where() -> None:
    counts = [CountLead(0, 100), CountLead(5, 98)]  # two steps from t = 3 on were not counted
    assert [possible_t(made, counts) for made in (102, 103, 104, 150)] == [[2], [5], [6], [52]]
    assert possible_t(3, counts) == [-95]
    counts.append(CountLead(50, -50, of_new_optimizer=True))
    assert [possible_t(made, counts) for made in (12, 102, 147, 148)] == [[62], [2, 152], [49, 197], [198]]
