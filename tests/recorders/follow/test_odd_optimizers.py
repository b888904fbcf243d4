"""Gradients where something behind the step touches them, and subclasses with a step of their own."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn


def train(recording: Any, kind: type[torch.optim.AdamW], *, clearing: bool = False) -> tuple[Any, list[np.ndarray]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer, true = kind(model.parameters(), lr=0.1), []
    if clearing:
        optimizer.register_step_post_hook(lambda *_: optimizer.zero_grad())
    with recording(every=1) as it:
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(5, 3)).square().mean().backward()
            true.append(np.concatenate([parameter.grad.numpy().ravel() for parameter in model.parameters()]).copy())
            optimizer.step()
    return it.writer, true


class SignDescent(torch.optim.AdamW):
    """Keeps AdamW's state names, makes another update, and scales the gradients in place."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["step"] = torch.tensor(float(state.get("step", 0)) + 1)
                for name in ("exp_avg", "exp_avg_sq"):
                    state.setdefault(name, torch.zeros_like(parameter)).add_(parameter.grad)
                parameter.add_(state["exp_avg"].sign(), alpha=-group["lr"])
                parameter.grad.mul_(0.5)


class OwnNames(torch.optim.AdamW):
    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["m"] = parameter.grad.clone()
                parameter.add_(parameter.grad, alpha=-group["lr"])


class Decorated(torch.optim.AdamW):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        return super().step(closure)


@pytest.mark.parametrize(("kind", "clearing"), [(torch.optim.AdamW, True), (SignDescent, False)])
def test_the_gradient_is_the_one_that_the_step_was_made_from(recording: Any, kind: Any, clearing: bool) -> None:
    writer, true = train(recording, kind, clearing=clearing)
    for t, gradient in enumerate(true):
        np.testing.assert_allclose(writer.stored_rows["gradient"][t], gradient, rtol=1e-6)
        assert writer.stored_scalars["grad_norm"][t] == pytest.approx([np.linalg.norm(gradient)], rel=1e-6)


@pytest.mark.parametrize("kind", [SignDescent, OwnNames])
def test_a_step_of_its_own_has_no_stages_and_no_known_decay(recording: Any, kind: Any) -> None:
    writer, _ = train(recording, kind)
    assert set(writer.stored_rows) == {"gradient", "update"}
    assert "decoupled_weight_decay" not in writer.manifest["optimizer"]["groups"][0]


def test_a_subclass_that_calls_super_keeps_its_stages(recording: Any) -> None:
    writer, _ = train(recording, Decorated)
    assert "adam/adaptive" in writer.stored_rows
    assert writer.manifest["optimizer"]["groups"][0]["decoupled_weight_decay"] is True
