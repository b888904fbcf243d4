"""What torch raises while a foreign program is differentiated, or scored, comes out as a refusal, whichever it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import sedscope
from recorders.errors import RefusedError
from sedscope.analysis.features.centroid_jvp import centroids, exact_jvps
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batch_gradients import gradients_of_sums


class Hostile(torch.autograd.Function):
    """x → x, with a derivative that fails at the `fails_at`-th order."""

    @staticmethod
    def forward(ctx, x, fails_at):
        ctx.fails_at = fails_at
        return x.clone()

    @staticmethod
    def backward(ctx, along):
        if ctx.fails_at == 1:
            raise RuntimeError("derivative\nnot implemented")
        return Hostile.apply(along, ctx.fails_at - 1), None


def model(fails_at):
    def scores(state, examples, delta):
        return ((Hostile.apply(delta, fails_at) + examples[0]) * state["w"]).sum(1)

    return ProbedModel(scores, {"w": torch.ones(3)}, ("w",), (torch.ones(4, 3),), (3,))


def test_centroids():
    with pytest.raises(RefusedError, match="its gradient: derivative"):
        centroids(model(1))


@pytest.mark.parametrize("fails_at", [1, 2])
def test_products(fails_at):
    broken = dataclasses.replace(
        model(1),
        scores=lambda state, examples, delta: ((delta + examples[0]) * Hostile.apply(state["w"], fails_at)).sum(1),
    )
    with pytest.raises(RefusedError, match="its gradient: derivative"):
        list(exact_jvps(broken, [np.ones(3)]))


def test_fixed_gradients():
    def sums(weights):
        return [Hostile.apply(weights["w"], 1).sum()]

    with pytest.raises(RefusedError, match="its gradient: derivative"):
        gradients_of_sums(sums, {"w": torch.ones(3)}, ["w"])


@pytest.mark.parametrize(
    ("targets", "position", "reasons"),
    [
        ([0, 1, 99, 1], None, ["its loss: Target 99", "the score of its output: index 99"]),
        ([0, 1, 1, 0], 7, ["its output: index 7"]),
    ],
)
def test_probes_that_do_not_fit_the_output(tmp_path, monkeypatch, targets, position, reasons):
    # A recorder refuses such targets; a run of an earlier version, or of a stranger, may hold them.
    monkeypatch.setattr("recorders.probes.check_targets", lambda *probe: None)
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 2)), torch.randn(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with sedscope.record(tmp_path / "run", every=1):
        sedscope.probe(model, task="t", inputs=x, targets=torch.tensor(targets), position=position)
        for _ in range(3):
            optimizer.zero_grad()
            sedscope.backward({"t": model(x).square().mean()})
            optimizer.step()
    found = analyse(sedscope.open_run(tmp_path / "run"), Settings(window=(2,), rank=(1,), random=2, probes=4, batch=4))
    assert all(f"program: {reason}" in repr(found) for reason in reasons)
