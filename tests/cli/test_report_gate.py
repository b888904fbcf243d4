"""`sedscope report` as a gate, and the files that it leaves, from the outside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sedscope.cli.main import run

QUICK = ["--window", "10", "--checkpoints", "2", "--random", "5", "--sources", "update"]
HOLDS = 'final(rbar, source="update") > 0'
FAILS = 'final(rbar, source="displacement") > 0'


@pytest.fixture
def good(fixture_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fixture_folder, tmp_path / "good"))


def test_checks_decide_the_status(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(good), *QUICK, "--check", HOLDS]) == 0
    assert "checks: 1 passed, 0 failed" in capsys.readouterr().out
    junit = tmp_path / "new" / "checks.xml"
    assert run(["report", str(good), *QUICK, "--check", HOLDS, "--check", FAILS, "--junit", str(junit)]) == 1
    shown = capsys.readouterr()
    assert f"FAILED  modular-addition  {FAILS}" in shown.out
    assert "left undefined: source: 'displacement' was not analysed; known: 'update', right 0" in shown.out
    assert ElementTree.parse(junit).getroot().attrib["failures"] == "1"


def test_a_check_that_cannot_be_read_is_said_before_any_work(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(good), "--check", "fnal(rbar) > 1"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("sedscope: --check: function: one of final, peak,")


def test_files_are_the_same_each_time_and_hold_against_themselves(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    out = tmp_path / "out"
    command = ["report", str(good), *QUICK, "--out", str(out), "--check", HOLDS]
    assert run(command) == 0
    first = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert len(first) == 3 + 18 + 4
    assert run(command) == 0
    assert {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()} == first
    page = (out / "report.html").read_text()
    assert "final(rbar, source=&#34;update&#34;) &gt; 0" in page
    assert summary.read_text().count("## Verdict") == 2
    old = out / "report.json"
    assert run(["report", str(good), *QUICK, "--baseline", str(old), "--max-change", "0"]) == 0
    changed = json.loads(old.read_text())
    changed["runs"][0]["coupling"][0]["final"] *= 1.5
    old.write_text(json.dumps(changed))
    assert run(["report", str(good), *QUICK, "--baseline", str(old)]) == 1
    assert run(["report", str(good), *QUICK, "--baseline", str(old), "--max-change", "50%"]) == 0


def test_damage_outranks_a_failed_check(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((good / "probes").iterdir()).unlink()
    assert run(["report", str(good), "--window", "5", "--checkpoints", "2", "--check", FAILS]) == 4
    assert "checks: 0 passed, 1 failed" in capsys.readouterr().out


def test_a_run_that_cannot_be_opened_is_an_error_in_junit(tmp_path: Path) -> None:
    junit = tmp_path / "checks.xml"
    assert run(["report", str(tmp_path / "nothing"), "--check", HOLDS, "--junit", str(junit)]) == 3
    assert ElementTree.parse(junit).getroot().attrib["errors"] == "1"
