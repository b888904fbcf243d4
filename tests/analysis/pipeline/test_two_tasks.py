"""A two-task training, recorded and analysed, against formulas written out on copies of its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import sedscope
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.pipeline.analyse import analyse, known_sources
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.runs import open_run

EVERY, STEPS, POOL = 2, 16, 40
SETTINGS = Settings(window=(4,), rank=(2,), random=5, checkpoints=3, precision="float64", evidence=False)


class Net(nn.Module):
    """A shared trunk with a head for each task."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 10), nn.GELU(), nn.Linear(10, 8), nn.GELU())
        self.heads = nn.ModuleDict({"one": nn.Linear(8, 4), "two": nn.Linear(8, 3)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.trunk(x)
        return {name: head(hidden) for name, head in self.heads.items()}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Net, Tensor, dict[str, Tensor]]:
    torch.manual_seed(3)
    model, x = Net(), torch.randn(POOL, 6)
    targets = {"one": torch.randint(4, (POOL,)), "two": torch.randint(3, (POOL,))}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.5)
    path = tmp_path_factory.mktemp("two") / "run"
    with sedscope.record(path, every=EVERY, select="trunk.*"):
        for task, y in targets.items():
            sedscope.probe(model, task=task, inputs=x, targets=y, output=task)
        for _ in range(STEPS):
            outputs = model(x)
            optimizer.zero_grad()
            sedscope.backward({task: functional.cross_entropy(outputs[task], y) for task, y in targets.items()})
            optimizer.step()
    return path, Net().double(), x.double(), targets


def flat(parts: list[Tensor]) -> np.ndarray:
    return torch.cat([part.detach().flatten() for part in parts]).numpy()


def centroids(model: Net, x: Tensor, task: str, y: Tensor) -> np.ndarray:
    fed = x.clone().requires_grad_()
    logits = model(fed)[task]
    (found,) = torch.autograd.grad(logits[torch.arange(len(y)), y].sum(), fed)
    return found.numpy()


def coupling(model: Net, x: Tensor, task: str, y: Tensor, direction: np.ndarray, step: float = 1e-5) -> float:
    """A(v) by a central difference in float64."""
    selected = [value for name, value in model.named_parameters() if name.startswith("trunk")]
    start, moved = [value.detach().clone() for value in selected], []
    for sign in (1.0, -1.0):
        at = 0
        for value, origin in zip(selected, start, strict=True):
            part = torch.tensor(direction[at : at + value.numel()]).view_as(value)
            value.data = origin + sign * step * part
            at += value.numel()
        moved.append(centroids(model, x, task, y))
    for value, origin in zip(selected, start, strict=True):
        value.data = origin
    return float((((moved[0] - moved[1]) / (2 * step)) ** 2).sum(1).mean())


def one_of(series: tuple[CouplingSeries, ...], source: str, task: str) -> CouplingSeries:
    return next(one for one in series if (one.source, one.task) == (source, task))


def test_every_source_meets_the_centroids_that_it_should(recorded: tuple[Path, Net, Tensor, dict[str, Tensor]]) -> None:
    run = open_run(recorded[0])
    assert known_sources(run) == (
        "fixed_gradient/one", "fixed_gradient/two", "fixed_gradient",
        "control/shuffled/one", "control/shuffled/two", "control/cotangent/one", "control/cotangent/two",
        "control/per_example/one", "control/per_example/two", "gradient/one", "gradient/two", "gradient",
        "adam/momentum", "adam/adaptive", "adam/weight_decay", "update", "displacement",
    )  # fmt: skip
    own = analyse(run, SETTINGS)
    assert [one.source for one in own.coupling if one.task == "two" and "/one" in one.source] == []
    crossed = analyse(run, SETTINGS, sources=["fixed_gradient/one", "update"], tasks=["two"], crossed=True)
    assert [(one.source, one.task) for one in crossed.coupling] == [("fixed_gradient/one", "two"), ("update", "two")]


@pytest.mark.parametrize("source", ["fixed_gradient/one", "fixed_gradient", "gradient/one", "update", "displacement"])
def test_crossed_coupling_equals_the_formulas(
    recorded: tuple[Path, Net, Tensor, dict[str, Tensor]], source: str
) -> None:
    path, model, x, targets = recorded
    run = open_run(path)
    found = one_of(analyse(run, SETTINGS, [source], ["two"], crossed=True).coupling, source, "two")
    rows = plain_rows(recorded, source)
    probes = torch.from_numpy(run.probe("two").probe_order[: SETTINGS.probes])
    for point in found.points:
        window = [row for t, row in rows.items() if t <= point.t][-4:]
        assert point.n_rows == len(window)
        if not window:
            assert isinstance(point.ratio, Undefined)
            continue
        load(model, run.weights(point.t))
        directions = np.linalg.svd(np.stack(window), full_matrices=False)[2][:2]
        shared = (model, x[probes], "two", targets["two"][probes])
        base = np.median([coupling(*shared, one) for one in RandomDirections(5, run.manifest.P)])
        np.testing.assert_allclose(point.ratio.R, [coupling(*shared, v) / base for v in directions], rtol=1e-5)


def plain_rows(recorded: tuple[Path, Net, Tensor, dict[str, Tensor]], source: str) -> dict[int, np.ndarray]:
    """Rows by t: fixed gradients from the live model, the others as they were stored."""
    path, model, x, targets = recorded
    run = open_run(path)
    if not source.startswith("fixed"):
        return dict(zip(run.steps(source).tolist(), run.rows(source).astype(float), strict=True))
    rows = {}
    for t in run.weight_steps().tolist():
        load(model, run.weights(t))
        outputs = model(x)
        tasks = targets if source == "fixed_gradient" else {"one": targets["one"]}
        loss = sum(functional.cross_entropy(outputs[task], y) for task, y in tasks.items())
        selected = [value for name, value in model.named_parameters() if name.startswith("trunk")]
        rows[t] = flat(list(torch.autograd.grad(loss, selected)))
    return rows


def load(model: Net, weights: dict[str, np.ndarray]) -> None:
    model.load_state_dict({name: torch.from_numpy(value).double() for name, value in weights.items()})
