"""Mutated programs are refused or run; none crashes the process or hangs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from recorders.program import Capture

CHILD = Path(__file__).with_name("mutants.py")
MODELS = ("encoder", "llama", "cnn", "mlp")


@pytest.fixture
def folder(tmp_path: Path, taken: Callable[[str], Capture]) -> Path:
    for name in MODELS:
        (tmp_path / f"{name}.json").write_bytes(taken(name).program_json)
        save_file(taken(name).constants, tmp_path / f"{name}.safetensors")
    return tmp_path


def run_mutants(folder: Path, seed: int, count: int) -> dict[str, int]:
    command = [sys.executable, str(CHILD), str(folder), str(seed), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (folder / "last").read_text()[:3000]
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr[-3000:]}\n{last}"
    tally: dict[str, int] = json.loads(done.stdout)
    assert sum(tally.values()) == count
    return tally


def test_a_few_hundred_mutants(folder: Path) -> None:
    tally = run_mutants(folder, 0, 400)
    assert tally["ran"] >= 20, tally  # the mutants reach the kernels
    assert tally["load"] >= 20, tally


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(40))
def test_many_mutants(folder: Path, part: int) -> None:
    run_mutants(folder, 1_000 + 1_000 * part, 1_000)
