"""A made-up row source is found everywhere once it has its row in the registry and its computation."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from analysed_run import SAMPLES, TOML
from viewing import shows, viewing

from recorders import row_sources
from recorders.follow import optimizer_stages
from recorders.row_sources import ROW_SOURCES, RowSource, row_source
from sedscope.analysis.sources import batch_gradients, stage_rows
from sedscope.runs import derived, open_run

ROOT = Path(__file__).resolve().parent.parent
QUICK = ["--window", "6", "--rank", "2", "--probes", "48", "--random", "3", "--checkpoints", "4"]
MADE_UP = """
from recorders import row_sources
from recorders.row_sources import RowSource

ROW = RowSource(pattern="made/twice", label="twice as far", description="twice the displacement", tasks="none",
                stored=True, derived_from="weights", sign=1)
row_sources.ROW_SOURCES = (*row_sources.ROW_SOURCES, ROW)

from sedscope.runs import derived

DISPLACEMENT = derived.DERIVATIONS["displacement"]
DERIVATION = derived.Derivation(
    steps=DISPLACEMENT.steps,
    rows=lambda run, steps, columns: 2 * run.rows("displacement", steps, columns),
    dependencies=lambda run, steps: run.identity("rows", "displacement", steps),
    exists=DISPLACEMENT.exists,
)
derived.DERIVATIONS = {**derived.DERIVATIONS, "made/twice": DERIVATION}
"""
"""What a contributor would write into two files; here it runs when an interpreter starts."""


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of a sample run, while every interpreter that is started knows the made-up source, and this one does."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(MADE_UP)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "site"), str(ROOT))))
    monkeypatch.setattr(row_sources, "ROW_SOURCES", ROW_SOURCES)
    monkeypatch.setattr(derived, "DERIVATIONS", derived.DERIVATIONS)
    exec(MADE_UP, {})
    monkeypatch.setattr("sedscope.runs.run.DERIVATIONS", derived.DERIVATIONS)
    yield shutil.copytree(SAMPLES / "perceptron", tmp_path / "run", ignore=shutil.ignore_patterns("derived"))


def sedscope(*arguments: str) -> str:
    command = [sys.executable, "-m", "sedscope", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_made_up_source_is_in_table_json_and_html(registered: Path, tmp_path: Path) -> None:
    table = sedscope("report", str(registered), "--out", str(tmp_path / "out"), *QUICK)
    assert re.search(r"^made/twice +\d", table, re.MULTILINE)
    run = json.loads((tmp_path / "out" / "report.json").read_text())["runs"][0]
    coupling = {series["source"]: series["rbar"] for series in run["coupling"]}
    # A direction has no length: twice the displacement couples as the displacement does.
    twice, once = (np.array(coupling[name], dtype=np.float64) for name in ("made/twice", "displacement"))
    assert np.isfinite(once).any()
    np.testing.assert_allclose(twice, once, rtol=1e-5)
    assert [series["source"] for series in run["coupling"]][-1] == "made/twice"
    assert "made/twice" in (tmp_path / "out" / "report.html").read_text()


def test_a_made_up_source_is_in_the_viewer(registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)

    async def session() -> None:
        async with viewing(registered, folder=tmp_path, size=(160, 60), tab="Overview") as (app, _):
            await shows(app, "made/twice")

    asyncio.run(session())


@pytest.mark.parametrize("command", ["record", "report"])
def test_a_made_up_source_is_in_the_help(registered: Path, command: str) -> None:
    assert registered.is_dir() and "made/twice" in "".join(sedscope(command, "--help").split())


def test_rows_of_a_made_up_source_are_read_like_any_others(registered: Path) -> None:
    run = open_run(registered)
    assert run.sources()[-1] == "made/twice" and not run.is_stored("made/twice")
    np.testing.assert_array_equal(run.rows("made/twice"), 2 * run.rows("displacement"))
    assert len({run.identity("rows", name) for name in ("made/twice", "displacement")}) == 2


def test_every_source_has_one_row_and_its_computation() -> None:
    patterns = [row.pattern for row in ROW_SOURCES]
    assert len(set(patterns)) == len(patterns)
    by_origin = {
        "weights": set(derived.DERIVATIONS), "rows": set(stage_rows.STAGES), "program": set(batch_gradients.SUMS),
    }  # fmt: skip
    for origin, computed in by_origin.items():
        assert {row.family for row in ROW_SOURCES if row.derived_from == origin} == computed
    assert {row.pattern for row in ROW_SOURCES if row.optimizers} == set(optimizer_stages.STAGES)
    for row in ROW_SOURCES:
        assert row.stored or row.derived_from, f"{row.pattern} comes from nowhere"
        assert len(row.label) <= 17 and row.has_own_task == row.pattern.endswith("/<task>")
        assert row_source(row.name("a/b")) is row
        assert {row_source(name) for name in (*row.made_of, row.same_as) if name} <= set(ROW_SOURCES)


def test_the_documented_table_is_the_registry() -> None:
    text = (ROOT / "docs" / "run-format.md").read_text()
    table = text.split("| source | the row at t | comes from |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == [
        f"| `{row.pattern}` | {row.description} | {_comes_from(row)} |" for row in ROW_SOURCES
    ]


def _comes_from(row: RowSource) -> str:
    origins = {"weights": "the weights", "program": "the feature program", "rows": "other rows", None: ""}
    derived_from = origins[row.derived_from]
    if not row.stored:
        return derived_from
    return f"stored, or {derived_from}" if derived_from else "stored"
