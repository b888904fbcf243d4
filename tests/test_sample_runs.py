"""The committed recordings: small, whole, and showing in the transformers what they are there to show."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sedscope.runs import find_runs, open_run

SAMPLE_RUNS = Path(__file__).resolve().parent.parent / "sample_runs"
NAMES = ("addition", "four_tasks", "perceptron")


def test_they_are_small_and_three() -> None:
    files = [path for path in SAMPLE_RUNS.rglob("*") if path.is_file() and "derived" not in path.parts]
    assert sum(path.stat().st_size for path in files) <= 12_000_000
    assert len(find_runs(SAMPLE_RUNS)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_run_is_whole_and_finished(name: str) -> None:
    command = [sys.executable, "-m", "sedscope", "check", str(SAMPLE_RUNS / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    run = open_run(SAMPLE_RUNS / name)
    assert (run.state, run.damage) == ("finished", ())
    assert all(run.probe(task).program is not None for task in run.tasks)


def peaks(name: str, sources: list[str], folder: Path) -> dict[str, Any]:
    """Peak R̄_k by source of a copied run, at a few checkpoints."""
    shutil.copytree(SAMPLE_RUNS / name, folder / name, ignore=shutil.ignore_patterns("derived"))
    command = [sys.executable, "-m", "sedscope", "report", str(folder / name), "--out", str(folder / "out")]
    options = ["--checkpoints", "4", "--sources", ",".join(sources), "--tasks", "add"]
    subprocess.run([*command, *options], capture_output=True, timeout=250, check=True)
    (run,) = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))["runs"]
    return {series["source"]: series["peak"] for series in run["coupling"]}


@pytest.mark.parametrize("name", ["addition", "four_tasks"])
def test_in_a_transformer_the_fixed_gradient_stands_far_above_the_displacement(name: str, tmp_path: Path) -> None:
    found = peaks(name, ["fixed_gradient/add", "displacement"], tmp_path)
    assert found["fixed_gradient/add"] >= 5 * found["displacement"] > 0
