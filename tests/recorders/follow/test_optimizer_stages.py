"""Stages against the realised update, for every way in which torch runs Adam; and optimizers without stages."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

TOLERANCE = {torch.float64: 5e-14, torch.float32: 1.7e-5}
WAYS = [
    {"foreach": False},
    {"foreach": True},
    {"fused": True},
    {"amsgrad": True, "foreach": False},
    {"amsgrad": True, "fused": True},
    {"maximize": True, "foreach": True},
]


def train(recording: Any, optimizer: Any, model: nn.Module, *, steps: int = 4, schedule: bool = False) -> Any:
    generator = torch.Generator().manual_seed(5)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8) if schedule else None
    dtype = next(model.parameters()).dtype
    with recording(every=1, select=("all",)) as it:
        for _ in range(steps):
            optimizer.zero_grad()
            x = torch.randn(16, 6, generator=generator, dtype=dtype)
            (model(x) - x[:, :3]).square().mean().backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
    return it


def make_model(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 3)).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_adaptive_and_decay_add_up_to_the_update(recording: Any, way: dict[str, Any], dtype: torch.dtype) -> None:
    model = make_model(dtype)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.3, **way)
    it = train(recording, optimizer, model, schedule=True)
    worst = 0.0
    for t, update in it.writer.stored_rows["update"].items():
        (lr,) = it.writer.stored_scalars["lr/0"][t]
        assert lr == pytest.approx(0.01 * 0.8**t)
        theta = np.concatenate([each.ravel() for each in it.writer.stored_weights[t].values()])
        analytic = it.writer.stored_rows["adam/adaptive"][t] - lr * 0.3 * theta
        worst = max(worst, float(np.abs(analytic - update).max() / np.abs(update).max()))
    assert worst <= TOLERANCE[dtype]


@pytest.mark.parametrize("fused", [False, True])
def test_adam_without_decoupled_decay_is_adaptive_alone(recording: Any, fused: bool) -> None:
    model = make_model()
    it = train(recording, torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.3, fused=fused), model)
    for t, update in it.writer.stored_rows["update"].items():
        np.testing.assert_allclose(it.writer.stored_rows["adam/adaptive"][t], update, rtol=1e-10, atol=1e-15)


def test_sgd_momentum_is_the_buffer(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    rows = train(recording, optimizer, model).writer.stored_rows
    assert set(rows) == {"gradient", "update", "sgd/momentum"}
    buffer = np.zeros_like(rows["gradient"][0])
    for t in range(4):
        buffer = 0.9 * buffer + rows["gradient"][t]
        np.testing.assert_allclose(rows["sgd/momentum"][t], buffer, rtol=1e-12)
        np.testing.assert_allclose(rows["update"][t], -0.1 * buffer, rtol=1e-10, atol=1e-16)


@pytest.mark.parametrize("make", [torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.SGD])
def test_other_optimizers_have_no_stages(recording: Any, make: Any) -> None:
    model = make_model()
    it = train(recording, make(model.parameters(), lr=0.01), model)
    assert set(it.writer.stored_rows) == {"gradient", "update"}


def test_bfloat16_weights_give_float32_rows(recording: Any) -> None:
    model = make_model(torch.bfloat16)
    it = train(recording, torch.optim.AdamW(model.parameters(), lr=1e-4), model)
    rows = it.writer.stored_rows
    assert {row.dtype for series in rows.values() for row in series.values()} == {np.dtype("float32")}
    assert np.count_nonzero(rows["update"][0]) < np.count_nonzero(rows["adam/adaptive"][0])


def test_groups_have_their_own_settings(recording: Any) -> None:
    model = make_model()
    groups = [
        {"params": [model[0].weight, model[2].weight], "weight_decay": 0.5},
        {"params": [model[0].bias, model[2].bias], "weight_decay": 0.0, "lr": 0.001},
    ]
    it = train(recording, torch.optim.AdamW(groups, lr=0.01), model)
    scalars = it.writer.stored_scalars
    assert scalars["lr/0"][2] == [0.01] and scalars["lr/1"][2] == [0.001]
    assert scalars["weight_decay/0"][2] == [0.5] and scalars["weight_decay/1"][2] == [0.0]
    lrs = np.concatenate([np.full(n, lr) for n, lr in ((60, 0.01), (10, 0.001), (30, 0.01), (3, 0.001))])
    decays = np.concatenate([np.full(n, decay) for n, decay in ((60, 0.5), (10, 0.0), (30, 0.5), (3, 0.0))])
    for t, update in it.writer.stored_rows["update"].items():
        theta = np.concatenate([each.ravel() for each in it.writer.stored_weights[t].values()])
        analytic = it.writer.stored_rows["adam/adaptive"][t] - lrs * decays * theta
        np.testing.assert_allclose(analytic, update, atol=1e-8)
    names = [group["parameters"] for group in it.writer.manifest["optimizer"]["groups"]]
    assert names == [["0.weight", "2.weight"], ["0.bias", "2.bias"]]
