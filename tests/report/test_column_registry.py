"""A made-up column of the result is found on every face; the readers' page lists all columns."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from analysed_run import SETTINGS, TOML, analysed_run
from comparison_samples import paper
from rich.console import Console
from viewing import shows, until, viewing

from sedscope.analysis.interventions import compare
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, PHASES, RANKS, SOURCES, SPECTRA
from sedscope.analysis.result_view.diagnostic_columns import (
    ALIGNMENTS,
    ANGLE_STEPS,
    ANGLES,
    BLOCKS,
    DIAGNOSTICS,
    STAGE_STEPS,
    STAGES,
)
from sedscope.analysis.result_view.intervention_columns import INTERVENTIONS, REFERENCES, TREATED_RUNS
from sedscope.analysis.result_view.number_text import signed
from sedscope.analysis.result_view.result_column import Face, Reading, ResultColumn, Value
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import render_markdown
from sedscope.report.formats.report_json import render_json
from sedscope.report.formats.table_files import tables
from sedscope.report.formats.terminal import print_comparison, print_run
from sedscope.report.sections.compose import compose
from sedscope.tui.data.run_table import COLUMNS as RUN_COLUMNS
from sedscope.tui.tabs.compare.compare_table import COLUMNS as COMPARISON_COLUMNS
from sedscope.tui.tabs.coupling.coupling_tab import CouplingTab
from sedscope.tui.widgets.matrix_pane import MatrixPane


def seven_peaks(series: CouplingSeries) -> Value:
    return series.peak if isinstance(series.peak, Undefined) else Reading(7.0 * series.peak.value)


@pytest.fixture
def made_up() -> Iterator[ResultColumn[CouplingSeries]]:
    """A column of the table of sources that no other column resembles."""
    column = ResultColumn(
        "seven_peaks", "septuple", "seven times the peak", seven_peaks, ("terminal", "page", "json", "viewer"),
        has_interval=True,
    )  # fmt: skip
    SOURCES.append(column)
    yield column
    SOURCES.remove(column)


def test_a_made_up_column_is_found_on_every_face(
    made_up: ResultColumn[CouplingSeries], facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = analysed_run(tmp_path / "run")
    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    peaks = [series.peak for series in run.coupling if not isinstance(series.peak, Undefined)]
    texts = {signed(7.0 * peak.value) for peak in peaks}
    assert len(peaks) > 2

    stream = io.StringIO()
    print_run(run, Console(file=stream, width=160))
    assert made_up.title in stream.getvalue()
    assert [text for text in texts if text not in stream.getvalue()] == []

    (coupling, *_) = json.loads(render_json([run], (), SETTINGS))["runs"][0]["coupling"]
    assert coupling["seven_peaks"] == 7.0 * coupling["peak"]

    document = compose([Reported(run, facts)], (), SETTINGS, "sedscope report")
    for page in (render_html(document), render_markdown(document)):
        assert made_up.title in page
        assert [text for text in texts if text not in page] == []

    async def session() -> None:
        async with viewing(path, folder=tmp_path, size=(200, 60), tab="Coupling") as (app, pilot):
            tab = await _coupling(pilot.app)
            matrix = tab.panel("matrix", MatrixPane).view.heatmap
            assert matrix.columns[-1] == made_up.title
            await shows(app, made_up.title)

    asyncio.run(session())


async def _coupling(app: object) -> CouplingTab:
    def tab() -> object:
        return app._host.tab  # type: ignore[attr-defined]

    await until(lambda: isinstance(current := tab(), CouplingTab) and current._answers.final, "the final answer")
    current = tab()
    assert isinstance(current, CouplingTab)
    return current


MADE_UP: dict[str, tuple[list[ResultColumn[Any]], tuple[Face, ...]]] = {
    "milestones": (MILESTONES, ("terminal", "page", "json", "tables")),
    "sources": (SOURCES, ("terminal", "page", "json")),
    "phases": (PHASES, ("terminal", "page")),
    "checkpoints": (CHECKPOINTS, ("page", "json", "tables")),
    "diagnostics": (DIAGNOSTICS, ("page", "json")),
    "spectra": (SPECTRA, ("page", "json", "tables")),
    "ranks": (RANKS, ("json", "tables")),
    "alignments": (ALIGNMENTS, ("page",)),
    "stages": (STAGES, ("page", "json")),
    "stage steps": (STAGE_STEPS, ("tables",)),
    "blocks": (BLOCKS, ("page", "tables")),
    "angles": (ANGLES, ("page", "json")),
    "angle steps": (ANGLE_STEPS, ("tables",)),
    "interventions": (INTERVENTIONS, ("terminal", "page", "json")),
    "references": (REFERENCES, ("page", "json")),
    "treated runs": (TREATED_RUNS, ("page", "json", "tables")),
}


@pytest.mark.parametrize("table", MADE_UP)
def test_a_made_up_column_of_every_table_is_found_on_the_faces_that_show_it(
    table: str, evidence: RunAnalysis, facts: RunFacts
) -> None:
    columns, faces = MADE_UP[table]
    column: ResultColumn[Any] = ResultColumn("made_up", "septimal", "a number", lambda row: Reading(0.7777), faces)
    comparison = compare(paper())
    columns.append(column)
    try:
        stream = io.StringIO()
        print_run(evidence, Console(file=stream, width=200))
        print_comparison(comparison, Console(file=stream, width=200))
        document = compose([Reported(evidence, facts)], (), SETTINGS, "sedscope report", None, comparison)
        pages = render_html(document), render_markdown(document)
        written = render_json([evidence], (), SETTINGS, comparison)
        frames = tables([evidence], comparison).values()
    finally:
        columns.remove(column)
    # On the page a line of blocks holds shares.
    shown = "50 %" if table == "blocks" else "0.778"
    assert ("septimal" in stream.getvalue() and "0.778" in stream.getvalue()) == ("terminal" in faces)
    assert [("septimal" in page and shown in page) for page in pages] == ["page" in faces] * 2
    assert ('"made_up":0.7777' in written or '"made_up":[0.7777' in written) == ("json" in faces)
    assert any("made_up" in frame.columns and 0.7777 in frame["made_up"] for frame in frames) == ("tables" in faces)


@pytest.mark.parametrize(("tab", "columns"), [("Runs", RUN_COLUMNS), ("Compare", COMPARISON_COLUMNS)])
def test_a_made_up_column_of_the_viewers_tables_is_on_the_screen(
    tab: str, columns: list[ResultColumn[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = analysed_run(tmp_path / "run")
    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    column: ResultColumn[Any] = ResultColumn("made_up", "septimal", "", lambda row: Reading(0.7777), ("viewer",))

    async def session() -> None:
        async with viewing(path, folder=tmp_path, size=(200, 60), tab=tab) as (app, pilot):
            if tab == "Compare":
                await until(lambda: app.rows, "a run")
                await pilot.press("M")
            await shows(app, "septimal", "0.778")

    # Among the first, so that no long remark puts it beyond the edge.
    columns.insert(2, column)
    try:
        asyncio.run(session())
    finally:
        columns.remove(column)


def test_the_readers_page_lists_the_columns_of_every_file_of_tables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    rows = page.partition("## Tables")[2].partition("## Columns of results")[0].splitlines()
    for name, table in tables([]).items():
        (row,) = [row for row in rows if row.startswith(f"| `{name}` ")]
        listed = set(re.findall(r"`(\w+)`", row.split("|")[3]))
        if {"_low", "_high"} <= listed:
            listed |= {
                f"{column}_{end}" for column in ("rbar", "rbar_logit", "rbar_matched") for end in ("low", "high")
            }
        assert listed - {"_low", "_high"} == set(table.columns) - {"run", "path"}, name


def test_the_readers_page_lists_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    documented: dict[str, list[ResultColumn[Any]]] = {
        "milestones": MILESTONES, "sources": SOURCES, "phases": PHASES, "coupling": CHECKPOINTS, "spectrum": SPECTRA,
        "rank90": RANKS, "measures": DIAGNOSTICS, "alignment": ALIGNMENTS, "stage means": STAGES, "stages": STAGE_STEPS,
        "blocks": BLOCKS, "angle medians": ANGLES, "angles": ANGLE_STEPS, "speed-ups": INTERVENTIONS,
        "references": REFERENCES, "interventions": TREATED_RUNS,
    }  # fmt: skip
    for table, columns in documented.items():
        for column in columns:
            unit = column.unit or "–"
            cells = (f"`{table}`", f"`{column.name}`", column.title, unit, column.description, ", ".join(column.faces))
            line = f"| {' | '.join(cells)} |"
            assert line in page
