"""One run and one question have one answer: the same R̄_k on every face, whatever was computed before."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from analysed_run import TOML, analysed_run
from viewing import until, viewing

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.columns import SOURCES
from sedscope.analysis.result_view.result_column import Reading, columns_for
from sedscope.analysis.settings import Settings
from sedscope.cli.main import run
from sedscope.runs import open_run
from sedscope.tui.tabs.coupling.coupling_tab import CouplingTab
from sedscope.tui.widgets.matrix_pane import MatrixPane
from sedscope.tui.worker.jobs import CouplingJob, coarser

FLAGS = ["--window", "6", "--rank", "2", "--probes", "48", "--random", "3", "--checkpoints", "4"]
"""The settings of `analysed_run`."""


def texts(series: CouplingSeries) -> list[str]:
    """Peak and end with their intervals, as every table prints them."""
    columns = [column for column in columns_for("terminal", SOURCES) if column.name in ("peak", "final")]
    readings = [column.read(series) for column in columns]
    return [f"{reading.text} {reading.ends_text}" for reading in readings if isinstance(reading, Reading)]


def test_every_face_shows_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, analysis = analysed_run(tmp_path / "api")
    # A copy has no results of its own: the table on the terminal comes first, with nothing computed before.
    other, out = Path(shutil.copytree(path, tmp_path / "copy")), tmp_path / "report"
    assert run(["report", str(other), *FLAGS]) == 0
    table = capsys.readouterr().out
    by_source = {series.source: series for series in analysis.coupling}
    fixed = by_source["fixed_gradient/parity"]
    assert fixed.points[-1].spread is not None and len(fixed.points[-1].spread.rbar) == Settings().batches
    final = {source: series.final.value for source, series in by_source.items()}  # type: ignore[union-attr]
    checks = [
        f'final(rbar, source="{source}") {sign} {value!r}' for source, value in final.items() for sign in ("<=", ">=")
    ]
    flags = [word for check in checks for word in ("--check", check)]
    assert run(["report", str(other), *FLAGS, "--out", str(out), *flags]) == 0
    whole = capsys.readouterr().out
    report = json.loads((out / "report.json").read_text())["runs"][0]
    rows = pl.read_parquet(out / "tables" / "coupling.parquet")
    pages = [re.sub(r"<[^>]+>|[|\\]", " ", (out / name).read_text()) for name in ("report.md", "report.html")]
    for theirs in report["coupling"]:
        series = by_source[theirs["source"]]
        assert theirs["final"] == final[series.source] and theirs["rbar"][-1] == final[series.source]
        last = rows.filter(pl.col("source") == series.source).sort("t").tail(1).to_dicts()[0]
        assert (last["rbar"], last["rbar_low"]) == (final[series.source], series.points[-1].interval.low)
        for text in texts(series):
            pattern = rf"{re.escape(series.source)}\s.*{re.escape(text)}"
            assert re.search(pattern, table) and re.search(pattern, whole)
            assert all(" ".join(text.split()) in " ".join(page.split()) for page in pages)

    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)

    async def session() -> None:
        async with viewing(other, folder=tmp_path, size=(200, 60), tab="Coupling") as (app, _):
            await until(lambda: isinstance(app._host.tab, CouplingTab) and app._host.tab._answers.final, "the answer")
            heatmap = app._host.tab.query_one(MatrixPane).view.heatmap
            column = heatmap.columns.index("final")
            shown = {label.split()[0]: heatmap.values[row, column] for row, label in enumerate(heatmap.rows)}
            assert shown == final

    asyncio.run(session())


def test_an_answer_with_fewer_draws_is_a_preview_and_replaced(tmp_path: Path) -> None:
    path, analysis = analysed_run(tmp_path)
    copy = Path(shutil.copytree(path, tmp_path / "copy"))
    job = CouplingJob(str(copy), "", analysis.settings)
    (preview, is_final), (whole, whole_is_final) = job.run(open_run(copy), lambda _: None)
    assert (is_final, whole_is_final) == (False, True)
    assert preview.settings == coarser(analysis.settings) and preview.settings.batches == 1
    assert analysis.settings.for_a_table().batches == analysis.settings.batches == Settings().batches == 5
    assert [series.final for series in whole.coupling] == [series.final for series in analysis.coupling]
