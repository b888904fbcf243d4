"""One recorder for each run: a lock that dies with its process and that no child can keep."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recorders.errors import InputOutputError, RefusedError
from recorders.store.lock import Holder, RunLock, holder

HOLD = (
    "import sys, time, pathlib; from recorders.store.lock import RunLock; RunLock.acquire(pathlib.Path(sys.argv[1]));"
)
SAY = "print('held', flush=True); time.sleep(60)"


def in_child(action: Callable[[], object]) -> object:
    """What `action` returns in a forked child."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps(action()).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        return json.loads(pipe.read())


def other_process(path: Path, more: str = "") -> subprocess.Popen[str]:
    """A process that holds the lock and then sleeps."""
    process = subprocess.Popen([sys.executable, "-c", HOLD + more + SAY, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_without_a_recorder_nobody_holds_it(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    lock = RunLock.acquire(tmp_path)
    lock.release()
    lock.release()
    assert holder(tmp_path) is None


def test_a_reader_in_the_same_process_sees_it_and_does_not_drop_it(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    me = Holder(os.getpid(), socket.gethostname())
    assert holder(tmp_path) == me
    assert in_child(lambda: holder(tmp_path)) == list(me)
    lock.release()


def test_a_second_recorder_is_told_pid_and_host(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    expected = f"{tmp_path}: another recorder is writing this run: pid {os.getpid()} on {socket.gethostname()}"
    with pytest.raises(InputOutputError) as caught:
        RunLock.acquire(tmp_path)
    assert str(caught.value) == expected

    def attempt() -> str:
        try:
            RunLock.acquire(tmp_path)
        except InputOutputError as error:
            return str(error)
        return "taken"

    assert in_child(attempt) == expected
    lock.release()


def test_a_forked_child_can_neither_release_nor_keep_it(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    in_child(lambda: lock.release())
    assert in_child(lambda: holder(tmp_path)) is not None
    lock.release()

    process = other_process(tmp_path, "import os; os.fork() or time.sleep(60);")
    found = holder(tmp_path)
    assert found is not None
    assert found.pid == process.pid
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    process.kill()
    process.wait()
    assert holder(tmp_path) is None, "the child lives on, but the lock went with the recorder"
    os.kill(int(children.stdout), signal.SIGKILL)
    process.communicate()


def test_a_killed_recorder_leaves_nothing_behind(tmp_path: Path) -> None:
    process = other_process(tmp_path)
    assert holder(tmp_path) == Holder(process.pid, socket.gethostname())
    with pytest.raises(InputOutputError, match=f"pid {process.pid} on "):
        RunLock.acquire(tmp_path)
    finish(process)
    deadline = time.monotonic() + 5
    while holder(tmp_path) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    RunLock.acquire(tmp_path).release()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_lock_file_that_is_something_else_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lock"
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises((InputOutputError, RefusedError), match="lock"):
        RunLock.acquire(tmp_path)
    assert holder(tmp_path) is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_file_with_foreign_content_still_tells_the_pid(tmp_path: Path) -> None:
    process = other_process(tmp_path)
    (tmp_path / "lock").write_text("\x1b]52;c;Zm9v\x07")
    assert holder(tmp_path) == Holder(process.pid, None)
    finish(process)
