"""The selection by default holds what an optimizer trains, and the recording says what it leaves out."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sedscope
from recorders.selection import select

X = torch.linspace(-1, 1, 12).reshape(4, 3)


class Averaged(nn.Module):
    """A trained net and an averaged copy of it in one module, which follows after every step."""

    def __init__(self, *, frozen: bool) -> None:
        super().__init__()
        self.online = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        self.average = copy.deepcopy(self.online).requires_grad_(not frozen)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.mse_loss(self.online(x), self.average(x + 0.1).detach())


def step(model: nn.Module, optimizer: torch.optim.Optimizer, *, named: bool = False) -> None:
    optimizer.zero_grad()
    loss = model(X).square().mean()
    if named:
        sedscope.backward({"a": loss})
    else:
        loss.backward()
    optimizer.step()


def selected(writer: Any) -> list[str]:
    return [each["name"] for each in writer.manifest["parameters"] if each["selected"]]


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_an_averaged_copy_is_not_selected(recording: Any, frozen: bool, named: bool, capsys: Any) -> None:
    torch.manual_seed(0)
    model = Averaged(frozen=frozen)
    optimizer = torch.optim.AdamW(model.online.parameters(), lr=0.1)
    with recording(every=1) as it:
        for _ in range(3):
            step(model, optimizer, named=named)
    assert selected(it.writer) == [f"online.{name}" for name, _ in model.online.named_parameters()]
    assert not named or sorted(it.writer.stored_rows["gradient/a"]) == [0, 1, 2]
    assert "not selected: 4 parameters (26 numbers)" in capsys.readouterr().err


def test_frozen_attention_is_not_selected_and_its_adapters_are(recording: Any) -> None:
    model = nn.Module()
    model.attn = nn.Module()
    for name, shape in (("q_proj", (4, 4)), ("lora_A", (2, 4)), ("lora_B", (4, 2))):
        model.attn.register_parameter(name, nn.Parameter(torch.ones(shape), requires_grad=name != "q_proj"))
    model.head = nn.Linear(4, 2)
    adapters = [model.attn.lora_A, model.attn.lora_B]
    everything = set(dict(model.named_parameters()))
    names = {each.name for each in select(model, (), adapters).parameters if each.offset is not None}
    assert names and names <= {"attn.lora_A", "attn.lora_B"}
    explicit = {each.name for each in select(model, ("all",), adapters).parameters if each.offset is not None}
    assert explicit == everything


def test_all_that_is_trained_is_selected_where_the_attention_is_frozen() -> None:
    model = nn.Module()
    model.attn = nn.MultiheadAttention(4, 2).requires_grad_(False)
    model.head = nn.Linear(4, 2)
    selection = select(model, (), list(model.parameters()))
    assert selection.spec == ("all",)
    assert [each.name for each in selection.parameters if each.offset is not None] == ["head.weight", "head.bias"]


def test_parameters_that_are_trained_later_are_said_once(recording: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        step(model, optimizer)
        model[0].requires_grad_(True)
        for _ in range(3):
            step(model, optimizer)
    assert selected(it.writer) == ["2.weight", "2.bias"]
    lines = [(message, t) for _, message, t in it.writer.notes if "not selected" in message]
    assert lines == [
        ("trained from t = 1 on, and not selected: 0.weight and 1 more parameters; --select takes names", 1)
    ]
