"""The engines: whole trainings under each, what ends them, and what is said where one is missing."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from recorders.errors import InputOutputError, UsageError
from sedscope.runs import open_run
from sedscope.sweep.engines import engine_of
from sedscope.sweep.engines.engine import parse_options
from sedscope.sweep.training_job import TrainingJob

TRAIN = """
import os, sys, time
print("threads", os.environ["OMP_NUM_THREADS"])
if sys.argv[1] == "2":
    sys.exit("no luck")
if sys.argv[1] == "3":
    print("here", flush=True)
    time.sleep(60)
import torch
model = torch.nn.Linear(3, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for t in range(4):
    model(torch.randn(4, 3)).square().mean().backward()
    optimizer.step()
"""
LOCAL_SLURM = ("cluster=local", "timeout_min=5")

needs_submitit = pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed: sedscope[slurm]")
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: sedscope[ray]")
CLUSTERS = [pytest.param("slurm", marks=needs_submitit), pytest.param("ray", marks=needs_ray)]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would take a cluster that the environment names, and a number of threads overrides the engine's."""
    for name in ("RAY_ADDRESS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", CLUSTERS)
def test_one_finishes_one_fails_and_one_is_interrupted(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    options = [word for option in (LOCAL_SLURM if name == "slurm" else ()) for word in ("--engine-option", option)]
    words = ["--out", "exp", "--engine", name, *options, "--seeds", "1,2,3", "--", "train.py", "{seed}"]
    command = [sys.executable, "-W", "error", "-m", "sedscope", "sweep", *words]
    errors = tmp_path / "errors"
    with errors.open("w") as stream:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=stream, start_new_session=True)
    logs = {seed: tmp_path / "exp" / "logs" / f"control-seed={seed}.log" for seed in (1, 3)}
    try:
        until(lambda: all(f"{state}  control" in errors.read_text() for state in ("finished", "failed")))
        until(lambda: "here" in logs[3].read_text())
    finally:
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        status = process.wait(60)
    said = errors.read_text().splitlines()
    assert status == 130, said
    assert said[0] == f"3 cells: 3 waiting; {name}: 1 thread each"
    assert said[-3:] == [
        "failed: control-seed=2: exit status 1: no luck; log: exp/logs/control-seed=2.log",
        "3 cells: 1 finished, 1 failed, 1 waiting; the same command does what is missing",
        "sedscope: interrupted",
    ]
    assert open_run(tmp_path / "exp" / "control-seed=1").last_t == 4
    assert "threads 1\n" in logs[1].read_text()
    until(lambda: "# killed by" in logs[3].read_text())


def until(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("waited two minutes in vain")


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("submitit", "ray"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("name", "extra"), [("slurm", "sedscope[slurm]"), ("ray", "sedscope[ray]")])
def test_a_missing_extra_is_one_line(name: str, extra: str, tmp_path: Path, no_packages: None) -> None:
    with pytest.raises(UsageError, match="pip install") as caught:
        engine_of(name, None, LOCAL_SLURM, tmp_path)
    assert extra in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "jobs", "options", "complaint"),
    [
        ("local", 0, [], "jobs: must be 1 or more, found 0"),
        ("local", 1, ["timeout_min=5"], "the local engine has none, found timeout_min"),
        ("local", 1, ["5"], "must be KEY=VALUE"),
        ("slurm", None, [], "slurm needs timeout_min=MINUTES"),
        ("slurm", None, ["timeout_min=5", "nodes=2"], "nodes is 1"),
        pytest.param("slurm", None, [*LOCAL_SLURM, "colour=red"], "engine-option: NameError", marks=needs_submitit),
        pytest.param("slurm", None, ["timeout_min=5"], "slurm needs sbatch on the PATH", marks=needs_submitit),
        pytest.param(
            "slurm", None, [*LOCAL_SLURM, "cpus_per_task=x"], "must be a number of CPUs", marks=needs_submitit
        ),
        pytest.param("ray", None, ["num_cpus=inf"], "num_cpus must be a number of CPUs, found inf", marks=needs_ray),
        pytest.param("ray", None, ["colour=red"], "engine-option: ValueError: Invalid option keyword", marks=needs_ray),
    ],
)
def test_what_no_engine_can_use_is_refused(
    name: str, jobs: int | None, options: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=complaint) as caught:
        engine_of(name, jobs, options, tmp_path)
    assert "\n" not in str(caught.value)


def test_options_are_numbers_where_they_can_be() -> None:
    found = parse_options(["timeout_min=60", "mem_gb=1.5", "slurm_partition=gpu", "slurm_comment=a=b"])
    assert found == {"timeout_min": 60, "mem_gb": 1.5, "slurm_partition": "gpu", "slurm_comment": "a=b"}


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@needs_submitit
def test_jobs_reach_sbatch_as_one_array_with_their_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against programs that answer as Slurm's do: there is none here."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program(bin_folder / "srun", "exit 1")
    program(bin_folder / "sbatch", f'cp "$1" {tmp_path}/batch; echo Submitted batch job 77')
    program(bin_folder / "sacct", "echo 'JobID|State|NodeList'; echo '77_0|TIMEOUT|n1'; echo '77_1|RUNNING|n1'")
    program(bin_folder / "scancel", f'echo "$@" >> {tmp_path}/cancelled')
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    for setting in ("GRACE_S", "PATIENCE_S"):
        monkeypatch.setattr(f"sedscope.sweep.engines.slurm.{setting}", 0.0)
    engine = engine_of("slurm", None, ["timeout_min=90", "cpus_per_task=4", "slurm_partition=gpu"], tmp_path / "out")
    assert (engine.name, engine.slots, engine.threads) == ("slurm", None, 4)
    tickets = engine.submit([TrainingJob(str(n), ["--version"], "/", str(tmp_path / "log")) for n in range(2)])
    batch = (tmp_path / "batch").read_text()
    for flag in ("--time=90", "--cpus-per-task=4", "--partition=gpu", "--array=0-1%2", "--job-name=sedscope"):
        assert f"#SBATCH {flag}\n" in batch
    until(lambda: tickets[0].ended() is not None)
    assert tickets[0].ended() == "slurm job 77_0: TIMEOUT"
    assert tickets[1].ended() is None
    engine.stop()
    assert "77_1" in (tmp_path / "cancelled").read_text()


@needs_submitit
def test_what_sbatch_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("srun", "sbatch"):
        program(tmp_path / name, "echo 'sbatch: error: invalid partition' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    engine = engine_of("slurm", None, ["timeout_min=90"], tmp_path / "out")
    with pytest.raises(InputOutputError, match="slurm took no job") as caught:
        engine.submit([TrainingJob("x", ["--version"], "/", str(tmp_path / "log"))])
    assert "\n" not in str(caught.value)
