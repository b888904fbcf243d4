"""What a run cannot hold is left out by name, and costs nothing else."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import sedscope
from recorders.recording_output import RecordingOutput
from sedscope.runs import open_run

X = torch.arange(12.0).reshape(4, 3) / 12


class Rotating(nn.Module):
    """Complex numbers as a buffer or as a parameter."""

    def __init__(self, trained: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        turns = torch.polar(torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
        self.attn = nn.Linear(3, 4)
        if trained:
            self.turns = nn.Parameter(turns)
        else:
            self.register_buffer("turns", turns)

    def forward(self, x: Tensor) -> Tensor:
        pairs = torch.view_as_complex(self.attn(x).reshape(-1, 2, 2).double().contiguous())
        return torch.view_as_real(pairs * self.turns).flatten(1).float()


@pytest.mark.parametrize("trained", [False, True])
def test_complex_numbers_in_double_precision(tmp_path: Path, capsys: Any, trained: bool) -> None:
    model = Rotating(trained)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with sedscope.record(tmp_path / "run", every=1) as session:
        for _ in range(3):
            optimizer.zero_grad()
            sedscope.backward({"t": model(X).square().mean() + model(X).abs().mean()})
            optimizer.step()
            sedscope.log({"odd": torch.tensor(1j), "good": 1.0})
    assert session.stopped is None
    run = open_run(tmp_path / "run")
    assert list(run.steps("update")) == list(run.steps("gradient/t")) == [0, 1, 2]
    assert list(run.weight_steps()) == [0, 1, 2, 3] and set(run.weights(3)) == {"attn.weight", "attn.bias"}
    line = "weights are stored without turns (complex128): a tensor file has no name for such numbers"
    assert line in [note.message for note in run.notes] and line in capsys.readouterr().err
    assert "metric/good" in run.scalar_names() and "metric/odd" not in run.scalar_names()


class Program:
    """A capture that asks for other weights than the run stores."""

    program_json = b"{}"
    state_names = ("0.weight", "7.elsewhere")
    constants: ClassVar[dict[str, Tensor]] = {}


@pytest.mark.parametrize("early", [True, False])
def test_a_program_of_other_weights_is_said_when_it_is_made(recording: Any, capsys: Any, early: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        output: RecordingOutput = it.session.output
        for before in (True, False):
            if before is early:
                output.probe("t", {}, {"task": "t", "why_no_program": None}, Program())
            model(X).sum().backward()
            optimizer.step()
    meta = it.writer.probes["t"][1]
    why = "it asks for 7.elsewhere, which is not among the weights that are stored"
    assert (meta["program"], meta["why_no_program"]) == (None, why) and not it.writer.programs
    assert f"probe t: no feature program: {why}" in capsys.readouterr().err


def test_a_program_with_a_constant_that_cannot_be_stored(recording: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Program, "state_names", ())
    monkeypatch.setattr(Program, "constants", {"c": torch.ones(1, dtype=torch.complex128)})
    model = nn.Sequential(nn.Linear(3, 2))
    with recording(every=1) as it:
        it.session.output.probe("t", {}, {"task": "t"}, Program())
        model(X).sum().backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert it.writer.probes["t"][1]["why_no_program"] == "its constant c is complex128, which a run cannot hold"
