"""A kept analysis is the analysis, or nothing: bytes that do not fit the declared types are never believed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from sedscope.analysis.pipeline.results import (
    AngleSeries,
    CheckpointAngles,
    CheckpointCoupling,
    CheckpointRank,
    CouplingSeries,
    RankSeries,
    RunAnalysis,
    Spread,
    TaskMetrics,
)
from sedscope.analysis.result_codec import from_arrays, to_arrays
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.grokking import Crossing, Grokking
from sedscope.analysis.statistics.interval import Interval
from sedscope.analysis.undefined import Undefined

ABSENT = Undefined("for a reason")


def analysis() -> RunAnalysis:
    """One of every kind of thing that an analysis holds."""
    point = CheckpointCoupling(
        25,
        3,
        False,
        A=np.array([2.0, 1.0]),
        baseline=0.5,
        ratio=CouplingRatio(np.array([4.0, 2.0]), 3.0),
        interval=Interval(2.0, 4.0, 0.95, 32, 64, 20, 1000, 0),
        flat="σ_2/σ_3 = 1 is below 1.1",
        energy=np.arange(6.0).reshape(2, 3),
        spread=Spread((1.0, None), 1.0, 1.0),
    )
    nothing = CheckpointCoupling(0, 0, False, ABSENT, ABSENT, ABSENT, ABSENT, None)
    series = CouplingSeries("gradient", "add", 20, 2, "directions", (nothing, point), ValueAtStep(25, 3.0), ABSENT)
    edge = WindowSpectrum(np.array([3.0, 1.0]), 1, 3.0, 1.2, (None, "flat"))
    return RunAnalysis(
        path="runs/a",
        name="a",
        state="finished",
        tasks=("add",),
        n_selected=7,
        steps=(0, 25),
        settings=Settings(window=(20,), checkpoints=None),
        metrics=(TaskMetrics("add", Grokking((Crossing(25, 0.5, 25), ABSENT), ABSENT, ABSENT, 0.25)),),
        rank90=(
            RankSeries(
                "add", 64, (CheckpointRank(25, 4, np.array([0.5, 0.25])), CheckpointRank(0, ABSENT, np.empty(0)))
            ),
        ),
        spectra=(
            SpectrumSeries("gradient", 20, (SpectrumAtStep(25, 2, False, edge), SpectrumAtStep(0, 0, False, ABSENT))),
        ),
        coupling=(series,),
        angles=(AngleSeries("gradient", "update", 0, 20, 2, (CheckpointAngles(25, np.array([1.0]), None),)),),
    )


def test_everything_comes_back() -> None:
    before = analysis()
    after = from_arrays(RunAnalysis, to_arrays(before))
    # Arrays have no truth value, so dataclasses that hold them are compared by what they show.
    assert repr(after) == repr(before)


def changed(entry: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    text = entry["tree"].tobytes().decode()
    assert text.count(old) >= 1, "the change must change something"
    return {**entry, "tree": np.frombuffer(text.replace(old, new, 1).encode(), np.uint8)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Undefined"', '"Popen"'),
        ('"directions"', '"some other route"'),
        ("[2.0,4.0,0.95", '["2.0",4.0,0.95'),
        ("0.95,32", "0.95,32.5"),
        ("0.95,32", "0.95,true"),
        ('["runs/a"', '["runs/a","one more"'),
        ('"gradient","add",20', '"gradient","add"'),
        ("[0,25]", "[0,25,50]"),
        ('"CheckpointAngles":[25,[14', '"CheckpointAngles":[25,[-1'),
        ('"Settings":[[20]', '"Settings":[[0]'),
        ("[20]", "{}"),
    ],
)
def test_bytes_that_do_not_fit_are_no_analysis(old: str, new: str) -> None:
    assert from_arrays(RunAnalysis, changed(to_arrays(analysis()), old, new)) is None


def test_numbers_that_are_cut_short_are_no_analysis() -> None:
    entry = to_arrays(analysis())
    assert from_arrays(RunAnalysis, {**entry, "numbers": entry["numbers"][:3]}) is None
    assert from_arrays(RunAnalysis, {**entry, "numbers": entry["numbers"].astype(np.float32)}) is None
    assert from_arrays(RunAnalysis, {"tree": entry["tree"]}) is None
    assert from_arrays(RunAnalysis, {**entry, "tree": entry["tree"][:-1]}) is None


def test_deep_nesting_is_no_analysis() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert from_arrays(RunAnalysis, {**to_arrays(analysis()), "tree": np.frombuffer(deep.encode(), np.uint8)}) is None


def test_strings_come_back_printable() -> None:
    entry = changed(to_arrays(analysis()), '"a"', json.dumps("a\x1b[2J"))
    found = from_arrays(RunAnalysis, entry)
    assert found is not None
    assert found.name == "a\\x1b[2J"
