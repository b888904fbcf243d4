"""A sample run with its analysis in the cache, for tests of the tabs that show one."""

from __future__ import annotations

import shutil
from pathlib import Path

from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.runs import open_run

SAMPLES = Path(__file__).parents[1] / "sample_runs"
SETTINGS = Settings(window=(6,), rank=(2,), probes=48, random=3, checkpoints=4)
TOML = "[analysis]\nwindow = 6\nrank = 2\nprobes = 48\nrandom = 3\ncheckpoints = 4\n"


def analysed_run(folder: Path, name: str = "perceptron") -> tuple[Path, RunAnalysis]:
    """A copy of a sample run, and what `sedscope report` finds of it."""
    path = folder / name
    shutil.copytree(SAMPLES / name, path, ignore=shutil.ignore_patterns("derived"))
    return path, analyse(open_run(path), SETTINGS)
