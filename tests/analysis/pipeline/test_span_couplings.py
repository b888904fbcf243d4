"""R of any window and rank from spans, against whole analyses that took the products of just these directions."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sedscope.analysis.pipeline.analyse import analyse, measure_spans, probe_couplings, rolling_spectra
from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings
from sedscope.analysis.pipeline.span_couplings import SpanCouplings
from sedscope.analysis.settings import Align, Settings
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run, open_run

SAMPLE = Path(__file__).parents[3] / "sample_runs" / "perceptron"
SETTINGS = Settings(window=(6,), rank=(2,), probes=64, random=4, checkpoints=4, evidence=False)
SOURCES = ("update", "displacement")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("span_couplings") / "perceptron"
    shutil.copytree(SAMPLE, path, ignore=shutil.ignore_patterns("derived"))
    return open_run(path)


@pytest.fixture(scope="module")
def spans(run: Run) -> SpanCouplings:
    found = measure_spans(run, SETTINGS, SOURCES, run.tasks[0])
    return pickle.loads(pickle.dumps(found))  # as another process has it


@pytest.mark.parametrize(
    ("window", "rank", "align"), [(6, 2, "trailing"), (9, 3, "trailing"), (1, 1, "trailing"), (7, 2, "leading")]
)
def test_equal_to_an_analysis_with_that_window_and_rank(
    run: Run, spans: SpanCouplings, window: int, rank: int, align: Align
) -> None:
    settings = replace(SETTINGS, align=align)
    if align == "leading":
        spans = measure_spans(run, settings, SOURCES, run.tasks[0])
    whole = analyse(run, replace(settings, window=(window,), rank=(rank,)), sources=SOURCES)
    for expected in whole.coupling:
        found = spans.series(expected.source, window, rank)
        assert [(p.t, p.n_rows, p.full, p.flat) for p in found.points] == [
            (p.t, p.n_rows, p.full, p.flat) for p in expected.points
        ]
        for mine, theirs in zip(found.points, expected.points, strict=True):
            assert isinstance(mine.ratio, CouplingRatio) == isinstance(theirs.ratio, CouplingRatio)
            if isinstance(mine.ratio, CouplingRatio) and isinstance(theirs.ratio, CouplingRatio):
                np.testing.assert_allclose(mine.ratio.R, theirs.ratio.R, rtol=2e-3)
                assert mine.interval.low == pytest.approx(theirs.interval.low, rel=2e-3)
            elif isinstance(theirs.ratio, Undefined):
                assert mine.ratio == theirs.ratio


def test_without_intervals_the_numbers_are_the_same(spans: SpanCouplings) -> None:
    for source in SOURCES:
        quick, whole = (spans.series(source, 5, 2, intervals=some) for some in (False, True))
        assert quick.peak == whole.peak and quick.final == whole.final
        assert all(isinstance(point.interval, Undefined) for point in quick.points)


def test_no_direction_exceeds_the_ceiling(spans: SpanCouplings) -> None:
    most = dict(spans.ceiling("update", 8))
    for point in spans.series("update", 8, 8, intervals=False).points:
        if isinstance(point.ratio, CouplingRatio):
            ceiling = most[point.t]
            assert isinstance(ceiling, float)
            assert point.ratio.R.max() <= ceiling * (1 + 1e-6)


def test_products_of_rows_are_those_of_the_rows(run: Run) -> None:
    found = rolling_spectra(run, SETTINGS, "update")
    assert isinstance(found, RollingSpectra)
    window = found.window(int(found.steps[9]), 6)
    rows = run.rows("update", found.steps[window.start : window.stop]).astype(np.float64)
    np.testing.assert_allclose(found.gram.window(window.start, window.stop), rows @ rows.T, rtol=1e-9)


def test_couplings_of_probes_average_to_the_coupling(run: Run) -> None:
    t = int(run.weight_steps()[-1])
    found = probe_couplings(run, SETTINGS, "displacement", run.tasks[0], t)
    assert isinstance(found, ProbeCouplings)
    whole = analyse(run, replace(SETTINGS, checkpoints=1), sources=("displacement",))
    point = whole.coupling[0].points[-1]
    assert point.t == t and not isinstance(point.A, Undefined)
    assert found.A.shape == (64,)
    assert found.A.mean() == pytest.approx(point.A.mean(), rel=1e-4)
