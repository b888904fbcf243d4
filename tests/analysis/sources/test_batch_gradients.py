"""Fixed gradients against one plain backward pass of torch's own mean losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from recorders.errors import UsageError
from recorders.row_sources import FIXED_GRADIENT
from sedscope.analysis.features.checkpoint_models import TaskExamples
from sedscope.analysis.sources.batch_gradients import batch_gradients, gradients_of_sums
from sedscope.analysis.sources.variants import GradientKind

WEIGHT = torch.arange(15.0, dtype=torch.float64).reshape(5, 3) / 10
INPUTS = torch.linspace(-1, 1, 21, dtype=torch.float64).reshape(7, 3)
CLASSES = torch.tensor([0, 1, 2, 3, 4, 0, 1])


def outputs(state, inputs):
    return inputs[0] @ state["w"].T


def loss_gradient(state, selected, inputs, targets, loss="cross_entropy"):
    batch = TaskExamples(outputs, [inputs], targets, loss, least=1)
    (gradient,) = batch_gradients(batch, state, selected, [GradientKind(FIXED_GRADIENT, 0)], "add")
    return gradient


def plain(loss):
    weight = WEIGHT.clone().requires_grad_()
    loss(INPUTS @ weight.T).backward()
    return weight.grad.flatten().numpy()


@pytest.mark.parametrize(
    ("name", "targets", "loss"),
    [
        ("cross_entropy", CLASSES, functional.cross_entropy),
        ("cross_entropy", torch.where(CLASSES == 1, -100, CLASSES), functional.cross_entropy),
        ("mse", INPUTS @ WEIGHT.T + 1, functional.mse_loss),
        ("bce_with_logits", (INPUTS @ WEIGHT.T > 0).double(), functional.binary_cross_entropy_with_logits),
    ],
)
def test_against_a_plain_backward(name, targets, loss):
    found = loss_gradient({"w": WEIGHT}, ["w"], INPUTS, targets, name)
    np.testing.assert_allclose(found, plain(lambda output: loss(output, targets)), rtol=1e-12, atol=1e-15)


def test_targets_at_every_position():
    inputs = INPUTS.reshape(7, 1, 3).expand(7, 2, 3)
    found = loss_gradient({"w": WEIGHT}, ["w"], inputs, CLASSES.unsqueeze(1).expand(7, 2))
    np.testing.assert_allclose(found, plain(lambda output: functional.cross_entropy(output, CLASSES)), rtol=1e-12)


def test_parameters_without_influence_and_order():
    state = {"idle": torch.ones(2, dtype=torch.float64), "w": WEIGHT}
    whole = loss_gradient(state, ["idle", "w"], INPUTS, CLASSES)
    assert whole[:2].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(whole[2:], loss_gradient(state, ["w"], INPUTS, CLASSES))
    assert not loss_gradient(state, ["idle"], INPUTS, CLASSES).any()


def test_gradients_of_sums():
    (found,) = gradients_of_sums(lambda state: [(INPUTS @ state["w"].T).sum()], {"w": WEIGHT}, ["w"])
    np.testing.assert_allclose(found, np.tile(INPUTS.sum(0).numpy(), 5), atol=1e-12)


def test_unusable_arguments():
    with pytest.raises(UsageError, match="must be one of cross_entropy, mse, bce_with_logits; found hinge"):
        loss_gradient({"w": WEIGHT}, ["w"], INPUTS, CLASSES, "hinge")
    with pytest.raises(UsageError, match="no target that counts"):
        loss_gradient({"w": WEIGHT}, ["w"], INPUTS, torch.full((7,), -100))
