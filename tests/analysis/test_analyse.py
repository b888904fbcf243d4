"""The analysis of a run directory, end to end, against what a separate program in float64 made of the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sedscope.analysis import analyse as module
from sedscope.analysis import couple
from sedscope.analysis.analyse import analyse
from sedscope.analysis.results import CouplingAt, CouplingSeries, RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.runs import open_run

EXPECTED = json.loads((Path(__file__).parents[1] / "fixtures/modular_addition.expected.json").read_text())
CHECKPOINTS = [checkpoint["step"] for checkpoint in EXPECTED["checkpoints"].values()]
FIXTURE = {"window": (10,), "rank": (3,)}
SOURCES = {"fixed_batch_gradient": "fixed_gradient/add", "displacement": "displacement"}


@pytest.fixture
def folder(fixture_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fixture_folder, tmp_path / "run"))


@pytest.fixture
def as_in_the_fixture(fixture_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoints and random directions that the fixture's numbers were made with."""
    directions = list(fixture_run.random_directions)
    monkeypatch.setattr(module, "space_checkpoints", lambda *_: np.array(CHECKPOINTS))
    monkeypatch.setattr(couple, "RandomDirections", lambda count, size: directions[:count])


def series(analysis: RunAnalysis, source: str, window: int = 10, rank: int = 3) -> CouplingSeries:
    return next(one for one in analysis.coupling if (one.source, one.window, one.rank) == (source, window, rank))


def at(one: CouplingSeries, t: int) -> CouplingAt:
    return next(point for point in one.points if point.t == t)


def expectations(align: str) -> Iterator[tuple[int, str, dict[str, Any], dict[str, Any]]]:
    for checkpoint in EXPECTED["checkpoints"].values():
        for name, source in SOURCES.items():
            key = f"{name}.{align}"
            if key in checkpoint:
                yield checkpoint["step"], source, checkpoint, checkpoint[key]


@pytest.mark.usefixtures("as_in_the_fixture")
@pytest.mark.parametrize("align", ["trailing", "leading"])
def test_a_recorded_run_gives_the_fixtures_numbers(folder: Path, align: str) -> None:
    settings = Settings(**FIXTURE, align=align, precision="float64")
    analysis = analyse(open_run(folder), settings, sources=list(SOURCES.values()))
    compared = 0
    for t, source, checkpoint, expected in expectations(align):
        point = at(series(analysis, source), t)
        assert point.n_rows == expected["rows"]
        np.testing.assert_allclose(point.A, expected["A_exact"], rtol=1e-6)
        np.testing.assert_allclose(point.baseline, np.median(checkpoint["A_random_exact"]), rtol=1e-6)
        np.testing.assert_allclose(point.ratio.R, expected["R_exact"], rtol=1e-6)
        np.testing.assert_allclose(point.ratio.rbar, expected["Rbar_exact"], rtol=1e-6)
        compared += 1
    assert compared == 10 if align == "leading" else 9


@pytest.mark.usefixtures("as_in_the_fixture")
def test_single_precision_and_the_central_difference_agree_with_the_fixture(folder: Path) -> None:
    sources = list(SOURCES.values())
    single = analyse(open_run(folder), Settings(**FIXTURE), sources)
    central = analyse(open_run(folder), Settings(**FIXTURE, method="central"), sources)
    for t, source, _, expected in expectations("trailing"):
        np.testing.assert_allclose(at(series(single, source), t).ratio.R, expected["R_exact"], rtol=1e-4)
        np.testing.assert_allclose(at(series(central, source), t).ratio.R, expected["R_central_difference"], rtol=1e-2)
