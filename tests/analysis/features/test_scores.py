"""The score whose derivative by the feature is a centroid."""

from __future__ import annotations

import pytest
import torch

from recorders.errors import UsageError
from sedscope.analysis.features.checkpoint_models import score


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
