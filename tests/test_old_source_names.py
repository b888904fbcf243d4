"""Runs, reports, flags and checks of earlier versions, in which `adam/…` was `adamw/…`, are read and understood."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from analysed_run import SAMPLES, SETTINGS
from run_directory import manifest

from recorders.errors import RefusedError, UsageError
from recorders.format import FORMAT_VERSION
from recorders.recording_options import RecordingOptions
from recorders.row_sources import ROW_SOURCES, current_name, stored_name
from recorders.store.run_writer import RunWriter
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.cli.main import run as run_command
from sedscope.report.gate.baseline import read_report
from sedscope.report.gate.grammar import parse_check
from sedscope.runs import open_run
from sedscope.sweep.sweep import Sweep
from sedscope.sweep.sweep_file import merged

P = manifest()["selection"]["P"]


def test_every_name_of_today_is_left_alone() -> None:
    assert [current_name(row.pattern) for row in ROW_SOURCES] == [row.pattern for row in ROW_SOURCES]
    assert [stored_name(row.pattern, FORMAT_VERSION) for row in ROW_SOURCES] == [row.pattern for row in ROW_SOURCES]
    old = ["adamw/momentum", "adamw/adaptive", "adamw/decay", "adamw/*", "gradient/adamw/decay"]
    new = ["adam/momentum", "adam/adaptive", "adam/weight_decay", "adam/*", "gradient/adamw/decay"]
    assert [current_name(name) for name in old] == new


def test_the_sample_runs_stay_as_they_were_recorded_and_show_todays_names() -> None:
    path = SAMPLES / "addition"
    assert json.loads((path / "run.json").read_text())["format_version"] == 1
    assert '"adamw/adaptive":[' in (path / "journal" / "0001.jsonl").read_text()
    run = open_run(path)
    assert {"adam/momentum", "adam/adaptive", "adam/weight_decay"} <= set(run.sources())
    assert not [name for name in run.sources() if name.startswith("adamw/")] and not run.verify()
    update, adaptive, decay = (run.rows(name, [240]) for name in ("update", "adam/adaptive", "adam/weight_decay"))
    np.testing.assert_allclose(adaptive + decay, update, rtol=2e-3, atol=2e-7)


def test_old_names_are_selectable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLES / "addition", tmp_path / "run", ignore=shutil.ignore_patterns("derived"))
    run = open_run(tmp_path / "run")
    for old, new in (("adamw/momentum", "adam/momentum"), ("adamw/decay", "adam/weight_decay")):
        np.testing.assert_array_equal(run.rows(old, [240]), run.rows(new, [240]))
        np.testing.assert_array_equal(run.steps(old), run.steps(new))
        assert run.is_stored(old) == run.is_stored(new) and run.identity("rows", old) == run.identity("rows", new)
    spectra = analyse(run, SETTINGS, sources=["adamw/adaptive"]).spectra
    assert [series.source for series in spectra] == ["adam/adaptive"]
    assert RecordingOptions(sources=("adamw/*", "update")).sources == ("adam/*", "update")
    words = ["report", str(run.path), "--sources", "adamw/adaptive", "--window", "6", "--rank", "2", "--probes", "48"]
    check = 'final(gap, source="adamw/adaptive") >= 0'
    assert run_command([*words, "--random", "3", "--checkpoints", "2", "--check", check]) == 0
    assert "adam/adaptive" in capsys.readouterr().out
    assert parse_check(check).left == parse_check(check.replace("adamw", "adam")).left


def test_an_unknown_name_is_refused_as_it_was_written() -> None:
    with pytest.raises(UsageError, match="'adamw/nope'"):
        analyse(open_run(SAMPLES / "addition"), SETTINGS, sources=["adamw/nope"])


def test_the_format_pages_tell_readers_of_other_languages_the_old_names() -> None:
    for page in ("run-format.md", "report-json.md"):
        text = (SAMPLES.parent / "docs" / page).read_text(encoding="utf-8")
        assert [name for name in ("adamw/momentum", "adamw/adaptive", "adamw/decay") if name not in text] == []


def test_a_sweep_that_was_begun_under_old_names_goes_on(tmp_path: Path) -> None:
    sweep = Sweep(("train.py",), recording=RecordingOptions(sources=("adamw/*", "update")))
    (manifest_now, _) = merged(tmp_path, sweep, sweep.cells())
    text = json.dumps(manifest_now)
    assert '"adam/*"' in text
    (tmp_path / "sweep.json").write_text(text.replace('"adam/*"', '"adamw/*"'))
    manifest_then, has_to_be_written = merged(tmp_path, sweep, sweep.cells())
    assert manifest_then["cells"] == manifest_now["cells"] and not has_to_be_written
    other = Sweep(("train.py",), recording=RecordingOptions(sources=("adam/momentum", "update")))
    with pytest.raises(RefusedError, match="sources must be"):
        merged(tmp_path, other, other.cells())


def test_a_baseline_of_version_1_is_compared_under_todays_names(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "addition", tmp_path / "run", ignore=shutil.ignore_patterns("derived"))
    words = ["report", str(tmp_path / "run"), "--sources", "adam/adaptive,adam/weight_decay", "--window", "6"]
    words += ["--rank", "2", "--probes", "48", "--random", "3", "--checkpoints", "2"]
    assert run_command([*words, "--out", str(tmp_path / "new")]) == 0
    text = (tmp_path / "new" / "report.json").read_text()
    old = text.replace("adam/weight_decay", "adamw/decay").replace("adam/adaptive", "adamw/adaptive")
    assert old != text and '"version":2' in text
    (tmp_path / "old.json").write_text(old.replace('"version":2', '"version":1'))
    assert read_report(tmp_path / "old.json")["version"] == 1
    junit = tmp_path / "junit.xml"
    assert run_command([*words, "--baseline", str(tmp_path / "old.json"), "--junit", str(junit)]) == 0
    assert "source=&quot;adam/weight_decay&quot;" in junit.read_text()


@pytest.mark.parametrize(("version", "stored"), [(1, "adamw/momentum"), (2, "adam/momentum")])
def test_a_resumed_run_keeps_its_version_and_its_names(tmp_path: Path, version: int, stored: str) -> None:
    path = tmp_path / "run"
    RunWriter.create(path, manifest(format_version=version)).close("finished")
    writer = RunWriter.resume(path, manifest=manifest(), first_t=0)
    writer.rows("adam/momentum", 0, np.arange(P, dtype=np.float32))
    writer.close("finished")
    assert json.loads((path / "run.json").read_text())["format_version"] == version
    assert f'"rows":{{"{stored}":[0]}}' in (path / "journal" / "0002.jsonl").read_text()
    np.testing.assert_array_equal(open_run(path).rows("adam/momentum"), [np.arange(P)])
