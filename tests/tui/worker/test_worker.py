"""The analysis process: answers, progress, cancelling, being killed, and that it never outlives its viewer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil
import pytest
from analysed_run import SETTINGS, analysed_run
from viewing import metric_run

from sedscope.analysis.progress import AnalysisProgress, OnProgress
from sedscope.analysis.settings import Settings
from sedscope.runs import open_run
from sedscope.tui.worker.client import WorkerClient
from sedscope.tui.worker.events import Answered, Event, Finished, Progressed
from sedscope.tui.worker.jobs import CouplingJob, SpectrumJob, coarser

PATIENCE = 60.0


@dataclass(frozen=True)
class Endless:
    """Tells of progress until it is stopped; `deaf` never does."""

    path: str
    deaf: bool = False
    stamp: str = ""
    title: str = "Endless"

    def run(self, run: Any, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        tell(AnalysisProgress("begun", 1, 2))
        while True:
            time.sleep(0.01)
            if not self.deaf:
                tell(AnalysisProgress("on", 1, 2))
        yield


@dataclass(frozen=True)
class Failing:
    """Fails, and prints where only events belong."""

    path: str
    stamp: str = ""
    title: str = "Failing"

    def run(self, run: Any, tell: OnProgress) -> Iterator[tuple[Any, bool]]:
        print("not an event", flush=True)
        yield 1, False
        raise ValueError("two\nlines \x1b[2J")


@pytest.fixture
def run_path(tmp_path: Path) -> str:
    return str(metric_run(tmp_path / "run"))


@pytest.fixture
def heard() -> SimpleQueue[Event]:
    return SimpleQueue()


@pytest.fixture
def client(heard: SimpleQueue[Event], monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerClient]:
    """With the jobs of this file importable over there."""
    folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*folders, str(Path(__file__).parents[2])]))
    monkeypatch.setattr(Endless, "__module__", Path(__file__).stem)
    monkeypatch.setattr(Failing, "__module__", Path(__file__).stem)
    monkeypatch.setitem(sys.modules, Path(__file__).stem, sys.modules[__name__])
    client = WorkerClient(heard.put)
    yield client
    client.close()


def pid_of(client: WorkerClient) -> int | None:
    """The id of its process, where one is running."""
    process = client._process
    return None if process is None or process.poll() is not None else process.pid


def until(heard: SimpleQueue[Event], wanted: Callable[[Event], bool]) -> Event:
    while True:
        event = heard.get(timeout=PATIENCE)
        if wanted(event):
            return event


def finished(number: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Finished) and event.number == number


def test_spectra_arrive(client: WorkerClient, heard: SimpleQueue[Event], run_path: str) -> None:
    number = client.submit(SpectrumJob(run_path, "", Settings(window=(5,)), ("update",)))
    answer = until(heard, lambda event: isinstance(event, Answered))
    assert isinstance(answer, Answered) and answer.final and answer.value[0].source == "update"
    assert len(answer.value[0].points) == 30
    assert until(heard, finished(number)) == Finished(number)


def test_what_is_kept_comes_without_a_coarse_picture_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, analysis = analysed_run(tmp_path)
    tell = list[AnalysisProgress]().append
    (only,) = CouplingJob(str(path), "", SETTINGS).run(open_run(path), tell)
    assert only[1] and only[0].settings == SETTINGS and len(only[0].coupling) == len(analysis.coupling)
    monkeypatch.setattr("sedscope.analysis.pipeline.analyse.analyse", lambda run, settings, **rest: settings)
    other = replace(SETTINGS, random=9)
    answers = CouplingJob(str(path), "", other).run(open_run(path), tell)
    assert list(answers) == [(coarser(other), False), (other, True)]


def test_a_failing_job_is_one_printable_line_and_the_process_goes_on(
    client: WorkerClient, heard: SimpleQueue[Event], run_path: str
) -> None:
    number = client.submit(Failing(run_path))
    assert until(heard, finished(number)) == Finished(number, error="ValueError: two")
    pid = pid_of(client)
    number = client.submit(SpectrumJob(run_path, "", Settings(window=(5,)), ("nothing",)))
    end = until(heard, finished(number))
    assert isinstance(end, Finished) and end.error is not None and "one of" in end.error and "'nothing'" in end.error
    assert pid_of(client) == pid


@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancelled_job_ends_at_once_and_the_next_one_is_done(
    client: WorkerClient, heard: SimpleQueue[Event], run_path: str, deaf: bool
) -> None:
    first = client.submit(Endless(run_path, deaf))
    until(heard, lambda event: isinstance(event, Progressed))
    pid = pid_of(client)
    client.cancel(first)
    assert until(heard, finished(first)) == Finished(first, cancelled=True)
    second = client.submit(SpectrumJob(run_path, "", Settings(window=(5,)), ("update",)))
    assert until(heard, finished(second)) == Finished(second)
    assert (pid_of(client) == pid) is not deaf


def test_a_killed_process_is_said_and_replaced(client: WorkerClient, heard: SimpleQueue[Event], run_path: str) -> None:
    first = client.submit(Endless(run_path))
    second = client.submit(SpectrumJob(run_path, "", Settings(window=(5,)), ("update",)))
    until(heard, lambda event: isinstance(event, Progressed))
    assert pid_of(client) is not None
    os.kill(pid_of(client), signal.SIGKILL)
    end = until(heard, finished(first))
    assert isinstance(end, Finished) and end.error is not None and "SIGKILL" in end.error
    assert until(heard, finished(second)) == Finished(second)


def test_it_does_not_outlive_its_viewer(run_path: str) -> None:
    """The owner is killed while the process is busy."""
    script = f"""
import sys, time
from sedscope.tui.worker.client import WorkerClient
from sedscope.tui.worker.jobs import SpectrumJob
from sedscope.analysis.settings import Settings
from sedscope.analysis.progress import OnProgress
from sedscope.runs import open_run
client = WorkerClient(lambda event: None)
client.submit(SpectrumJob({run_path!r}, "", Settings(window=(5,)), ("update",)))
print(client._process.pid, flush=True)
time.sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        worker = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.wait()
    worker.wait(timeout=PATIENCE)


def test_a_preview_asks_for_less() -> None:
    assert coarser(Settings()) == Settings(checkpoints=5, probes=128, random=6, batches=1)
    few = Settings(checkpoints=2, probes=10, random=3, batches=1)
    assert coarser(few) == few


def test_closing_leaves_nothing_behind(client: WorkerClient, heard: SimpleQueue[Event], run_path: str) -> None:
    client.submit(Endless(run_path))
    until(heard, lambda event: isinstance(event, Progressed))
    assert pid_of(client) is not None
    process = psutil.Process(pid_of(client))
    client.close()
    assert not process.is_running() and pid_of(client) is None
    assert client.submit(Endless(run_path)) and pid_of(client) is None
