"""A made-up column of the result is found on every face; the readers' page lists all columns."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from analysed_run import SETTINGS, TOML, analysed_run
from rich.console import Console
from viewing import shows, until, viewing

from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SOURCES, SPECTRA
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
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import render_markdown
from sedscope.report.formats.report_json import render_json
from sedscope.report.formats.terminal import print_run
from sedscope.report.sections.compose import compose
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


def test_the_readers_page_lists_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    tables: dict[str, list[ResultColumn[Any]]] = {
        "milestones": MILESTONES, "sources": SOURCES, "coupling": CHECKPOINTS, "spectrum": SPECTRA, "rank90": RANKS,
        "measures": DIAGNOSTICS, "alignment": ALIGNMENTS, "stage means": STAGES, "stages": STAGE_STEPS,
        "blocks": BLOCKS, "angle medians": ANGLES, "angles": ANGLE_STEPS, "speed-ups": INTERVENTIONS,
        "references": REFERENCES, "interventions": TREATED_RUNS,
    }  # fmt: skip
    for table, columns in tables.items():
        for column in columns:
            unit = column.unit or "–"
            cells = (f"`{table}`", f"`{column.name}`", column.title, unit, column.description, ", ".join(column.faces))
            line = f"| {' | '.join(cells)} |"
            assert line in page
