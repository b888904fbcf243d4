"""Coupling, Why and Compare under a pilot: the numbers of report.json, other W and K at once, reasons, sizes, files."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from analysed_run import SETTINGS, TOML, analysed_run
from textual.widgets import DataTable
from viewing import HOSTILE, metric_run, screen_text, shows, until, viewing

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.formats.report_json import render_json
from sedscope.tui.app.app import Viewer
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.tabs.compare.compare_tab import CompareTab
from sedscope.tui.tabs.coupling.coupling_tab import CouplingTab
from sedscope.tui.tabs.why.why_tab import WhyTab
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.matrix_pane import MatrixPane

Analysed = tuple[Path, RunAnalysis]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Analysed:
    return analysed_run(tmp_path_factory.mktemp("analysed"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings of the viewer, and the folder that it is started in."""
    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def coupling_tab(app: Viewer) -> CouplingTab:
    tab = app._host.tab
    assert isinstance(tab, CouplingTab)
    return tab


async def final(app: Viewer) -> CouplingTab:
    await until(lambda: isinstance(app._host.tab, CouplingTab) and app._host.tab._answers.final, "the final answer")
    return coupling_tab(app)


def test_numbers_are_those_of_report_json(analysed: Analysed, folder: Path) -> None:
    path, analysis = analysed
    report = json.loads(render_json([analysis], [], SETTINGS))["runs"][0]
    expected = {one["source"]: one for one in report["coupling"]}

    async def session() -> None:
        async with viewing(path, folder=folder, size=(200, 60), tab="Coupling") as (app, _):
            tab = await final(app)
            chart = tab.panel("coupling", ChartPane).chart
            shown = [series for series in chart.series if series.label in expected]
            assert {series.label for series in shown} >= {"update", "displacement", "fixed_gradient/parity"}
            for series in shown:
                theirs = expected[series.label]
                assert series.x.tolist() == theirs["steps"]
                for value, number in zip(series.y, theirs["rbar"], strict=True):
                    assert (number is None and np.isnan(value)) or value == number
            matrix = tab.query_one(MatrixPane).view.heatmap
            for row, source in enumerate(name.removesuffix(" †") for name in matrix.rows):
                for value, number in zip(
                    matrix.values[row], (expected[source.split()[0]][k] for k in ("peak", "final")), strict=True
                ):
                    assert (number is None and np.isnan(value)) or value == number
            (rank90,) = report["rank90"]
            assert tab.panel("rank", ChartPane).chart.series[0].y.tolist() == rank90["rank90"]
            last = float(report["steps"]["last"])
            app.set_cursor(last)
            number = expected["displacement"]["rbar"][-1]
            await shows(app, readable(number), readable(expected["displacement"]["peak"]), f"t = {last:,.0f}")

    asyncio.run(session())


def test_other_windows_are_drawn_at_once_from_spans(analysed: Analysed, folder: Path) -> None:
    from dataclasses import replace

    async def session() -> None:
        async with viewing(analysed[0], folder=folder, tab="Coupling") as (app, _):
            tab = await final(app)
            app.set_settings(replace(app.settings, window=(5,)))
            await until(lambda: tab._answers.spans is not None, "spans")
            await shows(app, "by coupling Gram matrices")
            for window, rank in ((7, 2), (7, 3), (12, 1)):
                app.set_settings(replace(app.settings, window=(window,), rank=(rank,)))
                assert tab.pending is None, "nothing had to be computed"
                series = tab._answers.spans.series("update", window, rank)  # type: ignore[union-attr]
                drawn = next(one for one in tab.panel("coupling", ChartPane).chart.series if one.label == "update")
                np.testing.assert_array_equal(
                    drawn.y, [getattr(point.ratio, "rbar", np.nan) for point in series.points]
                )
            await until(
                lambda: np.isfinite(tab.panel("coupling", ChartPane).chart.series[0].low).any(), "intervals follow"
            )

    asyncio.run(session())


def test_one_source_shows_each_direction_and_its_ceiling(analysed: Analysed, folder: Path) -> None:
    async def session() -> None:
        async with viewing(analysed[0], folder=folder, tab="Coupling") as (app, pilot):
            tab = await final(app)
            while tab.chosen != "update":
                await pilot.press("s")
            assert [one.label for one in tab.panel("coupling", ChartPane).chart.series] == ["R̄ mean over k", "R₁", "R₂"]
            await pilot.press("e")
            await until(lambda: tab.panel("coupling", ChartPane).chart.series[-1].label == "ceiling", "the ceiling")
            *_, first, second, most = tab.panel("coupling", ChartPane).chart.series
            assert (np.fmax(first.y, second.y) <= most.y * (1 + 1e-3))[np.isfinite(first.y)].all()

    asyncio.run(session())


def test_settings_are_asked_checked_and_clicked(analysed: Analysed, folder: Path) -> None:
    async def session() -> None:
        async with viewing(analysed[0], folder=folder, tab="Coupling") as (app, pilot):
            await final(app)
            await pilot.press("K")
            await shows(app, "K: directions of a basis")
            await pilot.press("backspace", "9", "enter")
            await shows(app, "rank: at most the window, 6, is required, found 9")
            await pilot.press("escape")
            await pilot.click("#settings", offset=(2, 0))
            await shows(app, "W: rows of a window")
            await pilot.press("escape", "a", "d")
            await until(lambda: (app.settings.align, app.settings.centroid) == ("leading", "sum"), "both turned")
            await shows(app, "a leading", "d sum")

    asyncio.run(session())


def test_a_cancelled_question_stays_cancelled_until_asked_again(analysed: Analysed, folder: Path) -> None:
    (folder / "view.toml").write_text(TOML.replace("probes = 48", "probes = 200"))

    async def session() -> None:
        async with viewing(analysed[0], folder=folder, tab="Coupling") as (app, pilot):
            await until(lambda: coupling_tab(app).pending is not None, "a question")
            await pilot.press("x")
            await shows(app, "Cancelled: A asks again")
            await pilot.press("3")
            await until(lambda: app._host.active == "Spectrum", "Spectrum")
            await pilot.press("4")
            await until(lambda: app._host.active == "Coupling", "Coupling")
            assert coupling_tab(app).pending is None
            await pilot.press("A")
            assert coupling_tab(app).pending is not None

    asyncio.run(session())


def test_why_shows_stages_measures_blocks_angles_rows_and_probes(analysed: Analysed, folder: Path) -> None:
    async def session() -> None:
        async with viewing(analysed[0], folder=folder, size=(140, 44), tab="Why") as (app, pilot):
            tab = app._host.tab
            assert isinstance(tab, WhyTab)
            await until(lambda: tab._answers.answered, "the final answer")
            text = await shows(
                app, "Stages of parity", "received gradient", "displacement", "R^logit", "mean principal"
            )
            assert "energy, share of A" in text
            while tab.shown_view != "rows":
                await pilot.press("v")
            await shows(app, "cosines of the 6 rows", "participation ratio")
            await pilot.press("v")
            await shows(app, "undefined: the probes do not carry two integer labels")

    asyncio.run(session())


def test_probes_with_two_labels_stand_on_their_grid(folder: Path) -> None:
    path, _ = analysed_run(folder, "addition")

    async def session() -> None:
        async with viewing(path, folder=folder, size=(140, 44), tab="Why") as (app, pilot):
            tab = app._host.tab
            assert isinstance(tab, WhyTab)
            await until(lambda: tab._answers.final, "the final answer")
            tab.view = "probes"
            tab.rearrange()
            await shows(app, "of each probe, t = ", "first label by second", "mean train")
            grid = tab.panel("probes", MatrixPane).view.heatmap
            whole = int(np.isfinite(grid.values).sum())
            assert grid.values.shape == (len(grid.rows), len(grid.columns)) and whole == 48, "a cell for every probe"
            await pilot.press("i")
            await shows(app, "train alone", "i train inputs")
            train = int(np.isfinite(tab.panel("probes", MatrixPane).view.heatmap.values).sum())
            await pilot.press("i")
            await shows(app, "test alone", "i test inputs")
            test = int(np.isfinite(tab.panel("probes", MatrixPane).view.heatmap.values).sum())
            assert train + test == whole and min(train, test) > 0

    asyncio.run(session())


def test_every_view_is_drawn_at_every_size(analysed: Analysed, folder: Path) -> None:
    async def session() -> None:
        async with viewing(analysed[0], folder=folder, size=(80, 24), tab="Coupling") as (app, pilot):
            await final(app)
            for name in ("Coupling", "Why"):
                app.go_to(name)
                await until(lambda name=name: app._host.active == name, name)
                tab = app._host.tab
                assert isinstance(tab, CouplingTab | WhyTab)
                if isinstance(tab, WhyTab):
                    await until(lambda tab=tab: tab._answers.answered, "the final answer")
                for size in ((60, 16), (80, 24), (200, 60)):
                    await pilot.resize_terminal(*size)
                    for view in tab._views():
                        tab.view = view
                        tab.rearrange()
                        await until(lambda tab=tab, view=view: tab.shown_view == view, view)
                        await pilot.pause()
                        lines = screen_text(app).splitlines()
                        assert len(lines) == size[1] and name in lines[0] and lines[-1].startswith(" ? Help")

    asyncio.run(session())


def test_what_is_undefined_says_why(folder: Path) -> None:
    metric_run(folder / "alpha", steps=range(12))

    async def session() -> None:
        async with viewing(folder / "alpha", folder=folder, size=(200, 60), tab="Coupling") as (app, pilot):
            await final(app)
            await shows(app, "is undefined:", "not asked for")
            await pilot.press("5")
            await until(lambda: app._host.active == "Why", "Why")
            await shows(app, "undefined: ")

    asyncio.run(session())


def test_pictures_values_and_the_command_are_taken_away(analysed: Analysed, folder: Path) -> None:
    path, _ = analysed

    async def session() -> None:
        async with viewing(path, folder=folder, tab="Coupling") as (app, pilot):
            tab = await final(app)
            await pilot.press("w")
            written = folder / "sedscope-pictures"
            await until(lambda: len(list(written.glob("*"))) == 4, "four files")
            await shows(app, "wrote sedscope-pictures/perceptron-coupling")
            assert {file.suffix for file in written.iterdir()} == {".svg", ".png", ".csv", ".parquet"}
            (table,) = written.glob("*.csv")
            lines = list(csv.DictReader(table.read_text().splitlines()))
            series = tab.panel("coupling", ChartPane).chart.series[0]
            mine = [line for line in lines if line["series"] == series.label]
            assert [float(line["value"] or "nan") for line in mine] == pytest.approx(series.y.tolist(), nan_ok=True)
            await pilot.press("end", "y")
            copied = folder / "copied.tsv"
            await until(copied.exists, "a copy")
            assert copied.read_text().splitlines()[0].split("\t")[:3] == ["series", "t", "value"]
            copied.unlink()
            await pilot.press("c")
            await until(copied.exists, "the command")
            words = "--window 6 --rank 2 --probes 48 --random 3 --checkpoints 4"
            assert copied.read_text() == f"sedscope report {path} {words}\n"
            assert app.clipboard == copied.read_text()

    asyncio.run(session())


def test_compare_counts_runs_that_never_grokked_and_names_them_safely(folder: Path) -> None:
    kind = {"mode": "freeze"}
    metric_run(folder / "control-1", range(20), grok=12, seed=1)
    metric_run(folder / "freeze-1", range(20), grok=4, seed=1, intervention=kind)
    metric_run(folder / "freeze-2", range(20), grok=99, seed=2, intervention=kind)
    metric_run(folder / "hostile", range(20), name=HOSTILE, grok=6, seed=1, intervention=kind)

    async def session() -> None:
        async with viewing(folder, folder=folder, size=(200, 60), tab="Compare") as (app, pilot):
            await shows(app, "No run is marked", "press M here")
            await until(lambda: len(app.rows) == 4, "four runs")
            await pilot.press("M")
            text = await shows(app, "1 of 2, 1 never", "3×", "never reached 0.5", "2.45×")
            assert "a[/red]\\x1b]52" in text and "\x1b" not in text
            tab = app._host.tab
            assert isinstance(tab, CompareTab)
            assert tab.query_one(DataTable).row_count == 6
            await pilot.press("o")
            plot = tab.query(Plot).first()
            await until(lambda: plot.chart.x.label == "t − grok step", "shifted")
            assert sorted(float(one.x[0]) for one in plot.chart.series if one.x.size) == [-12.0, -6.0, -4.0]

    asyncio.run(session())
