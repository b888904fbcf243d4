"""A capture leaves the model, the training and the process as they were."""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recorders.program import capture_program, load


class Remembering(nn.Module):
    """Keeps what it sees, counts its calls, and has running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm, self.drop = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5)
        self.head = nn.Linear(6, 2)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.last: Tensor | None = None
        self.history: list[Any] = []
        self.norm.eval()  # a flag of its own, which `train()` would not restore

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = self.drop(self.norm(self.linear(x)))
        self.history.append(self.last)
        return self.head(self.last)


def random_states() -> list[bytes]:
    return [
        torch.get_rng_state().numpy().tobytes(),
        repr(random.getstate()).encode(),
        np.random.get_state()[1].tobytes(),
    ]


def test_attributes_buffers_flags_and_random_states_are_restored() -> None:
    model, x = Remembering().train(), torch.randn(9, 4)
    model.norm.eval()
    model(x)
    last, flags = model.last, [m.training for m in model.modules()]
    attributes = {name: set(module.__dict__) for name, module in model.named_modules()}
    versions = [t._version for t in (*model.parameters(), *model.buffers())]
    states = random_states()

    capture_program(model, (x,))

    assert model.last is last
    assert len(model.history) == 1
    assert model.calls == 1
    assert [m.training for m in model.modules()] == flags
    assert {name: set(module.__dict__) for name, module in model.named_modules()} == attributes
    assert [t._version for t in model.parameters()] == versions[: len(list(model.parameters()))]
    assert random_states() == states
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_a_refused_capture_leaves_no_trace_either() -> None:
    class Stubborn(Remembering):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * float(x.sum())

    model, x = Stubborn().train(), torch.randn(9, 4)
    states = random_states()
    with pytest.raises(Exception, match="depends on the data"):
        capture_program(model, (x,))
    assert model.calls == 0
    assert model.history == []
    assert model.last is None
    assert random_states() == states


@pytest.mark.parametrize("name", ["encoder", "llama", "cnn"])
def test_training_with_captures_inside_is_bit_identical(build: Callable[[str], Any], name: str) -> None:
    def train(*, capturing: bool) -> list[Tensor]:
        case = build(name)
        optimizer = torch.optim.AdamW(case.model.parameters(), lr=1e-2)
        torch.manual_seed(5)
        for step in range(6):
            loss = sum(y.square().mean() for y in case.outputs())
            if capturing and step in (0, 3):
                capture_program(case.model, case.inputs, **case.arguments)  # between forward and backward
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*case.model.state_dict().values(), torch.rand(3)]

    plain, captured = train(capturing=False), train(capturing=True)
    assert all(torch.equal(a, b) for a, b in zip(plain, captured, strict=True))


def test_nothing_is_printed_logged_or_warned(capfd: pytest.CaptureFixture[str], build: Callable[[str], Any]) -> None:
    class DataDependent(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) if x.sum() > 0 else x

    level = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case = build("lstm")
        capture_program(case.model, case.inputs, **case.arguments)
        with pytest.raises(Exception, match="depends on the data"):
            capture_program(DataDependent(3, 3), (torch.randn(9, 3),))
    assert logging.root.manager.disable == level
    assert capfd.readouterr() == ("", "")


def test_capture_works_inside_no_grad_and_autocast(build: Callable[[str], Any], taken: Callable[[str], Any]) -> None:
    case = build("mlp")
    expected = taken("mlp").program_json
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert capture_program(case.model, case.inputs).program_json == expected
        assert torch.is_autocast_enabled("cpu")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile's own, when it is first imported
class TestWrappers:
    @pytest.fixture
    def plain(self, build: Callable[[str], Any]) -> Any:
        return build("encoder")

    @pytest.fixture
    def expected(self, taken: Callable[[str], Any]) -> bytes:
        return taken("encoder").program_json

    @pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, lambda m: torch.compile(nn.DataParallel(m))])
    def test_a_wrapped_model_gives_the_same_program(
        self, plain: Any, expected: bytes, wrap: Callable[[nn.Module], nn.Module]
    ) -> None:
        assert capture_program(wrap(plain.model), plain.inputs).program_json == expected

    def test_a_compiled_submodule_stays_compiled(self, plain: Any, expected: bytes) -> None:
        plain.model.head = compiled = torch.compile(plain.model.head)
        assert capture_program(plain.model, plain.inputs).program_json == expected
        assert plain.model.head is compiled

    def test_frozen_parameters_stay_frozen_and_can_be_captured(self, plain: Any) -> None:
        plain.model.tok_emb.weight.requires_grad_(False)
        taken = capture_program(plain.model, plain.inputs)
        assert not plain.model.tok_emb.weight.requires_grad
        assert "tok_emb.weight" in load(taken.program_json, taken.constants).state_names
