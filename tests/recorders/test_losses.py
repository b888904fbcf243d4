"""Targets are held against the loss and the model's output where a probe is named, and refused in one line."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import sedscope
from recorders.errors import UsageError
from recorders.losses import LOSSES, check_targets, task_loss


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(9, 6), nn.Linear(6, 9)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.emb(tokens).tanh())


TOKENS = torch.arange(80).reshape(20, 4) % 9
X = torch.linspace(-1, 1, 60).reshape(20, 3)


def probed(recording: Any, model: nn.Module, inputs: Tensor, targets: Tensor, **request: Any) -> Any:
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        sedscope.probe(model, task="a", inputs=inputs, targets=targets, **request)
        model(inputs).square().mean().backward()
        optimizer.step()
    return it.writer


@pytest.mark.parametrize(
    ("targets", "request_", "complaint"),
    [
        (
            TOKENS[:, -1],
            {},
            "classes must have the shape [20, 4] for an output [20, 4, 9], found int64 [20]; position=",
        ),
        (TOKENS[:, -1] + 1, {"position": -1}, "classes must be from 0 to 8, or -100 where ignored; found 1 to 9"),
        (TOKENS[:, -1], {"position": 4}, "position must be below 4, the positions of the output, found 4"),
        (TOKENS.float(), {}, "class probabilities must have the output's shape [20, 4, 9], found float32 [20, 4]"),
        (torch.ones(20, 4, 9), {}, "class probabilities must not be negative and must sum to 1"),
        (torch.full((20, 4), -100), {}, "no target counts: all are ignored"),
        (TOKENS.float(), {"loss": "mse"}, "there must be one for each number of the output [20, 4, 9], found [20, 4]"),
        (torch.full((20, 4, 9), 2.0), {"loss": "bce_with_logits"}, "they must be from 0 to 1, found 2 to 2"),
        (torch.full((20, 4, 9), torch.nan), {"loss": "mae"}, "they must be finite"),
        (TOKENS, {"loss": nn.CrossEntropyLoss(weight=torch.ones(5))}, "weight must have 9 entries"),
        (TOKENS, {"loss": "hinge"}, "loss must be one of cross_entropy, mse, bce_with_logits"),
        (TOKENS, {"loss": nn.NLLLoss()}, "found NLLLoss"),
    ],
)
def test_targets_that_do_not_fit_are_refused_in_one_line(
    recording: Any, targets: Tensor, request_: dict[str, Any], complaint: str
) -> None:
    writer = probed(recording, Positions(), TOKENS, targets, **request_)
    refusals = [message for kind, message, _ in writer.notes if kind == "refused"]
    assert len(refusals) == 1 and refusals[0].startswith("probe a: ") and complaint in refusals[0]
    assert "a" not in writer.probes and sorted(writer.stored_rows["gradient"]) == [0]


def test_the_script_that_names_no_loss_for_labels_is_told_which_one(recording: Any) -> None:
    labels = (torch.linspace(-1, 1, 100).reshape(20, 5) > 0.3).float()
    writer = probed(recording, nn.Linear(3, 5), X, labels)
    assert any('give loss="bce_with_logits"' in message for _, message, _ in writer.notes) and "a" not in writer.probes


@pytest.mark.parametrize(
    ("shape", "targets", "loss"),
    [
        ((20, 4, 9), TOKENS, "cross_entropy"),
        ((20, 9), torch.softmax(torch.ones(20, 9), 1), functional.cross_entropy),
        ((20, 5), torch.ones(20, 5), "bce_with_logits"),
        ((20, 1), torch.arange(20) % 2, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))),
        ((20, 1), torch.linspace(0, 1, 20), "mse"),
        ((20,), torch.linspace(0, 1, 20), nn.HuberLoss(delta=0.1)),
    ],
)
def test_targets_that_fit_are_taken(shape: tuple[int, ...], targets: Tensor, loss: Any) -> None:
    check_targets(task_loss(loss), shape, None, targets)
    with pytest.raises(UsageError, match="targets do not fit"):
        check_targets(task_loss(loss), (*shape, 2), None, targets)


def test_settings_of_the_loss_are_stored_and_a_mark_of_ignored_targets_becomes_the_common_one(recording: Any) -> None:
    loss = nn.CrossEntropyLoss(weight=torch.arange(1.0, 10.0), ignore_index=0, label_smoothing=0.1)
    writer = probed(recording, Positions(), TOKENS, TOKENS, loss=loss)
    tensors, meta = writer.probes["a"]
    assert meta["loss"] == "cross_entropy" and meta["why_no_program"] is None
    assert torch.equal(tensors["targets"], torch.where(TOKENS == 0, -100, TOKENS))
    assert tensors["loss.weight"].tolist() == list(range(1, 10))
    assert tensors["loss.label_smoothing"].item() == pytest.approx(0.1) and "loss.ignore_index" not in tensors


def test_every_loss_can_be_given_as_name_function_and_module() -> None:
    for name, definition in LOSSES.items():
        for form in (name, definition.function, definition.module()):
            assert task_loss(form).name == name
