"""What cannot be captured is refused, and the message names it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recorders.errors import RefusedError
from recorders.program import ProgramRefused, capture_program, load
from recorders.program.capture.capture import EXAMPLES


class Base(nn.Module):
    """A linear map that each case spoils in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.emb = nn.Embedding(5, 3)


class DataDependent(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) if x.sum() > 0 else x


class Item(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * x.mean().item()


class Random(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x + torch.randn_like(x))


class AlwaysDropout(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(nn.functional.dropout(x, 0.5, training=True))


class Quintuple(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2.0

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g * 5.0


class CustomBackward(Base):
    def forward(self, x: Tensor) -> Tensor:
        return Quintuple.apply(self.linear(x))


class BatchStatistics(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        return (y - y.mean(dim=0)).tanh()


class BatchAttention(Base):
    """Equivariant under permutations: only a different set of neighbours shows it."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        return torch.softmax(y @ y.T, dim=-1) @ y


class EvenBatch(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) if x.shape[0] % 2 == 0 else x


class FixedBatch(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + torch.ones(EXAMPLES, 1)


class HiddenWeight(Base):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Parameter(torch.randn(3))]

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * self.hidden[0]


class Twice(Base):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.linear(self.emb(a) * self.emb(b))


class NoBatch(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).sum(dim=0)


class Labels(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).argmax(dim=-1)


class Autocast(Base):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.linear(x)


class OwnStatistics(Base):
    """Batch norm without running statistics: the batch's own, in eval mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.linear(x))


X = (torch.linspace(-1, 2, 27).reshape(9, 3).sin(),)
PAIR = (torch.arange(9) % 5, torch.arange(9) % 4)


@pytest.mark.parametrize(
    ("model", "inputs", "words"),
    [
        (DataDependent, X, ["depends on the data", "test_refusals.py:"]),
        (Item, X, ["aten.item.default", "depends on the data", "test_refusals.py:"]),
        (Random, X, ["aten.randn_like.default (random)", "test_refusals.py:"]),
        (AlwaysDropout, X, ["aten.dropout.default (random)"]),
        (CustomBackward, X, ["gradient", "autograd.Function Quintuple"]),
        (BatchStatistics, X, ["examples influence each other"]),
        (OwnStatistics, X, ["examples influence each other"]),
        (BatchAttention, X, ["examples influence each other"]),
        (EvenBatch, X, ["batch size", "% 2"]),
        (FixedBatch, X, ["batch size"]),
        (HiddenWeight, X, ["trained but is not in the model's state dict"]),
        (Twice, PAIR, ["'emb'", "2 calls"]),
        (NoBatch, X, ["first axis", "batch"]),
        (Labels, X, ["floating tensor", "int64"]),
        (Autocast, X, ["autocast", "bfloat16"]),
    ],
)
def test_a_capture_is_refused_by_name(model: type[Base], inputs: tuple[Tensor, ...], words: list[str]) -> None:
    torch.manual_seed(0)
    with pytest.raises(ProgramRefused) as refusal:
        capture_program(model(), inputs)
    message = str(refusal.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"at": "linaer"}, ["'linaer'", "known: linear, emb"]),
        ({"select": "logits"}, ["'logits'", "Tensor"]),
        ({"run": lambda model, x: (model.linear(x), 3)}, ["'1'", "int"]),
        ({"run": lambda model, x: "logits"}, ["str"]),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], words: list[str]) -> None:
    class Plain(Base):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x)

    with pytest.raises(ProgramRefused) as refusal:
        capture_program(Plain(), X, **arguments)
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_an_embedding_that_cannot_be_told_asks_for_a_name() -> None:
    class OneHot(Base):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.linear(nn.functional.one_hot(a, 5)[:, :3].float())

    with pytest.raises(ProgramRefused, match="name the module"):
        capture_program(OneHot(), PAIR)


def test_a_branch_on_the_batch_size_is_a_range_that_a_run_must_keep() -> None:
    class Sizes(Base):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x) if x.shape[0] <= 16 else x

    taken = capture_program(model := Sizes(), X)
    program = load(taken.program_json, taken.constants)
    assert program.batch_range == (2, 16)
    program.run(model.state_dict(), (torch.zeros(16, 3),), torch.zeros(()))
    with pytest.raises(RefusedError, match=r"batch of 2 to 16 is required, found \[17\]"):
        program.run(model.state_dict(), (torch.zeros(17, 3),), torch.zeros(()))


class StoppedGradients(Base):
    """`no_grad` and `detach` in the middle: the gradient must stop in the program too."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        with torch.no_grad():
            scale = y.abs().mean(dim=-1, keepdim=True) * self.linear.weight.sum()
        z = torch.zeros_like(y)
        z[:, 1:] = y[:, 1:]  # in place: the second rung of the ladder
        return y / scale + (y * y).detach() * z


@pytest.mark.parametrize("name", ["linear.weight", "linear.bias"])
def test_gradients_that_the_model_stops_stay_stopped(name: str) -> None:
    torch.manual_seed(0)
    taken = capture_program(model := StoppedGradients(), X)
    state = {key: p.detach().requires_grad_() for key, p in model.named_parameters()}
    program = load(taken.program_json, taken.constants)
    ours = torch.autograd.grad(program.run(state, X, torch.zeros(()))[0].square().sum(), state[name])[0]
    theirs = torch.autograd.grad(model(*X).square().sum(), model.get_parameter(name))[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_self_check_sees_a_lost_detach(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture that let a gradient through is refused, not stored."""
    from recorders.program.capture import convert

    monkeypatch.setattr(convert, "_COPIES", convert._COPIES | {"aten.detach.default"})
    with pytest.raises(ProgramRefused, match="gradient of 'linear"):
        capture_program(StoppedGradients(), X)
