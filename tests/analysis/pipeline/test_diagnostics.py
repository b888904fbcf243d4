"""Controls and second measures of a recorded two-task training, against formulas on copies of its weights."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import sedscope
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import (
    AngleSeries,
    CheckpointAlignment,
    CheckpointCoupling,
    CouplingSeries,
    RunAnalysis,
)
from sedscope.analysis.progress import AnalysisProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.report_json import render_json
from sedscope.runs import Run, open_run

EVERY, STEPS, POOL, BATCH, CLIP = 2, 16, 40, 16, 0.05
SETTINGS = Settings(
    window=(4,), rank=(2,), random=5, checkpoints=3, batch=BATCH, batches=2, block_probes=POOL, precision="float64"
)
CHECKPOINT = 8
"""The middle one of the three: t = 0, 8, 16."""
CONTROLS = ("control/shuffled/one", "control/cotangent/one", "control/per_example/one")


class Net(nn.Module):
    """A trunk of two selected matrices, and a head for each task."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 10, bias=False)
        self.second = nn.Linear(10, 8, bias=False)
        self.heads = nn.ModuleDict({"one": nn.Linear(8, 4), "two": nn.Linear(8, 3)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = functional.gelu(self.second(functional.gelu(self.first(x))))
        return {name: head(hidden) for name, head in self.heads.items()}


@dataclass
class Recorded:
    """The run, and its model to do sums with."""

    path: Path
    x: Tensor
    y: dict[str, Tensor]
    train: Tensor

    @property
    def run(self) -> Run:
        return open_run(self.path)

    def model(self, t: int, *, selected_at: int | None = None) -> Net:
        """The model at t, its selected parameters possibly at another step."""
        model = Net().double()
        state = {name: torch.from_numpy(value).double() for name, value in self.run.weights(t).items()}
        if selected_at is not None:
            later = self.run.weights(selected_at)
            state |= {name: torch.from_numpy(later[name]).double() for name in ("first.weight", "second.weight")}
        model.load_state_dict(state)
        return model

    def batch(self, task: str, index: int = 0, order: np.ndarray | None = None) -> tuple[Tensor, Tensor]:
        order = self.run.probe(task).batch_order if order is None else order
        chosen = torch.from_numpy(order[index * BATCH : (index + 1) * BATCH])
        return self.x[chosen], self.y[task][chosen]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    torch.manual_seed(5)
    model, x, train = Net(), torch.randn(POOL, 6), torch.arange(POOL) % 2 == 0
    targets = {"one": torch.randint(4, (POOL,)), "two": torch.randint(3, (POOL,))}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.5)
    path = tmp_path_factory.mktemp("evidence") / "run"
    with sedscope.record(path, every=EVERY, select=("first.weight", "second.weight")):
        for task, y in targets.items():
            sedscope.probe(model, task=task, inputs=x, targets=y, output=task, train=train)
        for _ in range(STEPS):
            outputs = model(x)
            optimizer.zero_grad()
            sedscope.backward({task: functional.cross_entropy(outputs[task], y) for task, y in targets.items()})
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
    return Recorded(path, x.double(), targets, train)


@pytest.fixture(scope="module")
def analysis(recorded: Recorded) -> RunAnalysis:
    return analyse(recorded.run, SETTINGS)


def one_of(analysis: RunAnalysis, source: str, task: str = "one") -> CouplingSeries:
    return next(one for one in analysis.coupling if (one.source, one.task) == (source, task))


def at(analysis: RunAnalysis, source: str, t: int = CHECKPOINT, task: str = "one") -> CheckpointCoupling:
    return next(point for point in one_of(analysis, source, task).points if point.t == t)


def flat_gradient(total: Tensor, model: Net) -> np.ndarray:
    parts = torch.autograd.grad(total, [model.first.weight, model.second.weight])
    return torch.cat([part.flatten() for part in parts]).numpy()


def plain_gradient(recorded: Recorded, source: str, t: int, index: int = 0, order: np.ndarray | None = None) -> Any:
    """A row of a computed source of task one, by the loss written out."""
    model = recorded.model(t)
    fixed = source.startswith("fixed_gradient")
    x, y = recorded.batch("one", index, order)
    logits = model(x)["one"]
    if fixed:
        return flat_gradient(functional.cross_entropy(logits, y), model)
    family = source.removesuffix("/one")
    draw = np.random.default_rng([zlib.crc32(family.encode()), zlib.crc32(b"one"), index])
    if family == "control/shuffled":
        return flat_gradient(functional.cross_entropy(logits, y[torch.from_numpy(draw.permutation(BATCH))]), model)
    if family == "control/cotangent":
        return flat_gradient((logits * torch.from_numpy(draw.standard_normal((BATCH, 4)))).sum() / BATCH, model)
    weights = draw.standard_normal(BATCH)
    losses = [weight * functional.cross_entropy(logits[i : i + 1], y[i : i + 1]) for i, weight in enumerate(weights)]
    return flat_gradient(torch.stack(losses).mean(), model)


def variants(source: str) -> range:
    """Batches of a fixed gradient, draws of a control; the batch has the number of the draw."""
    return range(2) if source.startswith(("fixed_gradient", "control")) else range(1)


def geometric_mean(values: Any) -> Any:
    """(Π_b x_b)^(1/B), over the first axis."""
    return np.prod(values, axis=0) ** (1.0 / len(values))


def random_directions(count: int = 5) -> list[np.ndarray]:
    """Unit vectors `[140]`: Gaussian, the j-th from the seeds 0 and j."""
    draws = [np.random.default_rng([0, j]).standard_normal(140) for j in range(count)]
    return [draw / np.linalg.norm(draw) for draw in draws]


def rows_of(recorded: Recorded, source: str, index: int = 0, order: np.ndarray | None = None) -> dict[int, np.ndarray]:
    """Every row of a source by t."""
    run = recorded.run
    if source.startswith(("fixed_gradient", "control")):
        return {t: plain_gradient(recorded, source, t, index, order) for t in run.weight_steps().tolist()}
    stored = "gradient" if source == "stage/unclipped" else source
    rows = dict(zip(run.steps(stored).tolist(), run.rows(stored).astype(float), strict=True))
    if source == "stage/unclipped":
        coefficient = dict(zip(*(values.tolist() for values in run.scalar("clip_coefficient")), strict=True))
        rows = {t: row / coefficient[t] for t, row in rows.items()}
    return rows


def window_of(rows: dict[int, np.ndarray], t: int = CHECKPOINT) -> np.ndarray:
    return np.stack([row for step, row in rows.items() if step <= t][-4:])


def directions_of(rows: dict[int, np.ndarray], t: int = CHECKPOINT) -> np.ndarray:
    return np.linalg.svd(window_of(rows, t), full_matrices=False)[2][:2]


def centroids(model: Net, recorded: Recorded, task: str = "one") -> np.ndarray:
    x = recorded.x.clone().requires_grad_()
    logits = model(x)[task]
    (found,) = torch.autograd.grad(logits.gather(1, recorded.y[task][:, None]).sum(), x)
    return found.numpy()


def centred_logits(model: Net, recorded: Recorded, task: str = "one") -> np.ndarray:
    logits = model(recorded.x)[task].detach()
    return (logits - logits.mean(1, keepdim=True)).numpy()


def derivative(
    of: Callable[..., np.ndarray], recorded: Recorded, v: np.ndarray, t: int = CHECKPOINT, task: str = "one"
) -> np.ndarray:
    """d/dε by a central difference in float64."""
    ends = []
    for sign in (1.0, -1.0):
        model, start = recorded.model(t), 0
        for weight in (model.first.weight, model.second.weight):
            part = torch.from_numpy(v[start : start + weight.numel()]).view_as(weight)
            weight.data += sign * 1e-5 * part
            start += weight.numel()
        ends.append(of(model, recorded, task))
    return (ends[0] - ends[1]) / 2e-5


def A(of: Callable[..., np.ndarray], recorded: Recorded, v: np.ndarray) -> float:
    return float((derivative(of, recorded, v) ** 2).sum(1).mean())


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def split_by_block(v: np.ndarray) -> list[np.ndarray]:
    parts = []
    for columns in (slice(0, 60), slice(60, 140)):
        part = np.zeros_like(v)
        part[columns] = v[columns]
        parts.append(part)
    return parts


def matched_ratios(recorded: Recorded, source: str, draw: int = 0) -> list[float]:
    """A(v) of each direction over the median of A of random directions that have v's norm in every block."""
    ratios = []
    for v in directions_of(rows_of(recorded, source, draw)):
        norms = [np.linalg.norm(block) for block in split_by_block(v)]
        matched = []
        for r in random_directions():
            pairs = zip(norms, split_by_block(r), strict=True)
            matched.append(A(centroids, recorded, sum(norm * block / np.linalg.norm(block) for norm, block in pairs)))
        ratios.append(A(centroids, recorded, v) / np.median(matched))
    return ratios


@pytest.mark.parametrize("source", CONTROLS)
def test_a_control_is_the_geometric_mean_of_its_draws_and_shows_their_spread(
    recorded: Recorded, analysis: RunAnalysis, source: str
) -> None:
    base = np.median([A(centroids, recorded, r) for r in random_directions()])
    by_draw = []
    for draw in range(2):
        directions = directions_of(rows_of(recorded, source, draw))
        by_draw.append([A(centroids, recorded, v) / base for v in directions])
    point = at(analysis, source)
    np.testing.assert_allclose(point.ratio.R, geometric_mean(by_draw), rtol=1e-5)
    np.testing.assert_allclose(point.A, geometric_mean(by_draw) * base, rtol=1e-5)
    np.testing.assert_allclose(point.spread.rbar, np.mean(by_draw, axis=1), rtol=1e-5)
    assert (point.spread.low, point.spread.high) == (min(point.spread.rbar), max(point.spread.rbar))
    assert point.ratio.rbar == pytest.approx(geometric_mean(np.mean(by_draw, axis=1)), rel=1e-5)
    assert point.interval.low < point.ratio.rbar < point.interval.high


@pytest.mark.parametrize("source", ["fixed_gradient/one", "displacement", "control/cotangent/one"])
def test_the_logit_ratio_is_that_of_centred_logits(recorded: Recorded, analysis: RunAnalysis, source: str) -> None:
    base = np.median([A(centred_logits, recorded, r) for r in random_directions()])
    found = [
        [A(centred_logits, recorded, v) / base for v in directions_of(rows_of(recorded, source, index))]
        for index in variants(source)
    ]
    np.testing.assert_allclose(at(analysis, source).logit.R, geometric_mean(found), rtol=1e-5)


@pytest.mark.parametrize("source", ["fixed_gradient/one", "update", "control/shuffled/one"])
def test_the_matched_ratio_is_against_random_directions_of_the_same_block_norms(
    recorded: Recorded, analysis: RunAnalysis, source: str
) -> None:
    point = at(analysis, source)
    expected = geometric_mean([matched_ratios(recorded, source, index) for index in variants(source)])
    np.testing.assert_allclose(point.matched.R, expected, rtol=1e-5)
    assert point.matched_interval.low < point.matched.rbar < point.matched_interval.high


def test_fewer_block_probes_change_the_matched_ratio_alone(recorded: Recorded, analysis: RunAnalysis) -> None:
    few = analyse(recorded.run, replace(SETTINGS, block_probes=32), ["update"], ["one"])
    point, whole = at(few, "update"), at(analysis, "update")
    np.testing.assert_array_equal(point.ratio.R, whole.ratio.R)
    assert (point.matched.R != whole.matched.R).all()
    np.testing.assert_allclose(point.matched.R, whole.matched.R, rtol=0.3)
    assert [one.n_probes for one in one_of(few, "update").blocks] == [32] * len(one_of(few, "update").blocks)


@pytest.mark.parametrize("source", ["gradient/one", "displacement"])
def test_energy_and_coupling_of_every_block(recorded: Recorded, analysis: RunAnalysis, source: str) -> None:
    assert analysis.blocks == ("first.weight", "second.weight")
    series = one_of(analysis, source)
    for point in series.points:
        if point.n_rows:
            parts = [split_by_block(v) for v in directions_of(rows_of(recorded, source), point.t)[: len(point.energy)]]
            np.testing.assert_allclose(point.energy, [[part @ part for part in one] for one in parts], atol=1e-9)
            np.testing.assert_allclose(point.energy.sum(axis=1), 1.0)
    assert {one.t for one in series.blocks} == {series.peak.t} | (
        {series.final.t} if hasattr(series.final, "t") else set()
    )
    block = series.blocks[0]
    directions = directions_of(rows_of(recorded, source), block.t)
    expected = [
        [float((derivative(centroids, recorded, part, block.t) ** 2).sum(1).mean()) for part in split_by_block(v)]
        for v in directions
    ]
    np.testing.assert_allclose(block.A, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("source", "sign"), [("fixed_gradient/one", -1), ("gradient", -1), ("update", 1), ("displacement", 1)]
)
def test_alignment_is_the_cosine_with_what_came_next(
    recorded: Recorded, analysis: RunAnalysis, source: str, sign: int
) -> None:
    found = at(analysis, source).alignment
    assert isinstance(found, CheckpointAlignment)
    assert found.next_t == CHECKPOINT + EVERY
    start = centroids(recorded.model(CHECKPOINT), recorded)
    ends = recorded.model(CHECKPOINT, selected_at=found.next_t), recorded.model(found.next_t)
    shifts = [centroids(end, recorded) - start for end in ends]
    of_rows, of_directions = [], []
    for index in variants(source):
        rows = rows_of(recorded, source, index)
        row = derivative(centroids, recorded, sign * rows[CHECKPOINT])
        of_rows.append([cosine(row, shift) for shift in shifts])
        mean = window_of(rows).mean(axis=0)
        turned = [sign * np.sign(v @ mean) * v for v in directions_of(rows)]
        moved = [derivative(centroids, recorded, v) for v in turned]
        of_directions.append([[cosine(each, shift) for shift in shifts] for each in moved])
    np.testing.assert_allclose(found.row, np.mean(of_rows, axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.v, np.mean(of_directions, axis=0), rtol=1e-5, atol=1e-9)
    for interval, value in zip(found.row_interval, found.row, strict=True):
        assert interval.low < value < interval.high


def test_alignment_is_undefined_at_the_end_and_its_floor_is_that_of_random_directions(
    recorded: Recorded, analysis: RunAnalysis
) -> None:
    assert at(analysis, "fixed_gradient/one", STEPS).alignment == Undefined("no interval follows the last weights")
    floor = next(one for one in analysis.random_alignment if one.task == "one")
    assert [t for t, _ in floor.points] == [0, CHECKPOINT]
    shift = centroids(recorded.model(CHECKPOINT + EVERY), recorded) - centroids(recorded.model(CHECKPOINT), recorded)
    values = [cosine(derivative(centroids, recorded, r), shift) for r in random_directions()]
    assert floor.points[1][1][1] == pytest.approx(np.sqrt(np.mean(np.square(values))), rel=1e-5)


def angle(analysis: RunAnalysis, first: str, second: str) -> AngleSeries:
    return next(one for one in analysis.angles if (one.first, one.second) == (first, second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("fixed_gradient/one", "control/shuffled/one"),
        ("gradient/one", "gradient/two"),
        ("gradient", "displacement"),
        ("fixed_gradient/one", "fixed_gradient/one"),
    ],
)
def test_angles_between_sources_tasks_and_batches(
    recorded: Recorded, analysis: RunAnalysis, first: str, second: str
) -> None:
    found = angle(analysis, first, second)
    bases = [
        directions_of(rows_of(recorded, name, batch)) for name, batch in ((first, 0), (second, int(first == second)))
    ]
    expected = np.linalg.svd(bases[0] @ bases[1].T, compute_uv=False)
    point = next(point for point in found.points if point.t == CHECKPOINT)
    np.testing.assert_allclose(point.cosines, expected, atol=1e-7)
    assert (found.is_floor, found.second_batch) == ((True, 1) if first == second else (False, 0))
    assert point.flat is None or point.flat.startswith((first, second))


def test_two_controls_are_not_compared(analysis: RunAnalysis) -> None:
    pairs = [(one.first, one.second) for one in analysis.angles]
    assert not [pair for pair in pairs if all(name.startswith("control") for name in pair)]
    assert len(pairs) == len(set(pairs))


def test_the_stages_walk_from_the_gradient_to_the_displacement(recorded: Recorded, analysis: RunAnalysis) -> None:
    table = next(one for one in analysis.stages if one.task == "one")
    assert [stage.source for stage in table.stages] == [
        "gradient/one", "stage/unclipped", "gradient", "adam/momentum", "adam/adaptive", "update", "displacement",
    ]  # fmt: skip
    assert [name for name, _ in table.merged] == ["+ decay"]
    assert table.steps == (CHECKPOINT, STEPS)
    base = np.median([A(centroids, recorded, r) for r in random_directions()])
    for stage in table.stages:
        directions = directions_of(rows_of(recorded, stage.source))
        rbar = np.mean([A(centroids, recorded, v) / base for v in directions])
        np.testing.assert_allclose(stage.rbar[0], rbar, rtol=1e-4)
        np.testing.assert_allclose(stage.matched[0], np.mean(matched_ratios(recorded, stage.source)), rtol=1e-4)
    pairs = list(itertools.pairwise(table.stages))
    factors = [np.sqrt(np.prod(after.rbar / before.rbar)) for before, after in pairs]
    np.testing.assert_allclose([after.factor for _, after in pairs], factors)
    matched = [np.sqrt(np.prod(after.matched / before.matched)) for before, after in pairs]
    np.testing.assert_allclose([after.matched_factor for _, after in pairs], matched)
    assert table.loses_most == pairs[int(np.argmin(factors))][1].source
    assert table.loses_most_matched == pairs[int(np.argmin(matched))][1].source


def test_a_fixed_gradient_is_the_geometric_mean_of_its_batches_disjoint_or_not(recorded: Recorded) -> None:
    found = analyse(recorded.run, replace(SETTINGS, batches=3), ["fixed_gradient/one"])
    base = np.median([A(centroids, recorded, r) for r in random_directions()])
    # 40 examples hold two batches of 16; the third is the first of another drawing.
    again = np.random.default_rng([zlib.crc32(b"batches"), 0, 1]).permutation(recorded.run.probe("one").batch_order)
    by_batch = []
    for index, order in ((0, None), (1, None), (0, again)):
        directions = directions_of(rows_of(recorded, "fixed_gradient/one", index, order))
        by_batch.append(np.mean([A(centroids, recorded, v) / base for v in directions]))
    point = at(found, "fixed_gradient/one")
    np.testing.assert_allclose(point.spread.rbar, by_batch, rtol=1e-5)
    assert point.ratio.rbar == pytest.approx(geometric_mean(by_batch), rel=1e-5)
    assert point.interval.n_batches == 3 and point.interval.low < point.ratio.rbar < point.interval.high
    assert found.notes == tuple(
        f"task {task}: its 40 examples hold 2 disjoint fixed batches of 16, so the 3 overlap; --batch 13 makes them"
        " disjoint"
        for task in ("one", "two")
    )


def test_a_pool_that_is_one_batch_has_one_fixed_gradient_and_several_draws_of_controls(recorded: Recorded) -> None:
    sources = ["fixed_gradient/one", "control/shuffled/one", "pool_gradient/one"]
    found = analyse(recorded.run, replace(SETTINGS, batch=40), sources)
    point, pool = at(found, "fixed_gradient/one"), at(found, "pool_gradient/one")
    assert point.spread is None and point.interval.n_batches == 1
    assert len(at(found, "control/shuffled/one").spread.rbar) == 2
    np.testing.assert_allclose(pool.ratio.R, point.ratio.R, rtol=1e-9)
    assert angle(found, "fixed_gradient/one", "fixed_gradient/one").points[1].cosines == Undefined(
        "fixed_gradient/one: task one: its 40 examples are one batch"
    )
    assert found.notes[0] == "task one: its 40 examples are the only fixed batch, so no interval covers batches"


def test_the_pool_gradient_is_that_of_the_mean_loss_over_every_example(recorded: Recorded) -> None:
    found = analyse(recorded.run, replace(SETTINGS, batch=7), ["pool_gradient/one"], ["one"])
    base = np.median([A(centroids, recorded, r) for r in random_directions()])
    rows = {}
    for t in recorded.run.weight_steps().tolist():
        model = recorded.model(t)
        logits = model(recorded.x)["one"]
        rows[t] = flat_gradient(functional.cross_entropy(logits, recorded.y["one"]), model)
    expected = [A(centroids, recorded, v) / base for v in directions_of(rows)]
    np.testing.assert_allclose(at(found, "pool_gradient/one").ratio.R, expected, rtol=1e-5)


def test_the_pool_gradient_is_made_for_those_who_name_it(analysis: RunAnalysis) -> None:
    assert not [series.source for series in analysis.spectra if series.source.startswith("pool_gradient")]


def plain_shares(recorded: Recorded, task: str, t: int, index: int) -> np.ndarray:
    """‖softmax(ℓ_x) − e_y‖, the gradient of the cross-entropy with respect to the output, of every example."""
    x, y = recorded.batch(task, index)
    probabilities = torch.softmax(recorded.model(t)(x)[task].detach(), dim=1).numpy()
    return np.linalg.norm(probabilities - np.eye(probabilities.shape[1])[y.numpy()], axis=1)


def test_effective_examples_are_those_of_the_losses_gradients(recorded: Recorded, analysis: RunAnalysis) -> None:
    for t in (CHECKPOINT, STEPS):
        of_tasks = {task: [plain_shares(recorded, task, t, index) for index in range(2)] for task in ("one", "two")}
        for task, batches in of_tasks.items():
            weights = [norms / norms.sum() for norms in batches]
            found = at(analysis, f"fixed_gradient/{task}", t, task).effective_examples
            np.testing.assert_allclose(found, [1.0 / (w**2).sum() for w in weights], rtol=1e-6)
            both = [np.concatenate(pair) for pair in zip(*of_tasks.values(), strict=True)]
            found = at(analysis, "fixed_gradient", t, task).effective_examples
            np.testing.assert_allclose(found, [norms.sum() ** 2 / (norms**2).sum() for norms in both], rtol=1e-6)
    for source in ("control/shuffled/one", "gradient", "update"):
        assert at(analysis, source).effective_examples is None


def test_effective_examples_of_the_pool_and_of_an_even_batch(recorded: Recorded) -> None:
    found = analyse(recorded.run, replace(SETTINGS, batch=7), ["pool_gradient/one"], ["one"])
    x, y = recorded.x, recorded.y["one"]
    probabilities = torch.softmax(recorded.model(CHECKPOINT)(x)["one"].detach(), dim=1).numpy()
    norms = np.linalg.norm(probabilities - np.eye(4)[y.numpy()], axis=1)
    np.testing.assert_allclose(
        at(found, "pool_gradient/one").effective_examples, [norms.sum() ** 2 / (norms**2).sum()], rtol=1e-6
    )


def test_another_seed_redraws_probes_batches_controls_and_random_directions(recorded: Recorded) -> None:
    settings = replace(SETTINGS, draw_seed=3, probes=24)
    found = analyse(recorded.run, settings, ["fixed_gradient/one", *CONTROLS[:1]], ["one"])
    drawn = replace(recorded)
    probe = recorded.run.probe("one")
    chosen = np.random.default_rng([zlib.crc32(b"probes"), 3, 0]).permutation(probe.probe_order)[:24]
    order = np.random.default_rng([zlib.crc32(b"batches"), 3, 0]).permutation(probe.batch_order)
    drawn.x, drawn.y = recorded.x[chosen], {"one": recorded.y["one"][chosen]}
    draws = [np.random.default_rng([3, j]).standard_normal(140) for j in range(5)]
    base = np.median([A(centroids, drawn, r / np.linalg.norm(r)) for r in draws])
    by_batch = []
    for index in range(2):
        directions = directions_of(rows_of(recorded, "fixed_gradient/one", index, order))
        by_batch.append(np.mean([A(centroids, drawn, v) / base for v in directions]))
    assert at(found, "fixed_gradient/one").ratio.rbar == pytest.approx(geometric_mean(by_batch), rel=1e-5)
    by_draw = []
    for index in range(2):
        rows = {}
        for t in recorded.run.weight_steps().tolist():
            model = recorded.model(t)
            x, y = recorded.batch("one", index, order)
            draw = np.random.default_rng([zlib.crc32(b"control/shuffled"), zlib.crc32(b"one"), index, 3])
            shuffled = y[torch.from_numpy(draw.permutation(BATCH))]
            rows[t] = flat_gradient(functional.cross_entropy(model(x)["one"], shuffled), model)
        by_draw.append(np.mean([A(centroids, drawn, v) / base for v in directions_of(rows)]))
    assert at(found, CONTROLS[0]).ratio.rbar == pytest.approx(geometric_mean(by_draw), rel=1e-5)


@pytest.mark.parametrize("part", ["train", "test"])
def test_batches_of_a_part_hold_its_examples_in_the_order_of_the_drawing(recorded: Recorded, part: str) -> None:
    found = analyse(recorded.run, replace(SETTINGS, part=part, batches=1), ["fixed_gradient/one"])
    order = recorded.run.probe("one").batch_order
    order = order[recorded.train.numpy()[order] == (part == "train")]
    assert len(order) == POOL // 2
    directions = directions_of(rows_of(recorded, "fixed_gradient/one", order=order))
    base = np.median([A(centroids, recorded, r) for r in random_directions()])
    expected = [A(centroids, recorded, v) / base for v in directions]
    np.testing.assert_allclose(at(found, "fixed_gradient/one").ratio.R, expected, rtol=1e-5)


def test_several_windows_and_ranks_give_the_same_second_measures(recorded: Recorded, analysis: RunAnalysis) -> None:
    found = analyse(recorded.run, replace(SETTINGS, window=(3, 4), rank=(1, 2)))
    for source in ("fixed_gradient/one", "update", "control/shuffled/one"):
        series = next(
            one for one in found.coupling if (one.source, one.task, one.window, one.rank) == (source, "one", 4, 2)
        )
        point, direct = series.points[1], at(analysis, source)
        for name in ("ratio", "logit", "matched"):
            np.testing.assert_allclose(getattr(point, name).R, getattr(direct, name).R, rtol=1e-7)
        np.testing.assert_allclose(point.energy, direct.energy, atol=1e-9)
        np.testing.assert_allclose(point.alignment.v, direct.alignment.v, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(point.alignment.row, direct.alignment.row, rtol=1e-6)
        assert series.blocks == ()
    wide = next(
        one for one in found.angles if (one.first, one.second, one.window, one.rank) == ("gradient", "update", 4, 2)
    )
    np.testing.assert_allclose(
        wide.points[1].cosines, angle(analysis, "gradient", "update").points[1].cosines, atol=1e-7
    )


def test_the_central_difference_serves_every_measure(recorded: Recorded, analysis: RunAnalysis) -> None:
    central = replace(SETTINGS, method="central", epsilon=1e-5)
    point = at(analyse(recorded.run, central, ["update"], ["one"]), "update")
    exact = at(analysis, "update")
    for name in ("ratio", "logit", "matched"):
        np.testing.assert_allclose(getattr(point, name).R, getattr(exact, name).R, rtol=1e-6)
    np.testing.assert_allclose(point.alignment.row, exact.alignment.row, rtol=1e-6)


@pytest.mark.parametrize("source", ["stage/unclipped", "control/shuffled/one"])
def test_controls_and_stages_can_be_asked_for_by_name(recorded: Recorded, analysis: RunAnalysis, source: str) -> None:
    found = analyse(recorded.run, SETTINGS, [source], ["one"])
    assert [one.source for one in found.coupling] == [source]
    assert at(found, source).ratio.rbar == at(analysis, source).ratio.rbar


def test_only_the_controls_of_the_asked_tasks_are_made(recorded: Recorded) -> None:
    found = analyse(recorded.run, replace(SETTINGS, batches=1), tasks=["one"])
    assert {one.source for one in found.spectra if one.source.startswith("control")} == set(CONTROLS)


def test_without_evidence_nothing_but_the_free_measure_is_made(recorded: Recorded) -> None:
    found = analyse(recorded.run, replace(SETTINGS, evidence=False))
    assert not [one.source for one in found.coupling if one.source.startswith(("control", "stage"))]
    point = at(found, "update")
    absent = Undefined("it was not measured")
    assert point.matched == point.alignment == point.matched_interval == absent
    assert found.angles == () and one_of(found, "update").blocks == ()
    assert not isinstance(point.logit, Undefined)


def as_json(analysis: RunAnalysis) -> str:
    return render_json([analysis], [], SETTINGS)


@pytest.mark.usefixtures("analysis")
def test_a_second_call_makes_no_product_and_gives_the_same_bytes(
    recorded: Recorded, analysis: RunAnalysis, products: list[int]
) -> None:
    assert as_json(analyse(recorded.run, SETTINGS)) == as_json(analysis)
    assert products == []


@pytest.mark.usefixtures("analysis")
def test_a_second_call_imports_no_torch(recorded: Recorded) -> None:
    code = (
        "import sys; from sedscope.runs import open_run; from sedscope.analysis.pipeline.analyse import analyse;"
        "from sedscope.analysis.settings import Settings;"
        f"analyse(open_run({str(recorded.path)!r}), {SETTINGS!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("stage", ["fixed gradients one", "JVPs", "blocks", "angles"])
def test_an_interrupt_at_any_stage_leaves_results_that_the_next_call_goes_on_from(
    recorded: Recorded, analysis: RunAnalysis, products: list[int], tmp_path: Path, stage: str
) -> None:
    copy = Path(shutil.copytree(recorded.path, tmp_path / "run", ignore=shutil.ignore_patterns("derived")))

    def interrupt(progress: AnalysisProgress) -> None:
        if progress.stage == stage and progress.done > progress.total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(open_run(copy), SETTINGS, progress=interrupt)
    before = len(products)
    again = analyse(open_run(copy), SETTINGS)
    assert as_json(replace(again, path="")) == as_json(replace(analysis, path=""))
    assert stage != "angles" or len(products) == before


def test_everything_is_json(analysis: RunAnalysis) -> None:
    (run,) = json.loads(as_json(analysis), parse_constant=lambda name: pytest.fail(name))["runs"]
    control = next(one for one in run["coupling"] if one["source"] == "control/shuffled/one")
    assert control["spread"]["count"] == 2 and control["spread"]["over"] == "draws"
    assert len(control["spread"]["rbar"]) == len(control["steps"]) == 3
    gradient = next(one for one in run["coupling"] if (one["source"], one["task"]) == ("gradient", "one"))
    assert gradient["spread"] is None
    assert np.shape(gradient["alignment"]["v"]["selected"][1]) == (2,)
    assert np.shape(gradient["blocks"]["energy"][1]) == (2, 2)
    assert np.shape(gradient["blocks"]["coupling"][0]["A"]) == (2, 2)
    assert run["random_alignment"][0]["task"] == "one"
    assert {one["task"] for one in run["stages"]} == {"one", "two"}
