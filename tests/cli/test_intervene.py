"""`sedscope record --intervene` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import sedscope

TRAIN = """
import torch, sedscope
torch.manual_seed(0)
model = torch.nn.Linear(3, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for t in range(12):
    optimizer.zero_grad()
    sedscope.backward({"add": model(torch.randn(4, 3)).square().mean()})
    optimizer.step()
print("done")
"""


def record(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(TRAIN)
    command = [sys.executable, "-W", "error", "-m", "sedscope", "record", "--out", "run", "--every", "4"]
    return subprocess.run([*command, *flags, "train.py"], cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_run_under_an_intervention(tmp_path: Path) -> None:
    flags = {"intervene": "keep-sed", "on": "update", "rank": "1", "window": "4", "stride": "2", "basis": "raw"}
    done = record(tmp_path, *[word for name, value in flags.items() for word in (f"--{name}", value)])
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert "from t = 7 on" in done.stderr
    told = json.loads((tmp_path / "run" / "run.json").read_text())["intervention"]
    assert (told["mode"], told["on"], told["rank"], told["window"]) == ("keep-sed", "update", 1, 4)
    assert (told["stride"], told["basis"], told["basis_source"]) == (2, "raw", "update")
    run = sedscope.open_run(tmp_path / "run")
    assert not run.damage and {"update", "raw/update"} <= set(run.sources())
    same = [np.array_equal(*(run.rows(source, [t]) for source in ("update", "raw/update"))) for t in (0, 4, 8)]
    assert same == [True, True, False]
    t, kept = run.scalar("norm_kept")
    assert t.tolist() == list(range(12)) and (kept[:7] == 1).all() and (kept[7:] < 1).all()


def test_an_intervention_that_cannot_be_carried_out_ends_the_script_in_one_line(tmp_path: Path) -> None:
    done = record(tmp_path, "--intervene", "keep-sed", "--basis-source", "gradient/mul")
    assert done.returncode == 5 and done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert "the script has no task 'mul'; its tasks are add (the training is ended)" in last
    assert "Traceback" not in done.stderr


def test_help_teaches_interventions_apart_from_the_rest() -> None:
    command = [sys.executable, "-m", "sedscope", "record", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    options, interventions = text.split("Interventions:")
    assert "--every" in options and "--intervene MODE" not in options
    assert "sedscope record --out runs/frozen --intervene freeze train.py" in interventions
    for flag in ("intervene", "on", "rank", "window", "stride", "warm-up", "basis-source", "basis", "redraw"):
        assert f"  --{flag} " in interventions
