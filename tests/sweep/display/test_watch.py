"""Step, metric, rate and remaining time from a run directory that grows."""

from pathlib import Path

import pytest
from run_directory import feed, manifest

from recorders.store.run_writer import RunWriter
from sedscope.sweep.display.watch import TrainingProgress, Watch


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def session(path: Path, steps: range, metrics: dict[str, float]) -> None:
    """One more session of the run, with rows and metrics."""
    told = manifest()
    there = (path / "run.json").exists()
    writer = RunWriter.resume(path, manifest=told, first_t=steps[0]) if there else RunWriter.create(path, told)
    feed(writer, steps)
    writer.scalars(steps[-1], {f"metric/{name}": value for name, value in metrics.items()})
    writer.close("finished")


def test_a_run_is_followed_from_nothing_to_its_end(tmp_path: Path) -> None:
    clock = Clock()
    watch = Watch(tmp_path / "run", 40, None, clock)
    assert watch.poll() == TrainingProgress()
    session(tmp_path / "run", range(10), {"loss": 2.0, "test_acc/add": 0.25})
    assert watch.poll() == TrainingProgress(9, "test_acc/add 0.25", None, None)
    clock.now += 5.0
    session(tmp_path / "run", range(10, 20), {"loss": 1.0, "test_acc/add": 0.5})
    assert watch.poll() == TrainingProgress(19, "test_acc/add 0.5", 2.0, 10.5)
    clock.now += 50.0
    assert watch.poll() == TrainingProgress(19, "test_acc/add 0.5", 2.0, 10.5), "time alone changes no rate"


def test_without_metrics_a_loss_tells(tmp_path: Path) -> None:
    session(tmp_path / "run", range(4), {})
    assert Watch(tmp_path / "run", None, None).poll() == TrainingProgress(3, "loss/add 0.25")


def test_the_run_that_is_about_to_be_replaced_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "run"
    before = RunWriter.create(path, manifest(run_id="old"))
    feed(before, range(9))
    before.close("killed")
    watch = Watch(path, None, "old")
    assert watch.poll() == TrainingProgress()
    writer = RunWriter.create(path, manifest(run_id="new"), force=True)
    feed(writer, range(3))
    writer.close("finished")
    assert watch.poll().step == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"[1"])
def test_what_cannot_be_read_is_no_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_bytes(content)
    assert Watch(tmp_path / "run", None, None).poll() == TrainingProgress()
