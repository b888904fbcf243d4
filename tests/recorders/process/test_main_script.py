"""A recorded script finds itself as `python` would have run it, and ends as it would have ended."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOOKS = """
import atexit, os, sys
def told():
    print(__name__, sys.modules["__main__"].__dict__ is globals(), sys.argv)
told()
print(__package__, __spec__, type(__loader__).__name__, sys.path[0], sorted({*globals()} - {"__annotations__"}))
print(__file__ == told.__code__.co_filename, os.path.isabs(__file__), os.path.normpath(__file__))
atexit.register(told)
"""
RAISES = """
class Odd(BaseException):
    pass
def deep():
    raise {}("the script's own")
deep()
"""
THREAD = """
import threading, time
import torch
def train():
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for t in range(4):
        time.sleep(0.05)
        model(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    print("trained")
threading.Thread(target=train).start()
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def recorded(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "sedscope", "record", "--out", "run", *arguments, cwd=cwd)


@pytest.mark.parametrize("typed", ["look.py", "./look.py", "sub/../look.py", "absolute"])
def test_what_a_script_sees_of_itself(tmp_path: Path, typed: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "look.py").write_text(LOOKS)
    typed = str(tmp_path / "look.py") if typed == "absolute" else typed
    plain, ours = run(typed, "--x", cwd=tmp_path), recorded(typed, "--x", cwd=tmp_path)
    assert plain.returncode == ours.returncode == 0, ours.stderr
    assert ours.stdout == plain.stdout and f"True True {tmp_path / 'look.py'}" in ours.stdout


def test_a_folder_with_a_main(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__main__.py").write_text("import sys, helper; print(sys.argv[0], __name__, helper.x)")
    (tmp_path / "tool" / "helper.py").write_text("x = 3")
    plain, ours = run("tool", cwd=tmp_path), recorded("tool", cwd=tmp_path)
    assert plain.returncode == ours.returncode == 0 and plain.stdout.split() == ours.stdout.split()


@pytest.mark.parametrize("kind", ["GeneratorExit", "Odd", "SyntaxError"])
def test_whatever_a_script_raises_is_shown_without_our_frames(tmp_path: Path, kind: str) -> None:
    (tmp_path / "odd.py").write_text("x = (\n" if kind == "SyntaxError" else RAISES.format(kind))
    plain, ours = run("odd.py", cwd=tmp_path), recorded("odd.py", cwd=tmp_path)
    said = [line for line in ours.stderr.splitlines() if not line.startswith("sedscope: ")]
    assert (ours.returncode, said) == (plain.returncode, plain.stderr.splitlines())


def test_a_thread_that_trains_behind_the_last_line_is_recorded_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "thread.py").write_text(THREAD)
    done = recorded("--every", "2", "thread.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    last = json.loads((tmp_path / "run" / "journal" / "0001.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["reason"], last["t"]) == ("end", "finished", 4)
    assert "recorded 4 steps in run" in done.stderr
