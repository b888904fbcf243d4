"""The fixture run: a p = 23 transformer, 40 checkpoints, and what a separate program in float64 made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from recorders.losses import TaskLoss
from recorders.row_sources import FIXED_GRADIENT
from sedscope.analysis.features import centroid_jvp
from sedscope.analysis.features.checkpoint_models import CentroidKind, TaskExamples, score
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.sources.batch_gradients import batch_gradients
from sedscope.analysis.sources.variants import GradientKind

FIXTURES = Path(__file__).parents[1] / "fixtures"


class Transformer(nn.Module):
    """Two tokens → encoder → LayerNorm → head at position 0; δ is added to the token embedding."""

    def __init__(self, modulus: int, width: int, heads: int, hidden: int, layers: int = 2) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(modulus, width)
        self.pos_emb = nn.Parameter(torch.zeros(2, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, modulus)

    def forward(self, tokens: Tensor, delta: Tensor) -> Tensor:
        hidden = self.encoder(self.tok_emb(tokens) + delta + self.pos_emb)
        return self.head(self.ln(hidden[:, 0]))


@dataclass(frozen=True)
class FixtureRun:
    """What the tests ask of the fixture."""

    tensors: dict[str, Tensor]
    expected: dict[str, Any]
    module: Transformer

    @property
    def selected(self) -> tuple[str, ...]:
        return tuple(self.expected["selected_parameters"])

    @property
    def steps(self) -> np.ndarray:
        return np.array(self.expected["steps"])

    @property
    def random_directions(self) -> np.ndarray:
        return self.tensors["random_directions"].double().numpy()

    def state(self, index: int, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
        prefix = "checkpoints/"
        return {k[len(prefix) :]: v[index].to(dtype) for k, v in self.tensors.items() if k.startswith(prefix)}

    def outputs(self, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor | None = None) -> Tensor:
        zero = torch.zeros((), dtype=state["pos_emb"].dtype)
        with sdpa_kernel(SDPBackend.MATH):
            return functional_call(self.module, dict(state), (inputs[0], zero if delta is None else delta))

    def model(self, index: int, kind: CentroidKind = "target_logit", dtype: torch.dtype = torch.float64) -> ProbedModel:
        def scores(state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor) -> Tensor:
            return score(self.outputs(state, examples[:1], delta), examples[1], kind)

        examples = (self.tensors["probe/inputs"], self.tensors["probe/targets"])
        return ProbedModel(scores, self.state(index, dtype), self.selected, examples, (2, 32))

    @cached_property
    def gradients(self) -> np.ndarray:
        """Fixed-batch gradients `[40, P]` in float64."""
        inputs, targets = self.tensors["gradient_batch/inputs"], self.tensors["gradient_batch/targets"]
        batch = TaskExamples(self.outputs, [inputs], targets, TaskLoss("cross_entropy"), least=1)
        kinds = [GradientKind(FIXED_GRADIENT, 0)]
        return np.concatenate([batch_gradients(batch, self.state(i), self.selected, kinds, "add") for i in range(40)])

    @cached_property
    def displacements(self) -> np.ndarray:
        """θ_i − θ_(i−1) `[39, P]`; row i − 1 belongs to step i."""
        flat = [torch.cat([self.state(i)[name].flatten() for name in self.selected]).numpy() for i in range(40)]
        return np.diff(np.stack(flat), axis=0)


@pytest.fixture(scope="session")
def fixture_run() -> FixtureRun:
    expected = json.loads((FIXTURES / "modular_addition.expected.json").read_text())
    tensors = load_file(FIXTURES / "modular_addition.safetensors")
    torch.manual_seed(0)
    return FixtureRun(tensors, expected, Transformer(23, 32, 4, 64).double())


@pytest.fixture(scope="session")
def reader_of() -> Callable[[np.ndarray], Callable[[int, int, slice], np.ndarray]]:
    """A row reader over an array `[n, P]`."""
    return lambda rows: lambda start, stop, columns: rows[start:stop, columns]


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every JVP that is made adds an entry."""
    made: list[int] = []
    original = centroid_jvp.exact_jvps

    def counted(*args: Any, **options: Any) -> Iterator[centroid_jvp.CentroidJVP]:
        for product in original(*args, **options):
            made.append(product.direction)
            yield product

    monkeypatch.setattr(centroid_jvp, "exact_jvps", counted)
    return made
