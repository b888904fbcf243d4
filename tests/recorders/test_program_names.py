"""A probe's program asks for weights by the names that the run stores them under, however the model is wrapped."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sedscope
from recorders import program


class Wrapper(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_program_runs_on_the_weights_that_are_stored(recording: Any, compiled: bool) -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    if compiled:
        inner[0] = torch.compile(inner[0], backend="eager")
    model = Wrapper(inner)
    optimizer, x = torch.optim.SGD(model.parameters(), lr=0.1), torch.randn(8, 3)
    with recording(every=1) as it:
        sedscope.probe(model, task="t", inputs=x, targets=torch.zeros(8, dtype=torch.long))
        model(x).square().mean().backward()
        optimizer.step()
    assert it.writer.probes["t"][1]["why_no_program"] is None
    captured = program.load(it.writer.programs[0], {})
    state = {name: torch.tensor(array) for name, array in it.writer.stored_weights[1].items()}
    assert set(captured.state_names) <= set(state), json.loads(it.writer.programs[0])
    torch.testing.assert_close(captured.run(state, [x], torch.zeros(()))[0], model(x).detach())
