"""Controls rebuilt from the words of `docs/controls.md` with the model itself, against the rows of the product."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from zlib import crc32

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from examples.modular_arithmetic import ModularTransformer
from sedscope.analysis.features.checkpoint_models import CheckpointModels
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.computed_rows import ComputedRows
from sedscope.analysis.sources.variants import GradientKind, Variant
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.report.sections.method_section import paragraph
from sedscope.runs import Run, open_run

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_runs" / "four_tasks"
OPS = ["add", "sub", "mul", "x2y2"]
BATCH = 200
"""The pool of 484 examples holds two such batches; the third is drawn anew."""
FAMILIES = ("fixed_gradient", "control/shuffled", "control/cotangent", "control/per_example")


def batch(order: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Positions of a fixed batch in the pool."""
    times, place = divmod(number, len(order) // BATCH)
    if seed or times:
        first = order if not seed else np.random.default_rng([crc32(b"batches"), seed, 0]).permutation(order)
        order = first if not times else np.random.default_rng([crc32(b"batches"), seed, times]).permutation(first)
    return order[place * BATCH : (place + 1) * BATCH]


def row(run: Run, family: str, task: str, number: int, t: int, seed: int) -> np.ndarray:
    """The row at t by the formula of its family."""
    model = ModularTransformer(23, OPS, 32, 4, 32, 1).double().eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in run.weights(t).items()})
    probe = run.probe(task)
    assert probe is not None
    positions = batch(probe.batch_order, number, seed)
    a, b = (torch.from_numpy(values[positions]) for values in probe.inputs)
    targets, n = torch.from_numpy(probe.targets[positions]), len(positions)
    words = [crc32(family.encode()), crc32(task.encode()), number]
    g = np.random.default_rng([*words, seed] if seed else words)
    output = model(a, b)[task]
    match family:
        case "fixed_gradient":
            total = cross_entropy(output, targets, reduction="sum")
        case "control/shuffled":
            total = cross_entropy(output, targets[torch.from_numpy(g.permutation(n))], reduction="sum")
        case "control/cotangent":
            total = (torch.from_numpy(g.standard_normal(tuple(output.shape))) * output).sum()
        case _:
            weights = torch.from_numpy(g.standard_normal(n))
            total = (weights * cross_entropy(output, targets, reduction="none")).sum()
    parameters = dict(model.named_parameters())
    selected = [parameters[each.name] for each in run.manifest.selected]
    gradients = torch.autograd.grad(total / n, selected)
    return torch.cat([gradient.flatten() for gradient in gradients]).numpy()


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("task", ["add", "mul"])
def test_each_control_is_what_its_page_says(task: str, seed: int) -> None:
    run = open_run(SAMPLE)
    settings = Settings(batch=BATCH, batches=3, draw_seed=seed, precision="float64")
    steps = run.weight_steps()[-2:]
    rows = ComputedRows(run, settings, run.tasks, steps)
    kinds = [GradientKind(family, number) for family in FAMILIES for number in range(3)]
    rows.compute(CheckpointModels(run, settings, Lock()), task, kinds, lambda *_: None)
    for kind in kinds:
        source = rows.source(Variant(f"{kind.family}/{task}", kind.index))
        assert isinstance(source, SourceRows)
        for t in steps.tolist():
            at = source.steps.tolist().index(t)
            theirs = source.read(at, at + 1, slice(None))[0]
            ours = row(run, kind.family, task, kind.index, t, seed)
            np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12 * np.linalg.norm(ours))


@pytest.mark.parametrize("seed", [0, 5])
def test_random_directions_are_what_their_page_says(seed: int) -> None:
    for j, direction in enumerate(RandomDirections(20, 64, seed)):
        ours = np.random.default_rng([seed, j]).standard_normal(64)
        np.testing.assert_array_equal(direction, ours / np.linalg.norm(ours))


@pytest.mark.parametrize("place", ["README.md", "docs/controls.md", "methods"])
def test_formulas_and_seeds_stand_in_every_place(place: str) -> None:
    text = paragraph((), Settings()) if place == "methods" else (ROOT / place).read_text()
    said = "".join(text.split()).replace("·", "")
    formulas = ("Σ_xloss(ℓ_x,y_π(x))/N", "Σ_x⟨ξ_x,ℓ_x⟩/N", "Σ_xw_xloss(ℓ_x,y_x)/N") if place != "README.md" else (
        "y_π(x)", "Σ_x⟨ξ_x,ℓ_x⟩/N", "Σ_xw_xloss(ℓ_x,y_x)/N"
    )  # fmt: skip
    for words in (*formulas, "numpy.random.default_rng([crc32(family),crc32(task),i])", "keptovertherun"):
        assert words in said
