"""A setting is one row: a made-up one is found in every face of an analysis without touching another file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sedscope.analysis.settings import Settings, setting_rows

ROOT = Path(__file__).parents[2]

MADE_UP = """
import asyncio, sys
from dataclasses import dataclass, replace
import sedscope.analysis.settings as module
from sedscope.analysis.settings import ViewerKey, setting

@dataclass(frozen=True, slots=True)
class WithSmoothing(module.Settings):
    smoothing: int = setting(
        3, "count", "smoothing over checkpoints", "Checkpoints that a made-up mean is over.", least=2,
        viewer=ViewerKey("ctrl+y", "Smoothing", "How smooth", "checkpoints of a mean", "smoothed"),
    )

module.Settings = WithSmoothing
"""
REPORT = """
from sedscope.cli.main import main
main(sys.argv[1:])
"""
KEY = """
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.analyse import RunAnalyser
from sedscope.runs import open_run
run = open_run(sys.argv[1])
keys = [RunAnalyser(run, WithSmoothing(smoothing=n), None, None, False, print)._key() for n in (3, 4)]
print(keys[0] != keys[1])
"""
VIEWER = """
from pathlib import Path
from viewing import screen_text, until, viewing
from sedscope.tui.widgets.prompts import Prompt

async def session():
    async with viewing(Path(sys.argv[1]), folder=Path(sys.argv[2]), size=(200, 60), tab="Coupling") as (app, pilot):
        await until(lambda: "3 smoothed" in screen_text(app), "the line of settings")
        await pilot.press("ctrl+y")
        await until(lambda: isinstance(app.screen, Prompt), "the question")
        print("checkpoints of a mean" in screen_text(app))

asyncio.run(session())
"""


def with_made_up_setting(script: str, *arguments: str) -> str:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", MADE_UP + script, *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("registry") / "perceptron"
    shutil.copytree(ROOT / "sample_runs" / "perceptron", path, ignore=shutil.ignore_patterns("derived"))
    return path


def test_a_made_up_setting_has_a_flag_with_its_default_and_its_help() -> None:
    text = " ".join(with_made_up_setting(REPORT, "report", "--help").split())
    assert "--smoothing INTEGER Checkpoints that a made-up mean is over. [default: 3]" in text


def test_a_made_up_setting_stands_in_the_report_and_in_the_command_that_makes_it_again(
    run: Path, tmp_path: Path
) -> None:
    asked = ["--window", "6", "--rank", "2", "--probes", "32", "--random", "2", "--checkpoints", "2"]
    with_made_up_setting(REPORT, "report", str(run), *asked, "--smoothing", "5", "--out", str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "report.json").read_text())["settings"]["smoothing"] == 5
    page = (tmp_path / "out" / "report.html").read_text()
    assert "smoothing over checkpoints" in page[page.index('id="methods"') :]
    assert "--smoothing 5" in page


def test_a_made_up_setting_enters_the_key_of_an_analysis(run: Path) -> None:
    assert with_made_up_setting(KEY, str(run)).strip() == "True"


def test_a_made_up_setting_has_a_key_and_a_question_in_the_viewer(run: Path, tmp_path: Path) -> None:
    assert with_made_up_setting(VIEWER, str(run), str(tmp_path)).strip() == "True"


def test_every_setting_has_a_row_with_its_default() -> None:
    defaults = Settings()
    assert {row.name: row.default for row in setting_rows()} == {
        row.name: getattr(defaults, row.name) for row in setting_rows()
    }
    titles = [row.title for row in setting_rows()]
    keys = [row.viewer.key for row in setting_rows() if row.viewer is not None]
    assert len(set(titles)) == len(titles) and len(set(keys)) == len(keys)
