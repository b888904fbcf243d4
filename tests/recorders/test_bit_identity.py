"""A recorded training equals the same training unrecorded: losses, weights and random numbers, bit by bit."""

import random
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sedscope

STEPS = 6


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(5, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.heads = nn.ModuleDict({"a": nn.Linear(8, 5), "b": nn.Linear(8, 5)})

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        hidden = self.encoder(self.tok_emb(tokens)).mean(1)
        return {task: head(hidden) for task, head in self.heads.items()}


def send_plain(losses: dict[str, Tensor]) -> None:
    (losses["a"] + losses["b"]).backward()


def send_joint(losses: dict[str, Tensor]) -> None:
    sedscope.backward(losses)


def send_single(losses: dict[str, Tensor]) -> None:
    sedscope.backward({"a": losses["a"]})


def send_each(losses: dict[str, Tensor]) -> None:
    with sedscope.task("a"):
        losses["a"].backward(retain_graph=True)
    with sedscope.task("b"):
        losses["b"].backward()


def train(path: Path | None, send: Any, *, micro_batches: int, probe: bool, optimizer: str) -> dict[str, Any]:
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = Model()
    stepper = getattr(torch.optim, optimizer)(model.parameters(), lr=0.05, weight_decay=0.1)
    losses_seen = []
    with nullcontext() if path is None else sedscope.record(path, every=2) as session:
        if probe:
            pool = torch.randint(0, 5, (30, 3), generator=torch.Generator().manual_seed(1))
            for task in "ab":
                sedscope.probe(model, task=task, inputs=(pool,), targets=pool.sum(1) % 5, output=task)
        for _ in range(STEPS):
            stepper.zero_grad()
            for _ in range(micro_batches):
                tokens = torch.randint(0, 5, (8, 3))
                targets = tokens.sum(1) % 5
                losses = {task: nn.functional.cross_entropy(y, targets) for task, y in model(tokens).items()}
                send(losses)
                losses_seen.append({task: loss.item() for task, loss in losses.items()})
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            stepper.step()
            sedscope.log({"loss": losses_seen[-1]["a"]})
    if path is not None:
        assert session.stopped is None and session.t == STEPS
    return {
        "losses": losses_seen,
        "weights": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "torch": torch.get_rng_state(),
        "random": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
        "training": model.training,
    }


@pytest.mark.parametrize(
    ("send", "reference", "micro_batches", "probe", "optimizer"),
    [
        (send_plain, send_plain, 1, False, "AdamW"),
        (send_joint, send_plain, 1, False, "AdamW"),
        (send_joint, send_plain, 3, False, "SGD"),
        (send_single, send_single, 2, False, "AdamW"),
        (send_each, send_each, 2, False, "AdamW"),
        (send_joint, send_plain, 2, True, "AdamW"),
        (send_plain, send_plain, 1, False, "RMSprop"),
    ],
)
def test_recording_changes_nothing(
    tmp_path: Path, send: Any, reference: Any, micro_batches: int, probe: bool, optimizer: str
) -> None:
    setting: dict[str, Any] = {"micro_batches": micro_batches, "probe": probe, "optimizer": optimizer}
    plain = train(None, reference, **setting)
    recorded = train(tmp_path / "run", send, **setting)
    for name, tensor in plain.pop("weights").items():
        assert torch.equal(tensor, recorded["weights"][name]), name
    assert torch.equal(plain.pop("torch"), recorded["torch"])
    assert plain == {name: recorded[name] for name in plain}
