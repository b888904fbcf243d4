"""`sedscope record` as a user meets it: a script that ends as it would have ended, and a run beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRAIN = """
import sys, os
import torch, sedscope
if __name__ == "__main__":
    assert sys.argv[0].endswith("train.py") and sys.path[0] == os.path.dirname(os.path.realpath(__file__))
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for t in range(int(sys.argv[1])):
        optimizer.zero_grad()
        loss = sedscope.backward({"task": model(torch.ones(4, 3)).square().mean()})
        optimizer.step()
        print(t, flush=True)
        if "raise" in sys.argv and t == 2:
            raise ValueError("the script's own")
        if "exit" in sys.argv and t == 2:
            sys.exit(7)
        if "sleep" in sys.argv and t == 2:
            import time; time.sleep(60)
    print("loss", loss.item())
"""


def sedscope(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "sedscope", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "train.py").write_text(TRAIN.replace("sys.path[0] ==", "sys.path[0] !="))
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


def end_of(run: Path) -> dict[str, object]:
    last = json.loads((run / "journal" / "0001.jsonl").read_text().splitlines()[-1])
    assert last["kind"] == "end"
    return {"reason": last["reason"], "t": last["t"]}


def test_a_script_is_recorded_and_its_output_is_its_own(project: Path) -> None:
    plain = subprocess.run([sys.executable, "train.py", "4"], cwd=project, capture_output=True, text=True, check=True)
    done = sedscope("record", "--out", "runs/x", "--every", "2", "train.py", "4", cwd=project)
    assert (done.returncode, done.stdout) == (0, plain.stdout)
    assert done.stderr.splitlines()[-1] == "sedscope: recorded 4 steps in runs/x; next: sedscope report runs/x"
    assert all(line.startswith("sedscope: ") for line in done.stderr.splitlines())
    assert end_of(project / "runs" / "x") == {"reason": "finished", "t": 4}
    manifest = json.loads((project / "runs" / "x" / "run.json").read_text())
    assert manifest["command"] == ["train.py", "4"] and manifest["recording"]["every"] == 2

    again = sedscope("record", "--out", "runs/x", "train.py", "4", cwd=project)
    assert (again.returncode, again.stdout) == (2, "") and "give --force to replace it" in again.stderr
    forced = sedscope("record", "--out", "runs/x", "--force", "train.py", "1", cwd=project)
    assert forced.returncode == 0 and end_of(project / "runs" / "x")["t"] == 1


def test_a_module_and_the_default_folder(project: Path) -> None:
    done = sedscope("record", "-m", "package.train", "3", cwd=project)
    assert done.returncode == 0, done.stderr
    (run,) = (project / "runs").iterdir()
    assert run.name.startswith("package.train-") and end_of(run)["t"] == 3


def test_exceptions_and_exit_statuses_pass_through(project: Path) -> None:
    plain = subprocess.run([sys.executable, "train.py", "9", "raise"], cwd=project, capture_output=True, text=True)
    raised = sedscope("record", "--out", "raised", "train.py", "9", "raise", cwd=project)
    said = [line for line in raised.stderr.splitlines() if not line.startswith("sedscope: ")]
    assert (raised.returncode, raised.stdout) == (plain.returncode, plain.stdout)
    shown = [line.replace(str(project) + os.sep, "") for line in plain.stderr.splitlines()]
    assert [line.replace(str(project) + os.sep, "") for line in said] == shown
    assert end_of(project / "raised") == {"reason": "exception", "t": 3}
    left = sedscope("record", "--out", "left", "train.py", "9", "exit", cwd=project)
    assert left.returncode == 7 and end_of(project / "left") == {"reason": "exception", "t": 3}


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted"), (signal.SIGHUP, "terminated")],
)
def test_signals_commit_and_close_and_kill_as_ever(project: Path, number: signal.Signals, reason: str) -> None:
    command = [sys.executable, "-m", "sedscope", "record", "--out", "x", "--every", "1", "train.py", "9", "sleep"]
    with subprocess.Popen(
        command,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # a suite under nohup hands on an ignored SIGHUP
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "2":
            pass
        time.sleep(0.3)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -number, said
    assert end_of(project / "x") == {"reason": reason, "t": 3}
    assert (project / "x" / "weights" / "0001-000000003.safetensors").exists()
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)


def test_a_script_without_an_optimizer_gets_one_line_and_no_folder(project: Path) -> None:
    (project / "hello.py").write_text("print('hello')")
    (project / "idle.py").write_text("import torch; print(torch.ones(2).sum().item())")
    for script, reason in (
        ("hello.py", "torch was not seen being loaded"),
        ("idle.py", "no optimizer made a step (one inside torch.compile is not seen)"),
    ):
        done = sedscope("record", "--out", "runs/x", script, cwd=project)
        assert (done.returncode, done.stderr) == (0, f"sedscope: nothing was recorded: {reason}\n")
        assert not (project / "runs" / "x").exists()


def test_torch_is_not_loaded_before_the_script_loads_it(project: Path) -> None:
    (project / "first.py").write_text(
        "import sys, os\nassert 'torch' not in sys.modules\nos.environ['OMP_NUM_THREADS'] = '1'\nimport torch\n"
        "import inspect; assert 'torch' in inspect.getsource(torch)\nprint(torch.get_num_threads())"
    )
    assert sedscope("record", "--out", "x", "first.py", cwd=project).stdout == "1\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "script: missing.py must be a file"),
        (["-m", "package.nothing"], "module: package.nothing must be importable"),
        (["--every", "0", "train.py"], "every: must be a whole number, 1 or more"),
        (["--sources", "grad", "train.py"], "sources: 'grad' is not a source"),
        (["--resume", "train.py"], "resume: --out must name the run"),
        ([], "Missing argument 'SCRIPT'"),
    ],
)
def test_usage_errors_are_one_line_and_status_2(project: Path, arguments: list[str], message: str) -> None:
    done = sedscope("record", *arguments, cwd=project)
    assert done.returncode == 2 and done.stderr.startswith("sedscope: ") and done.stderr.count("\n") == 1
    assert message in done.stderr and not (project / "runs").exists()
