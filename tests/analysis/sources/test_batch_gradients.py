"""Fixed gradients against one plain backward pass of torch's own mean losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from recorders.errors import UsageError
from recorders.losses import TaskLoss, marked, task_loss
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
    batch = TaskExamples(outputs, [inputs], targets, task_loss(loss), least=1)
    (gradient,) = batch_gradients(batch, state, selected, [GradientKind(FIXED_GRADIENT, 0)], "add")
    return gradient


def plain(loss):
    weight = WEIGHT.clone().requires_grad_()
    loss(INPUTS @ weight.T).backward()
    return weight.grad.flatten().numpy()


NUMBERS = INPUTS @ WEIGHT.T + torch.linspace(-3, 3, 35, dtype=torch.float64).reshape(7, 5)
LABELS = (NUMBERS > 0).double()
SOFT = torch.softmax(NUMBERS, 1)
HEAVY = torch.tensor([1.0, 2.0, 0.5, 3.0, 0.25], dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "targets", "loss"),
    [
        ("cross_entropy", CLASSES, functional.cross_entropy),
        ("cross_entropy", torch.where(CLASSES == 1, -100, CLASSES), functional.cross_entropy),
        ("mse", INPUTS @ WEIGHT.T + 1, functional.mse_loss),
        ("bce_with_logits", (INPUTS @ WEIGHT.T > 0).double(), functional.binary_cross_entropy_with_logits),
        ("mae", NUMBERS, functional.l1_loss),
        ("huber", NUMBERS, functional.huber_loss),
        (functional.smooth_l1_loss, NUMBERS, functional.smooth_l1_loss),
        ("cross_entropy", SOFT, functional.cross_entropy),
    ],
)
def test_against_a_plain_backward(name, targets, loss):
    found = loss_gradient({"w": WEIGHT}, ["w"], INPUTS, targets, name)
    np.testing.assert_allclose(found, plain(lambda output: loss(output, targets)), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("module", "targets"),
    [
        (nn.CrossEntropyLoss(label_smoothing=0.2), CLASSES),
        (nn.CrossEntropyLoss(weight=HEAVY), CLASSES),
        (nn.CrossEntropyLoss(weight=HEAVY, label_smoothing=0.1), torch.where(CLASSES == 1, -100, CLASSES)),
        (nn.CrossEntropyLoss(weight=HEAVY, label_smoothing=0.1), SOFT),
        (nn.CrossEntropyLoss(ignore_index=0), CLASSES),
        (nn.BCEWithLogitsLoss(pos_weight=HEAVY), LABELS),
        (nn.BCEWithLogitsLoss(weight=HEAVY), LABELS),
        (nn.HuberLoss(delta=0.5), NUMBERS),
        (nn.SmoothL1Loss(beta=0.25), NUMBERS),
        (nn.L1Loss(), NUMBERS),
    ],
)
def test_a_loss_modules_settings_against_a_plain_backward(module, targets):
    loss, marked_targets = marked(task_loss(module), targets)
    batch = TaskExamples(outputs, [INPUTS], marked_targets, loss, least=1)
    (found,) = batch_gradients(batch, {"w": WEIGHT}, ["w"], [GradientKind(FIXED_GRADIENT, 0)], "add")
    np.testing.assert_allclose(found, plain(lambda output: module(output, targets)), rtol=1e-12, atol=1e-15)


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
    with pytest.raises(UsageError, match=r"must be one of cross_entropy, mse, bce_with_logits, .*; found hinge"):
        TaskLoss("hinge")
    with pytest.raises(UsageError, match="no target that counts"):
        loss_gradient({"w": WEIGHT}, ["w"], INPUTS, torch.full((7,), -100))
