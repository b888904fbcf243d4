"""Writes to selected weights between steps: seen, noted with t, and a source that completes the displacement."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sedscope


class Training:
    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.first = copy.deepcopy(self.model.state_dict())

    def theta(self) -> np.ndarray:
        return torch.cat([each.detach().flatten() for each in self.model.parameters()]).double().numpy()

    def run(
        self, write: Callable[["Training", int], None], steps: int = 6
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return θ before and after each step."""
        starts, ends = [], []
        for t in range(steps):
            write(self, t)
            self.optimizer.zero_grad()
            self.model(torch.ones(5, 3)).square().mean().backward()
            starts.append(self.theta())
            self.optimizer.step()
            ends.append(self.theta())
        write(self, steps)
        starts.append(self.theta())
        return starts, ends


@torch.no_grad()
def renormalise(training: Training, t: int) -> None:
    if t:
        for parameter in training.model.parameters():
            parameter.mul_(0.9)


def clip_through_data(training: Training, t: int) -> None:
    if t == 3:
        for parameter in training.model.parameters():
            parameter.data.clamp_(-0.1, 0.1)


def load_a_checkpoint(training: Training, t: int) -> None:
    if t == 4:
        training.model.load_state_dict(training.first)


@torch.no_grad()
def reinitialise(training: Training, t: int) -> None:
    if t in (2, 5):
        nn.init.ones_(training.model[2].weight)


def set_data(training: Training, t: int) -> None:
    if t == 2:
        training.model[0].weight.data = torch.full((4, 3), 0.5)


WRITES = [renormalise, clip_through_data, load_a_checkpoint, reinitialise, set_data]


@pytest.mark.parametrize("write", WRITES)
def test_updates_and_rewrites_add_up_to_the_displacement(recording: Any, write: Any) -> None:
    training = Training()
    with recording(every=1) as it:
        starts, ends = training.run(write)
    rewrites = {t: starts[t] - ends[t - 1] for t in range(1, len(starts)) if (starts[t] != ends[t - 1]).any()}
    rows = it.writer.stored_rows
    assert sorted(rows["rewrite"]) == sorted(rewrites) and rewrites
    for t, expected in rewrites.items():
        np.testing.assert_allclose(rows["rewrite"][t], expected, atol=1e-6)
    flat = {
        t: np.concatenate([each.ravel() for each in state.values()]) for t, state in it.writer.stored_weights.items()
    }
    for t in range(1, len(starts)):
        moved = rows["update"][t - 1] + rows["rewrite"].get(t, 0.0)
        np.testing.assert_allclose(flat[t] - flat[t - 1], moved, atol=1e-6)
        np.testing.assert_allclose(flat[t], starts[t], atol=1e-6)
    noted = [t for kind, _, t in it.writer.notes if kind == "parameter"]
    last = [len(starts) - 1] if len(starts) - 1 in rewrites else []  # at the end there is a note of its own
    assert noted == [t for t in sorted(rewrites) if t - 1 not in rewrites] + last


def test_a_write_between_steps_that_are_not_recorded_is_noted(recording: Any, capsys: Any) -> None:
    training = Training()
    with recording(every=5) as it:
        training.run(load_a_checkpoint, steps=7)
    assert "rewrite" not in it.writer.stored_rows
    noted = [(message, t) for kind, message, t in it.writer.notes if kind == "parameter"]
    assert len(noted) == 1 and noted[0][1] == 4 and "`rewrite` has rows at recorded t alone" in noted[0][0]
    assert capsys.readouterr().err.count("wrote to selected parameters") == 1


@pytest.mark.parametrize("sources", [(), ("update",)])
def test_weights_that_are_swapped_out_and_back_are_no_rewrite(recording: Any, sources: tuple[str, ...]) -> None:
    training = Training()

    @torch.no_grad()
    def evaluate(training: Training, t: int) -> None:
        state = copy.deepcopy(training.model.state_dict())
        training.model.load_state_dict(training.first)
        training.model(torch.ones(5, 3))
        training.model.load_state_dict(state)

    with recording(every=1, sources=sources) as it:
        training.run(evaluate)
    assert "rewrite" not in it.writer.stored_rows and sorted(it.writer.stored_weights) == list(range(7))


def test_an_averaged_copy_that_is_not_selected_may_be_written_to(recording: Any, capsys: Any) -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"online": nn.Linear(3, 2), "average": nn.Linear(3, 2)})
    optimizer = torch.optim.SGD(model["online"].parameters(), lr=0.1)
    with recording(every=1) as it:
        for _ in range(3):
            model["online"](torch.ones(5, 3)).square().mean().backward()
            optimizer.step()
            with torch.no_grad():
                model["average"].weight.lerp_(model["online"].weight, 0.1)
    assert [message for kind, message, _ in it.writer.notes if kind == "parameter"] == []
    np.testing.assert_array_equal(it.writer.stored_weights[3]["average.weight"], model["average"].weight.detach())
    assert "changed" not in capsys.readouterr().err


def test_a_training_is_the_same_with_and_without_a_recorder_and_its_run_is_whole(tmp_path: Path) -> None:
    plain = Training()
    plain.run(renormalise, steps=12)
    recorded = Training()
    with sedscope.record(tmp_path / "run", every=3):
        recorded.run(renormalise, steps=12)
    np.testing.assert_array_equal(plain.theta(), recorded.theta())
    run = sedscope.open_run(tmp_path / "run")
    assert run.damage == () and run.steps("rewrite").tolist() == [3, 6, 9, 12]
