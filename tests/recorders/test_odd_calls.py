"""Calls with unusual arguments: none of them ends a recording, or reaches the training."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad

import sedscope
from recorders.probes import draw


def train(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(5, 3)).square().mean().backward()
    optimizer.step()


def test_clipping_takes_every_argument_by_name(recording: Any) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        model(torch.ones(5, 3)).square().mean().backward()
        norm = clip_grad._get_total_norm([each.grad for each in model.parameters()], foreach=True)
        clip_grad._clip_grads_with_norm_(model.parameters(), 0.1, norm, foreach=True)
        optimizer.step()
    assert it.writer.stored_scalars["clip_coefficient"][0][0] < 1


@pytest.mark.parametrize("odd", [torch.ones(5, 3).to_sparse(), torch.ones(5, 3, dtype=torch.complex128)], ids=str)
def test_a_probe_that_cannot_be_stored_is_refused_alone(recording: Any, capsys: Any, odd: torch.Tensor) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        sedscope.probe(model, task="t", inputs=odd, targets=torch.zeros(5, dtype=torch.long))
        train(model, optimizer)
    assert "probe t: inputs[0] must be a dense tensor of real numbers" in capsys.readouterr().err
    assert not it.writer.probes and sorted(it.writer.stored_weights) == [0, 1]


def test_probes_are_drawn_the_same_whatever_the_default_device() -> None:
    pool, targets = torch.randn(20, 3), torch.zeros(20)
    plain = draw([pool], targets, None, 0)
    with torch.device("meta"):
        other = draw([pool], targets, None, 0)
    assert all(torch.equal(plain[name], other[name]) for name in plain)
