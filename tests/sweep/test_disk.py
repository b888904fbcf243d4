"""Disk space before a sweep is run: from finished cells, or from what the recorder projects."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sweeping import PlainEngine

from recorders.byte_size import size_text
from recorders.intervention.intervention_settings import Intervention
from recorders.recording_options import RecordingOptions
from sedscope.sweep import Sweep, plan_sweep, run_sweep
from sedscope.sweep.dry_run import disk_line
from sedscope.sweep.training_job import TrainingJob

TRAIN = """
import sys, time, torch
model = torch.nn.Linear(30, 20)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
while True:
    model(torch.randn(4, 30)).square().mean().backward()
    optimizer.step()
"""
SWEEP = Sweep(("train.py", "{seed}"), [Intervention("control"), Intervention("freeze")], seeds=[1, 2])


def line(sweep: Sweep, out: Path) -> str:
    return disk_line(sweep, out, plan_sweep(sweep, out))


def test_finished_cells_tell_what_the_others_take(
    tmp_path: Path, finishing: Callable[[Sweep, Path], PlainEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    each = [_bytes(tmp_path / cell.name) for cell in SWEEP.cells()]
    (tmp_path / "control-seed=2" / "derived").mkdir()
    (tmp_path / "control-seed=2" / "derived" / "cache").write_bytes(bytes(10**6))
    assert line(SWEEP, tmp_path) == f"disk space: {size_text(sum(each))} taken"
    shutil.rmtree(tmp_path / "control-seed=1")
    assert line(SWEEP, tmp_path).startswith(f"disk space: about {size_text(sum(each[1:]) / 3)} for 1 cell; ")
    shutil.rmtree(tmp_path / "freeze-seed=1")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))  # type: ignore[attr-defined]
    mean = sum(each[2:]) / 2
    assert line(SWEEP, tmp_path) == (
        f"disk space: about {size_text(mean)} for each of 2 cells, {size_text(2 * mean)} together; 1 B free,"
        " which is too little"
    )


def test_the_recorder_projects_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P = 620, all of the model: gradient, update, raw/update and the weights at eleven t."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN)
    asked = RecordingOptions(every=10, steps=100, sources=("gradient", "update", "raw/*"))
    found = line(Sweep(SWEEP.arguments, SWEEP.interventions, seeds=[1], recording=asked), tmp_path / "out")
    rows, weights = 11 * 3 * 620 * 4, 11 * 620 * 4
    assert found.startswith(f"disk space: about {size_text(rows + weights)} for each of 2 cells, ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py"]
    assert not [child for child in psutil.Process().children(recursive=True) if "train.py" in child.cmdline()]


def test_a_signal_ends_the_cell_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM would end the sweep alone, and leave a whole training behind that nobody knows of."""

    class Signalling:
        def search(self, text: str) -> None:
            signal.raise_signal(signal.SIGTERM)

    def unnoticed(number: int, frame: object) -> None:
        raise AssertionError("the signal did what it does without us")

    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(TrainingJob, "command", property(lambda self: sleeping))
    monkeypatch.setattr("sedscope.sweep.dry_run._PROJECTED", Signalling())
    before = signal.signal(signal.SIGTERM, unnoticed)
    try:
        with pytest.raises(SystemExit):
            line(Sweep(("train.py",), recording=RecordingOptions(steps=9)), tmp_path)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not [child for child in psutil.Process().children() if child.cmdline() == sleeping]


def test_a_budget_is_not_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedscope.sweep.dry_run._projected_size", lambda job: "5 MB")
    found = [
        line(Sweep(("train.py",), recording=RecordingOptions(steps=9, budget=budget)), tmp_path)
        for budget in (None, 10**6)
    ]
    assert [text.split(";")[0] for text in found] == [f"disk space: about {size} MB for 1 cell" for size in (5, 1)]


def test_why_it_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("raise SystemExit('no data')")
    assert "with --steps N" in line(SWEEP, tmp_path / "out")
    asked = Sweep(SWEEP.arguments, seeds=[1], recording=RecordingOptions(steps=5))
    assert line(asked, tmp_path / "out") == (
        "disk space: not known: control-seed=1 ended before its first step: no data"
    )


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
