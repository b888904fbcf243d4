"""The last θ is stored as it is at the end, with a note where it was changed; t and θ belong together at any end."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from recorders.recording_output import RecordingOutput


class Training:
    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.optimizer.zero_grad()
            self.model(torch.ones(5, 3)).square().mean().backward()
            self.optimizer.step()

    @property
    def weight(self) -> np.ndarray:
        return self.model[0].weight.detach().numpy().copy()


@pytest.mark.parametrize("terminated", [False, True])
def test_weights_that_the_script_loads_after_its_last_step_are_stored_with_a_note(
    recording: Any, capsys: Any, terminated: bool
) -> None:
    training = Training()
    best = copy.deepcopy(training.model.state_dict())
    with recording(every=5) as it:
        training.steps(7)
        training.model.load_state_dict(best)
        if terminated:
            it.session.terminate()()
    assert sorted(it.writer.stored_weights) == [0, 5, 7]
    np.testing.assert_array_equal(it.writer.stored_weights[7]["0.weight"], best["0.weight"])
    message = "parameters were changed after the last step: the weights of t = 7 are those after the change"
    assert ("parameter", message, 7) in it.writer.notes


@pytest.mark.parametrize("terminated", [False, True])
@pytest.mark.parametrize("how", ["copied", "scaled", "set"])
def test_weights_that_are_swapped_in_through_data_are_stored_with_a_note(
    recording: Any, terminated: bool, how: str
) -> None:
    training = Training()
    with recording(every=5) as it:
        training.steps(7)
        for parameter in training.model.parameters():
            if how == "copied":
                parameter.data.copy_(parameter.detach() * 0.9)
            elif how == "scaled":
                parameter.data.mul_(0.999)
            else:
                parameter.data = parameter.detach().clone()
        if terminated:
            it.session.terminate()()
    assert sorted(it.writer.stored_weights) == [0, 5, 7]
    np.testing.assert_array_equal(it.writer.stored_weights[7]["0.weight"], training.weight)
    assert [t for kind, _, t in it.writer.notes if kind == "parameter"] == [7]


def test_the_last_theta_is_kept_where_it_is_not_finite(recording: Any) -> None:
    training = Training()
    with recording(every=5) as it:
        for parameter in training.model.parameters():
            parameter.data.fill_(float("nan"))
        training.steps(7)
    assert sorted(it.writer.stored_weights) == [0, 5, 7]


@pytest.mark.parametrize("kinds", [(torch.float32, torch.float64), (torch.bfloat16, torch.float32)])
def test_parameters_of_several_kinds_are_left_alone_and_kept(recording: Any, kinds: Any) -> None:
    model = nn.ParameterDict({f"kind_{str(kind)[6:]}": nn.Parameter(torch.ones(3, 5, dtype=kind)) for kind in kinds})
    model["turned"] = nn.Parameter(torch.ones(4, 2).t())
    model["one"] = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=5) as it:
        for _ in range(7):
            sum(each.double().square().sum() for each in model.values()).backward()
            optimizer.step()
    assert sorted(it.writer.stored_weights) == [0, 5, 7]


def test_the_last_theta_is_kept_where_nothing_changed_it(recording: Any) -> None:
    training = Training()
    with recording(every=5) as it:
        training.steps(7)
        training.model.eval()(torch.ones(5, 3))
    np.testing.assert_array_equal(it.writer.stored_weights[7]["0.weight"], training.weight)


@pytest.mark.parametrize("what", ["rows", "scalars"])
def test_a_signal_behind_the_step_finds_theta_and_t_together(recording: Any, monkeypatch: Any, what: str) -> None:
    training = Training()
    with recording(every=1) as it:
        original = getattr(RecordingOutput, what)

        def interrupted(self: RecordingOutput, t: int, values: Any) -> None:
            if t == 1:
                it.session.terminate()()
            original(self, t, values)

        monkeypatch.setattr(RecordingOutput, what, interrupted)
        training.steps(2)
    assert sorted(it.writer.stored_weights) == [0, 1, 2] and it.session.t == 2
    np.testing.assert_array_equal(it.writer.stored_weights[2]["0.weight"], training.weight)


def test_a_step_counts_where_ctrl_c_behind_it_is_caught(recording: Any, monkeypatch: Any) -> None:
    training, original = Training(), RecordingOutput.scalars

    def interrupted(self: RecordingOutput, t: int, values: Any) -> None:
        monkeypatch.setattr(RecordingOutput, "scalars", original)
        raise KeyboardInterrupt

    with recording(every=2) as it:
        monkeypatch.setattr(RecordingOutput, "scalars", interrupted)
        with pytest.raises(KeyboardInterrupt):
            training.steps(1)
        training.steps(3)
    assert it.session.t == 4
    np.testing.assert_array_equal(it.writer.stored_weights[4]["0.weight"], training.weight)
