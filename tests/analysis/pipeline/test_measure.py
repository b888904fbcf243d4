"""Measurements beside one another: what goes wrong with one of them is its own matter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from analysed_run import SAMPLES, SETTINGS

from recorders.errors import RefusedError
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.span import RowGramMeasurement
from sedscope.analysis.spectra.gram import BandedGram
from sedscope.analysis.undefined import Undefined
from sedscope.runs import open_run


def test_rows_of_one_source_that_cannot_be_read_leave_the_others_defined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SAMPLES / "perceptron", tmp_path / "run", ignore=shutil.ignore_patterns("derived"))
    compute = RowGramMeasurement.compute

    def refusing(measurement: RowGramMeasurement) -> BandedGram:
        if measurement.variant.source == "update":
            raise RefusedError("update: its rows are refused")
        return compute(measurement)

    monkeypatch.setattr(RowGramMeasurement, "compute", refusing)
    spectra = analyse(open_run(tmp_path / "run"), SETTINGS, sources=["update", "displacement"]).spectra
    assert [series.source for series in spectra] == ["update", "displacement"]
    assert spectra[0].undefined == Undefined("update: its rows are refused")
    assert spectra[1].undefined is None and spectra[1].points
