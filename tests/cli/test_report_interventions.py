"""`sedscope report` over runs with interventions, from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from viewing import metric_run

from recorders.intervention.intervention_settings import Intervention
from sedscope.cli.main import run

QUICK = ["--window", "4", "--rank", "1", "--checkpoints", "2"]
EARLY = 'speedup(intervention="freeze", task="add") >= 2'


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for seed in (1, 2):
        command = ["train.py", "--seed", str(seed)]
        metric_run(tmp_path / "runs" / f"control-{seed}", range(16), grok=12, seed=seed, command=command)
        for mode, grok in (("freeze", 3), ("keep-random", 4)):
            done = Intervention(mode, seed=seed).describe()
            place = tmp_path / "runs" / f"{mode}-{seed}"
            metric_run(place, range(16), grok=grok, seed=seed, command=command, intervention=done)
    return tmp_path / "runs"


def test_interventions_are_compared_on_the_terminal_and_in_every_file(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["report", str(runs), *QUICK, "--out", str(out), "--check", EARLY]) == 0
    shown = capsys.readouterr().out
    assert "interventions  task add" in shown and "4.00×" in shown and "checks: 1 passed, 0 failed" in shown
    document = json.loads((out / "report.json").read_text())
    freeze, keep = document["comparison"]["groups"][1:]
    assert freeze["speedup"][0]["average"]["value"] == pytest.approx(4.0)
    assert keep["speedup"][0]["average"]["value"] == pytest.approx(3.0)
    assert [one["speedup"][0]["reference"] for one in keep["beside"]] == ["freeze"]
    for name in ("report.html", "report.md"):
        assert "comparison-1-curves" in (out / name).read_text()
    table = pl.read_parquet(out / "tables" / "interventions.parquet")
    assert table.height == 6 and table["speedup_low"].to_list()[2:] == [4.0, 4.0, 3.0, 3.0]
    assert run(["report", str(runs), *QUICK, "--check", EARLY.replace("2", "5")]) == 1


def test_a_run_too_short_to_be_analysed_stays_in_the_comparison(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Intervention("freeze").describe()
    metric_run(runs / "freeze-3", range(3), seed=3, command=["train.py", "--seed", "3"], intervention=done)
    metric_run(runs / "control-3", range(16), grok=8, seed=3, command=["train.py", "--seed", "3"])
    assert run(["report", str(runs), *QUICK, "--check", EARLY]) == 6
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 of 3 seeds, control in 3: neither earlier nor later than control as far as the interval tells: <" in shown
    assert "in 1 of 3 pairs a run never reached 0.5" in shown


def test_runs_without_interventions_have_no_comparison(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    controls = [str(runs / "control-1"), str(runs / "control-2")]
    assert run(["report", *controls, *QUICK, "--out", str(out), "--check", EARLY]) == 1
    assert "no run of this report has an intervention" in capsys.readouterr().out
    assert json.loads((out / "report.json").read_text())["comparison"] is None
