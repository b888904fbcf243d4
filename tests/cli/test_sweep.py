"""`sedscope sweep` as a user meets it: whole trainings, one process each."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sedscope.cli.main import run
from sedscope.runs import open_run
from sedscope.sweep.training_job import cores

TRAIN = """
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--ops", default="add")
parser.add_argument("--fail-on", type=int)
parser.add_argument("--sleep", action="store_true")
args = parser.parse_args()
import torch, sedscope
torch.manual_seed(args.seed)
model = torch.nn.Linear(3, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
print("threads", torch.get_num_threads())
for t in range(6):
    optimizer.zero_grad()
    sedscope.backward({args.ops: model(torch.randn(4, 3)).square().mean()})
    optimizer.step()
    if t == 3 and args.fail_on == args.seed:
        raise ValueError("the script's own")
    if t == 3 and args.sleep:
        time.sleep(60)
"""
NAMES = ["keep-random-rank=1-window=2-seed=1", "keep-random-rank=1-window=2-seed=2"]
SHARE = max(1, cores() // 2)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "sedscope", "sweep", "--out", "exp", *arguments]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)
    return tmp_path


def sweep(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], list[str]]:
    """Exit status and the lines of stdout and stderr; the trainings are processes of their own."""
    status = run(["sweep", "--out", "exp", *arguments])
    shown = capsys.readouterr()
    return status, shown.out.splitlines(), shown.err.splitlines()


def test_a_sweep_from_the_plan_to_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--interventions", "keep-random:rank=1,window=2", "--seeds", "1,2", "--jobs", "2", "--every", "2")
    script = ("--", "train.py", "--seed={seed}", "--fail-on", "2")
    assert sweep(capsys, *flags, "--dry-run", *script) == (
        0,
        [
            f"missing    {NAMES[0]}",
            f"           sedscope record --out exp/{NAMES[0]} --every 2 --intervene keep-random --rank 1 --window 2"
            " --subspace-seed 1 -- train.py --seed=1 --fail-on 2",
            f"missing    {NAMES[1]}",
            f"           sedscope record --out exp/{NAMES[1]} --every 2 --intervene keep-random --rank 1 --window 2"
            " --subspace-seed 2 -- train.py --seed=2 --fail-on 2",
            "2 cells: 2 missing; 2 would be run",
            "disk space: not known; with --steps N one cell is started up to its first step to project it",
        ],
        [],
    )
    assert list(folder.iterdir()) == [folder / "train.py"], "a plan leaves nothing behind"

    status, out, lines = sweep(capsys, *flags, *script)
    assert (status, out) == (1, [])
    assert lines[0] == f"2 cells: 2 waiting; local: 2 at a time, {SHARE} thread{'s' * (SHARE > 1)} each"
    assert sorted(lines[1:3]) == [f"started  {name}" for name in NAMES]
    assert any(line.startswith(f"finished  {NAMES[0]}  6 steps  loss/add ") for line in lines)
    assert lines[-2:] == [
        f"failed: {NAMES[1]}: exit status 1: ValueError: the script's own; log: exp/logs/{NAMES[1]}.log",
        "2 cells: 1 finished, 1 failed; the same command does what is missing",
    ]
    found = open_run(folder / "exp" / NAMES[0])
    assert (found.state, found.manifest.command) == ("finished", ("train.py", "--seed=1", "--fail-on", "2"))
    assert found.manifest.intervention["mode"] == "keep-random" and found.manifest.intervention["seed"] == 1
    assert f"threads {SHARE}" in (folder / "exp" / "logs" / f"{NAMES[0]}.log").read_text().splitlines()

    before = (folder / "exp" / NAMES[0] / "run.json").stat().st_mtime_ns
    (folder / "train.py").write_text(TRAIN.replace("raise ValueError", "ValueError"))
    status, _, lines = sweep(capsys, *flags, *script)
    assert [line for line in lines if line.startswith("started")] == [f"started  {NAMES[1]}"]
    assert (status, lines[-1]) == (0, "2 cells: 2 finished; next: sedscope report exp")
    assert (folder / "exp" / NAMES[0] / "run.json").stat().st_mtime_ns == before
    assert sweep(capsys, *flags, *script)[2][1:] == ["2 cells: 2 finished; next: sedscope report exp"]
    status, _, lines = sweep(capsys, *flags, "--", "train.py", "--seed={seed}")
    assert status == 5 and len(lines) == 1 and "holds another sweep" in lines[0]


def recorder_of(folder: Path, seed: int) -> psutil.Process:
    """The process that records this cell, as soon as it does."""
    path = folder / "exp" / f"control-seed={seed}"
    for _ in range(1200):
        if (path / "run.json").exists() and (holder := open_run(path).holder) is not None:
            return psutil.Process(holder.pid)
        time.sleep(0.1)
    raise AssertionError(f"{path} is not recorded")


def test_ctrl_c_ends_the_children_and_the_same_command_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--seeds", "1,2", "--jobs", "2", "--", "train.py", "--seed={seed}", "--sleep")
    with subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        children = [recorder_of(folder, seed) for seed in (1, 2)]
        children[0].kill()  # its cell has failed, and the other goes on
        assert any(line.startswith("failed  control-seed=1") for line in iter(process.stderr.readline, ""))
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 130, said
    assert not any(child.is_running() for child in children)
    assert [open_run(folder / "exp" / f"control-seed={seed}").end_reason for seed in (1, 2)] == [
        None,
        "terminated",
    ]
    assert said[-2:] == [
        "2 cells: 1 failed, 1 waiting; the same command does what is missing",
        "sedscope: interrupted",
    ]
    assert said[-3].startswith("failed: control-seed=1: killed by SIGKILL")
    status, plan, _ = sweep(capsys, "--dry-run", *arguments)
    assert (status, plan[-2]) == (0, "2 cells: 1 crashed, 1 stopped; 2 would be run")
    assert (
        plan[2].strip()
        == "sedscope record --out exp/control-seed=1 --force --intervene control -- train.py --seed=1 --sleep"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "1", "train.py"], "seeds: {seed} must stand in the script's arguments, such as --seed {seed}"),
        (["--seeds", "one", "train.py"], "seeds: whole numbers"),
        (["--interventions", "frieze", "train.py"], "interventions: must be some of control"),
        (["--vary", "ops", "train.py"], "vary: must be an argument with its values"),
        (["--jobs", "0", "train.py"], "jobs: must be 1 or more"),
        (["--every", "0", "train.py"], "every: must be a whole number"),
        ([], "Missing argument 'SCRIPT'"),
    ],
)
def test_usage_errors_are_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    status, out, lines = sweep(capsys, *arguments)
    assert (status, out, len(lines)) == (2, [], 1)
    assert lines[0].startswith("sedscope: ") and message in lines[0]
    assert not (folder / "exp").exists()


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--interventions control,freeze,keep-sed:on=update,rank=1,rank=3,basis=raw" in text
    assert "-- train.py --seed {seed}" in text


def test_planning_loads_no_torch_and_nothing_that_draws(folder: Path) -> None:
    code = (
        "import sys; from sedscope.cli.main import run; run(['sweep', '--dry-run', 'train.py'])\n"
        "import sedscope.sweep.engines.engine, sedscope.sweep.display.board\n"
        "print([name for name in ('torch', 'rich', 'polars', 'textual', 'ray', 'submitit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "missing    control" and done.stdout.splitlines()[-1] == "[]"


DOCS = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (?:\w+=\w+ )?sedscope (sweep .*?[^\\])\n(?:\n|$)", DOCS, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("words", [shlex.split(found.replace("\\\n", " ")) for found in COMMANDS])
def test_the_commands_of_the_docs_are_understood(
    words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([words[0], "--dry-run", *words[1:]]) == 0
    assert "cells: " in capsys.readouterr().out


def test_the_lists_of_interventions_in_the_docs_are_understood(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = re.findall(r"^      (--interventions .*)$", DOCS, flags=re.MULTILINE)
    assert len(lists) == 2 and len(COMMANDS) == 3
    counts = []
    for text in lists:
        assert run(["sweep", "--dry-run", *shlex.split(text), "train.py"]) == 0
        counts.append(capsys.readouterr().out.splitlines()[-2])
    assert counts == ["5 cells: 5 missing; 5 would be run", "20 cells: 20 missing; 20 would be run"]
