"""One training in a process: its log, its environment, its end."""

import os
import re
import sys
import time
from pathlib import Path

import psutil
import pytest

from recorders.errors import InputOutputError
from sedscope.sweep import training_job as module
from sedscope.sweep.training_job import Process, TrainingJob, end_all, execute, last_words, share, thread_variables

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)


@pytest.fixture(autouse=True)
def any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's words are those behind `python -c`, which starts ten times faster."""
    monkeypatch.setattr(TrainingJob, "command", property(lambda self: [sys.executable, "-c", *self.words]))


def job(code: str, tmp_path: Path, **variables: str) -> TrainingJob:
    return TrainingJob("cell", [code], str(tmp_path), str(tmp_path / "logs" / "cell.log"), variables)


def log(tmp_path: Path) -> str:
    return (tmp_path / "logs" / "cell.log").read_text()


def until_printed(tmp_path: Path, count: int = 3) -> str:
    """The last line of the log as soon as it has `count` of them."""
    for _ in range(600):
        lines = log(tmp_path).splitlines()
        if len(lines) >= count:
            return lines[-1]
        time.sleep(0.05)
    raise AssertionError(log(tmp_path))


@pytest.mark.parametrize("own_group", [True, False])
def test_output_and_end_stand_in_the_log(own_group: bool, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['A'], os.getcwd()); print(sys.stdin.read() or 'no input'); sys.exit('why')"
    process = Process(job(code, tmp_path, A="1", OMP_NUM_THREADS="2"), own_group=own_group)
    assert process.wait() == "exit status 1"
    head, command, *said, how = log(tmp_path).splitlines()
    assert head.endswith("threads 2") and command.startswith("# sedscope 'import os")
    assert said == [f"1 {tmp_path}", "no input", "why"]
    assert re.fullmatch(r"# exit status 1 after \d+\.\d s", how)
    assert last_words(Path(tmp_path / "logs" / "cell.log"), 0) == "why"


def test_a_training_reads_nothing_that_somebody_types(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"typed")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        execute(job("import sys; print(sys.stdin.read() or 'no input')", tmp_path))
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reading)
    assert "\nno input\n" in log(tmp_path)


def test_a_second_attempt_adds_to_the_log_and_is_told_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "cell.log"
    assert execute(job("raise SystemExit('first')", tmp_path)) == "exit status 1"
    size = path.stat().st_size
    assert execute(job("pass", tmp_path)) == "exit status 0"
    assert last_words(path, 0) == "first" and last_words(path, size) == ""


def test_the_scripts_own_reason_comes_before_what_the_recorder_says_of_its_end(tmp_path: Path) -> None:
    path = tmp_path / "cell.log"
    path.write_text("train.py: error: argument --ops: unknown: bogus\nsedscope: nothing was recorded: no step\n# end\n")
    assert last_words(path, 0) == "train.py: error: argument --ops: unknown: bogus"
    path.write_text("why\nsedscope: nothing was changed or recorded: no step\n")
    assert last_words(path, 0) == "why"
    path.write_text("sedscope: nothing was recorded: no step\n# exit status 0\n")
    assert last_words(path, 0) == "nothing was recorded: no step"


def test_a_signal_is_named(tmp_path: Path) -> None:
    assert execute(job("import os; os.kill(os.getpid(), 9)", tmp_path)) == "killed by SIGKILL"


def test_ending_reaches_whatever_was_started(tmp_path: Path) -> None:
    process = Process(job(PARENT, tmp_path), own_group=True)
    grandchild = psutil.Process(int(until_printed(tmp_path)))
    end_all([process])
    assert process.ended() == "killed by SIGTERM"
    assert gone(grandchild)


def test_who_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.3)
    process = Process(job(STUBBORN, tmp_path), own_group=True)
    until_printed(tmp_path)
    end_all([process])
    assert process.ended() == "killed by SIGKILL"


def test_a_second_interrupt_kills_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(job(STUBBORN, tmp_path), own_group=True)
    until_printed(tmp_path)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        end_all([process])
    assert process.ended() == "killed by SIGKILL"


def test_a_cancelled_task_ends_its_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ray and submitit do it: KeyboardInterrupt in the function that waits."""
    sleep, waited = time.sleep, []

    def interrupted_once(seconds: float) -> None:
        sleep(seconds)
        if not waited and "here" in log(tmp_path):
            waited.append(seconds)
            raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", interrupted_once)
    monkeypatch.setattr(module, "GRACE_S", 0.3)
    with pytest.raises(KeyboardInterrupt):
        execute(job(f"import os; print(os.getpid(), flush=True); {STUBBORN}", tmp_path))
    pid = int(log(tmp_path).splitlines()[2])
    assert waited and not psutil.pid_exists(pid)


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(InputOutputError, match="cannot be started"):
        Process(job("pass", tmp_path), own_group=True)
    assert "cannot be started" in execute(job("pass", tmp_path)), "another machine tells it as the end of the job"


def test_threads_are_shared_out_unless_somebody_decided() -> None:
    assert [share(jobs, 8) for jobs in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    assert set(thread_variables(4, {}).values()) == {"4"}
    own = thread_variables(4, {"OMP_NUM_THREADS": "7", "MKL_NUM_THREADS": "2"})
    assert own == thread_variables(7, {"MKL_NUM_THREADS": "2"}) and own["OMP_NUM_THREADS"] == "7"


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; nobody may have buried it yet."""
    for _ in range(100):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_it_leads_a_group_of_its_own(tmp_path: Path) -> None:
    process = Process(job("import os; print(os.getpgrp() == os.getpid())", tmp_path), own_group=True)
    process.wait()
    assert "\nTrue\n" in log(tmp_path)
