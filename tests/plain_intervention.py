"""The oracle: the same training with a fresh SVD at every step and an explicit loop, in numpy, without sedscope.

A task every script could have: two losses on shared weights, two micro-batches to a step, gradients clipped, two
parameter groups. Weights are selected, biases are not.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SELECT = ("0.weight", "2.weight")
W, K = 5, 2


class Training:
    """The script's side: a model, an optimizer, and what one step sends backward."""

    def __init__(self, dtype: torch.dtype = torch.float64, **settings: Any) -> None:
        torch.manual_seed(7)
        self.model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)).to(dtype)
        self.dtype = dtype
        make = settings.pop("optimizer", torch.optim.AdamW)
        groups = [
            {"params": [self.model[0].weight, self.model[2].bias], "lr": 0.02},
            {"params": [self.model[2].weight, self.model[0].bias], "lr": 0.005},
        ]
        self.optimizer = make(groups, **({"weight_decay": 0.1} | settings))

    @property
    def selected(self) -> list[Tensor]:
        return [self.model[0].weight, self.model[2].weight]

    def batches(self, t: int) -> Iterator[dict[str, Tensor]]:
        """The losses of both micro-batches of a step."""
        for part in range(2):
            generator = torch.Generator().manual_seed(10 * t + part)
            x = torch.randn(8, 6, generator=generator, dtype=torch.float64).to(self.dtype)
            out = self.model(x)
            yield {"a": (out[:, :2] - x[:, :2]).square().mean(), "b": (out[:, 2:] - x[:, 2:4].abs()).square().mean()}

    def step(self, t: int, send: Callable[[dict[str, Tensor]], Any]) -> None:
        self.optimizer.zero_grad()
        for losses in self.batches(t):
            send(losses)
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()

    def weights(self) -> np.ndarray:
        return np.concatenate([each.detach().double().numpy().ravel() for each in self.model.parameters()])


def send_plain(losses: dict[str, Tensor]) -> None:
    (losses["a"] + losses["b"]).backward()


def flat(tensors: list[Tensor]) -> np.ndarray:
    return np.concatenate([each.detach().double().numpy().ravel() for each in tensors])


def write(targets: list[Tensor], vector: np.ndarray) -> None:
    at = 0
    with torch.no_grad():
        for target in targets:
            piece = vector[at : at + target.numel()].reshape(target.shape)
            target.copy_(torch.from_numpy(piece))
            at += target.numel()


def svd_basis(window: list[np.ndarray], rank: int) -> np.ndarray:
    return np.linalg.svd(np.stack(window), full_matrices=False)[2][:rank]


def changed(mode: str, basis: np.ndarray, vector: np.ndarray) -> np.ndarray:
    kept = basis.T @ (basis @ vector)
    if mode.startswith("remove"):
        return vector - kept
    return kept * np.linalg.norm(vector) / np.linalg.norm(kept) if mode.endswith("norm") else kept


def train_plain(
    training: Training,
    steps: int,
    mode: str,
    *,
    on: str,
    source: str,
    raw: bool,
    stride: int = 1,
    warm_up: int = 0,
    subspace: Callable[[int], np.ndarray] | None = None,
) -> None:
    """Train with explicit projections; `subspace` gives the basis of a step where it does not come from a window."""
    window: list[np.ndarray] = []
    optimizer, selected = training.optimizer, training.selected
    first = max((W - 1) * stride + 1, warm_up)
    for t in range(steps):
        optimizer.zero_grad()
        for losses in training.batches(t):
            send_plain(losses)
        task_gradient = np.zeros(50)
        for losses in training.batches(t) if source == "gradient/b" else ():
            task_gradient += flat(list(torch.autograd.grad(losses["b"], selected)))
        nn.utils.clip_grad_norm_(training.model.parameters(), 0.5)
        basis = None
        if t >= first:
            basis = svd_basis(window[-W:], K) if subspace is None else subspace(t)
        gradient = flat([each.grad for each in selected])
        vectors = {"gradient": gradient, "gradient/b": task_gradient}
        if on == "gradient" and basis is not None:
            write([each.grad for each in selected], changed(mode, basis, gradient))
            vectors["gradient"] = gradient if raw else flat([each.grad for each in selected])
        before = flat(selected)
        optimizer.step()
        update = flat(selected) - before
        vectors["update"] = update
        if on == "update" and basis is not None:
            applied = changed(mode, basis, update)
            write(selected, before + applied)
            vectors["update"] = update if raw else applied
        moments = [optimizer.state[each]["exp_avg"] / (1 - 0.9 ** (t + 1)) for each in selected]
        vectors["momentum"] = flat(moments)
        if t % stride == 0:
            window.append(vectors[source])
