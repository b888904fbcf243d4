"""Fixed gradients against one plain backward pass of torch's own mean losses; scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from recorders.errors import UsageError
from sedscope.analysis.features.scores import score
from sedscope.analysis.sources.fixed_gradients import gradient_of_sum, loss_gradient

WEIGHT = torch.arange(15.0, dtype=torch.float64).reshape(5, 3) / 10
INPUTS = torch.linspace(-1, 1, 21, dtype=torch.float64).reshape(7, 3)
CLASSES = torch.tensor([0, 1, 2, 3, 4, 0, 1])


def outputs(state, inputs):
    return inputs[0] @ state["w"].T


def plain(loss):
    weight = WEIGHT.clone().requires_grad_()
    loss(INPUTS @ weight.T).backward()
    return weight.grad.flatten().numpy()


@pytest.mark.parametrize("chunk", [None, 1, 3])
@pytest.mark.parametrize(
    ("name", "targets", "loss"),
    [
        ("cross_entropy", CLASSES, functional.cross_entropy),
        ("cross_entropy", torch.where(CLASSES == 1, -100, CLASSES), functional.cross_entropy),
        ("mse", INPUTS @ WEIGHT.T + 1, functional.mse_loss),
        ("bce_with_logits", (INPUTS @ WEIGHT.T > 0).double(), functional.binary_cross_entropy_with_logits),
    ],
)
def test_against_a_plain_backward(chunk, name, targets, loss):
    found = loss_gradient(outputs, {"w": WEIGHT}, ["w"], [INPUTS], targets, loss=name, chunk=chunk)
    np.testing.assert_allclose(found, plain(lambda output: loss(output, targets)), rtol=1e-12, atol=1e-15)


def test_targets_at_every_position():
    inputs = INPUTS.reshape(7, 1, 3).expand(7, 2, 3)
    found = loss_gradient(outputs, {"w": WEIGHT}, ["w"], [inputs], CLASSES.unsqueeze(1).expand(7, 2))
    np.testing.assert_allclose(found, plain(lambda output: functional.cross_entropy(output, CLASSES)), rtol=1e-12)


def test_parameters_without_influence_and_order():
    state = {"idle": torch.ones(2, dtype=torch.float64), "w": WEIGHT}
    whole = loss_gradient(outputs, state, ["idle", "w"], [INPUTS], CLASSES)
    assert whole[:2].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(whole[2:], loss_gradient(outputs, state, ["w"], [INPUTS], CLASSES))
    assert not loss_gradient(outputs, state, ["idle"], [INPUTS], CLASSES).any()


def test_gradient_of_sum():
    found = gradient_of_sum(lambda state, part: (INPUTS[part] @ state["w"].T).sum(), {"w": WEIGHT}, ["w"], 7, chunk=2)
    np.testing.assert_allclose(found, np.tile(INPUTS.sum(0).numpy(), 5), atol=1e-12)


def test_unusable_arguments():
    with pytest.raises(UsageError, match="must be one of cross_entropy, mse, bce_with_logits; found hinge"):
        loss_gradient(outputs, {"w": WEIGHT}, ["w"], [INPUTS], CLASSES, loss="hinge")
    with pytest.raises(UsageError, match="no target that counts"):
        loss_gradient(outputs, {"w": WEIGHT}, ["w"], [INPUTS], torch.full((7,), -100))
    with pytest.raises(UsageError, match="chunk"):
        loss_gradient(outputs, {"w": WEIGHT}, ["w"], [INPUTS], CLASSES, chunk=0)


def test_scores():
    logits = torch.arange(24.0).reshape(2, 3, 4)
    assert score(logits[:, 0], torch.tensor([1, 3]), "target_logit").tolist() == [1.0, 15.0]
    positions = torch.tensor([[0, 1, 2], [3, -100, 0]])
    assert score(logits, positions, "target_logit").tolist() == [0 + 5 + 10, 15 + 20]
    assert score(logits[:, 0], torch.tensor([1, 3]), "sum_of_logits").tolist() == [6.0, 54.0]
    assert score(logits[:, 0, :1], torch.zeros(2), "output").tolist() == [0.0, 12.0]
    assert score(logits[:, 0, 0], torch.zeros(2), "output").tolist() == [0.0, 12.0]


def test_unusable_scores():
    with pytest.raises(UsageError, match="integer targets"):
        score(torch.ones(2, 3), torch.zeros(2), "target_logit")
    with pytest.raises(UsageError, match="found loss"):
        score(torch.ones(2, 3), torch.zeros(2, dtype=torch.int64), "loss")
