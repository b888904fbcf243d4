"""What a task contributed to the step that was made, and nothing that was thrown away before it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sedscope

X, Y = torch.arange(12.0).reshape(4, 3) / 10, torch.tensor([0, 1, 0, 1])


def make() -> tuple[nn.Sequential, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)


def loss_of(model: nn.Module) -> Tensor:
    return nn.functional.cross_entropy(model(X), Y)


@pytest.mark.parametrize("clear", ["optimizer", "zeros", "module"])
def test_a_backward_that_was_thrown_away_is_not_of_the_step(recording: Any, clear: str) -> None:
    model, optimizer = make()
    ways: dict[str, Callable[[], None]] = {
        "optimizer": lambda: optimizer.zero_grad(),
        "zeros": lambda: optimizer.zero_grad(set_to_none=False),
        "module": lambda: model.zero_grad(),
    }
    with recording(every=1) as it:
        for _ in range(3):
            with sedscope.task("t"):
                (100 * loss_of(model)).backward()
            ways[clear]()
            loss_of(model).backward()
            optimizer.step()
            ways[clear]()
    assert "gradient/t" not in it.writer.stored_rows and "loss/t" not in it.writer.stored_scalars


@pytest.mark.parametrize("closure", [False, True])
def test_clearing_behind_the_step_keeps_what_the_step_was_made_of(recording: Any, closure: bool) -> None:
    model, optimizer = make()
    optimizer.register_step_post_hook(lambda *_: optimizer.zero_grad())

    def send() -> Tensor:
        optimizer.zero_grad()
        return sedscope.backward({"t": loss_of(model)})

    with recording(every=1) as it:
        for _ in range(2):
            if closure:
                optimizer.step(send)
            else:
                send()
                optimizer.step()
    assert sorted(it.writer.stored_rows["gradient/t"]) == [0, 1]
    assert sorted(it.writer.stored_scalars["loss/t"]) == [0, 1]


def test_another_optimizers_task_does_not_land_on_the_followed_ones_step(recording: Any) -> None:
    (first, followed), (second, other) = make(), make()
    with recording(every=1, select=("0.*",)) as it:
        for _ in range(3):
            followed.zero_grad()
            sedscope.backward({"main": loss_of(first)})
            followed.step()
            other.zero_grad()
            with sedscope.task("side"):
                (loss_of(first) + loss_of(second)).backward()
            other.step()
    assert set(it.writer.stored_rows) >= {"gradient/main"} and "gradient/side" not in it.writer.stored_rows
    assert "loss/side" not in it.writer.stored_scalars
    about = [message for kind, message, _ in it.writer.notes if kind == "parameter"]
    assert about == ["steps of another AdamW, which owns nothing selected, are not counted"]


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb, self.attn, self.first, self.second = (nn.Linear(*shape) for shape in ((3, 4), (4, 4), (4, 2), (4, 2)))

    def forward(self, x: Tensor, *, deep: bool) -> Tensor:
        return self.second(self.attn(self.emb(x))) if deep else self.first(self.emb(x))


def test_losses_add_up_where_a_backward_delivers_nothing_to_the_selection(recording: Any) -> None:
    torch.manual_seed(0)
    model, true = TwoHeads(), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with recording(every=1, select=("attn*",)) as it:
        for step in range(4):
            model.attn.requires_grad_(step < 2)
            optimizer.zero_grad(set_to_none=False)
            total = 0.0
            for task, deep in (("a", False), ("b", True), ("a", False)):
                loss = nn.functional.cross_entropy(model(X, deep=deep), Y)
                total += loss.item()
                with sedscope.task(task):
                    loss.backward()
            true.append(total)
            optimizer.step()
    scalars = it.writer.stored_scalars
    found = [scalars["loss/a"][t][0] + scalars["loss/b"][t][0] for t in range(4)]
    np.testing.assert_allclose(found, true, rtol=1e-6)


def train_with_noise_in_backward() -> Tensor:
    model, optimizer = make()
    model[0].weight.register_hook(lambda gradient: gradient + 0.01 * torch.randn_like(gradient))
    for _ in range(3):
        optimizer.zero_grad()
        out = model(X)
        halves = {"a": (out[:2], Y[:2]), "b": (out[2:], Y[2:])}
        sedscope.backward({task: nn.functional.cross_entropy(*half) for task, half in halves.items()})
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_random_numbers_that_a_backward_draws_are_put_back(recording: Any) -> None:
    plain = train_with_noise_in_backward()
    with recording(every=1) as it:
        recorded = train_with_noise_in_backward()
    assert set(it.writer.stored_rows) >= {"gradient/a", "gradient/b"}
    assert torch.equal(plain, recorded)


def test_a_step_that_was_repaired_by_hand_is_said_to_have_no_row_of_its_tasks(recording: Any, capsys: Any) -> None:
    model, optimizer = make()
    with recording(every=1) as it:
        for t in range(4):
            optimizer.zero_grad()
            with sedscope.task("t"):
                (loss_of(model) * (float("nan") if t in (1, 2) else 1.0)).backward()
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.grad.nan_to_num_(0.0)
            optimizer.step()
    assert list(it.writer.stored_rows["gradient/t"]) == [0, 3] and list(it.writer.stored_rows["gradient"]) == [
        0,
        1,
        2,
        3,
    ]
    ((kind, message, t),) = it.writer.notes
    assert (kind, t) == ("cleared", 1) and "no loss and no gradient row of their tasks" in message
    assert capsys.readouterr().err.count("cleared gradients by hand") == 1
