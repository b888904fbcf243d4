"""The analysis of a run directory, end to end, against what a separate program in float64 made of the same weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sedscope.analysis.cache import cache_folder, cache_root
from sedscope.analysis.pipeline import analysis_context as module
from sedscope.analysis.pipeline import responses
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RunAnalysis
from sedscope.analysis.progress import AnalysisProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.report_json import render_json
from sedscope.runs import open_run

EXPECTED = json.loads((Path(__file__).parents[2] / "fixtures/modular_addition.expected.json").read_text())
CHECKPOINTS = [checkpoint["step"] for checkpoint in EXPECTED["checkpoints"].values()]
FIXTURE = {"window": (10,), "rank": (3,), "batches": 1}
SOURCES = {"fixed_batch_gradient": "fixed_gradient/add", "displacement": "displacement"}


@pytest.fixture
def folder(fixture_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fixture_folder, tmp_path / "run"))


@pytest.fixture
def as_in_the_fixture(fixture_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoints and random directions that the fixture's numbers were made with."""
    directions = list(fixture_run.random_directions)
    monkeypatch.setattr(module, "space_checkpoints", lambda *_: np.array(CHECKPOINTS))
    monkeypatch.setattr(responses, "RandomDirections", lambda count, size, _: directions[:count])


def series(analysis: RunAnalysis, source: str, window: int = 10, rank: int = 3) -> CouplingSeries:
    return next(one for one in analysis.coupling if (one.source, one.window, one.rank) == (source, window, rank))


def at(one: CouplingSeries, t: int) -> CheckpointCoupling:
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


FEW = Settings(window=(10,), rank=(3,), checkpoints=3, random=5, evidence=False)


def test_a_second_call_with_the_same_settings_makes_no_product_and_gives_the_same(
    folder: Path, products: list[int]
) -> None:
    first = analyse(open_run(folder), FEW)
    # 3 checkpoints: 5 random directions each; a fixed gradient has 1, 3, 3 rows or more, the others 1, 3, 3 or 0, 3, 3.
    assert len(products) == 15 + 7 + 7 + 6
    products.clear()
    second = analyse(open_run(folder), FEW)
    assert products == []
    assert_same(first, second)


def test_a_call_whose_results_are_kept_imports_no_torch(folder: Path) -> None:
    analyse(open_run(folder), FEW)
    code = (
        "import sys; from sedscope.runs import open_run; from sedscope.analysis.pipeline.analyse import analyse;"
        "from sedscope.analysis.settings import Settings;"
        f"analyse(open_run({str(folder)!r}), Settings(window=(10,), checkpoints=3, random=5, evidence=False));"
        "print(sorted(name for name in ('torch', 'polars', 'rich', 'textual', 'matplotlib') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_windows_and_ranks_within_a_computed_coupling_gram_make_no_product(
    folder: Path, products: list[int]
) -> None:
    made = replace(FEW, precision="float64", window=(10, 20), rank=(1, 3))
    analyse(open_run(folder), made)
    assert products
    products.clear()
    within = analyse(open_run(folder), replace(made, window=(4, 10), rank=(2, 3)))
    assert products == []
    direct = analyse(open_run(folder), replace(made, window=(10,), rank=(3,)))
    for source in ("fixed_gradient/add", "update", "displacement"):
        for one, other in zip(series(within, source).points, series(direct, source).points, strict=True):
            assert (one.n_rows, one.full, one.flat) == (other.n_rows, other.full, other.flat)
            if not isinstance(other.ratio, Undefined):
                np.testing.assert_allclose(one.ratio.R, other.ratio.R, rtol=1e-7)
                np.testing.assert_allclose(
                    (one.interval.low, one.interval.high), (other.interval.low, other.interval.high), rtol=1e-7
                )


@pytest.mark.parametrize("change", [{"probes": 50}, {"centroid": "sum"}, {"random": 6}, {"precision": "float64"}])
def test_a_changed_setting_is_not_answered_from_the_cache(
    folder: Path, products: list[int], change: dict[str, Any]
) -> None:
    analyse(open_run(folder), FEW, sources=["update"])
    products.clear()
    analyse(open_run(folder), replace(FEW, **change), sources=["update"])
    assert products


def test_an_interrupted_analysis_goes_on_where_it_stopped(folder: Path, products: list[int]) -> None:
    whole = analyse(open_run(shutil.copytree(folder, folder.with_name("whole"))), FEW)
    everything = len(products)
    products.clear()

    def interrupt(progress: AnalysisProgress) -> None:
        if progress.stage == "JVPs" and progress.done > everything // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(open_run(folder), FEW, progress=interrupt)
    assert not list(cache_root().rglob("*.part"))
    products.clear()
    resumed = analyse(open_run(folder), FEW)
    assert 0 < len(products) < everything
    assert_same(whole, resumed)


def test_a_damaged_entry_is_computed_again(folder: Path, products: list[int]) -> None:
    first = analyse(open_run(folder), FEW)
    run = open_run(folder)
    for entry in cache_folder(folder, run.identity("manifest")).iterdir():
        entry.write_bytes(entry.read_bytes()[:-1] + b"\x7f")
    products.clear()
    assert_same(first, analyse(open_run(folder), FEW))
    assert products


def test_a_run_that_brings_results_along_is_computed_again(folder: Path, products: list[int]) -> None:
    run = open_run(folder)
    first = analyse(run, FEW)
    everything = len(products)
    copy = Path(shutil.copytree(folder, folder.with_name("copy")))
    shutil.copytree(cache_folder(folder, run.identity("manifest")), copy / "derived")
    before = {path.name: path.read_bytes() for path in (copy / "derived").iterdir()}
    products.clear()
    assert_same(first, analyse(open_run(copy), FEW))
    assert len(products) == everything
    assert {path.name: path.read_bytes() for path in (copy / "derived").iterdir()} == before


def test_a_file_under_the_checksums_of_another_is_not_answered_from_the_cache(
    folder: Path, products: list[int]
) -> None:
    analyse(open_run(folder), FEW)
    products.clear()
    for path in folder.rglob("weights/*"):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)  # a CRC-32 is forged easily: equal ones do not mean equal bytes
    analyse(open_run(folder), FEW)
    assert products


def test_two_copies_of_a_run_give_the_same_bytes(folder: Path) -> None:
    copy = Path(shutil.copytree(folder, folder.with_name("copy")))
    one, other = (analyse(open_run(path), FEW) for path in (folder, copy))
    assert_same(one, other)


def test_milestones_and_ranks_come_with_the_analysis(folder: Path) -> None:
    analysis = analyse(open_run(folder), FEW, sources=["update"])
    (metrics,) = analysis.metrics
    grok, solved = metrics.grokking.grok
    assert (grok.t, grok.cadence, solved.t, metrics.grokking.memorised.t) == (525, 25, 975, 250)
    assert metrics.grokking.delay == 275
    assert [point.rank for point in analysis.rank90[0].points] == [14, 15, 18]
    assert analysis.rank90[0].n_probes == 96


def assert_same(one: RunAnalysis, other: RunAnalysis) -> None:
    """Bit by bit, reasons included, wherever the run lies."""
    texts = [render_json([replace(analysis, path="")], [], analysis.settings) for analysis in (one, other)]
    assert texts[0] == texts[1]
