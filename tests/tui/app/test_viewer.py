"""The viewer under a pilot: every tab at every size, the shared cursor, marks, filter, help, palette, hostile names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from run_directory import feed
from textual.widgets import DataTable
from viewing import HOSTILE, SIZES, metric_run, open_run, record, screen_text, shows, until, viewing

from sedscope.tui.app.app import Viewer
from sedscope.tui.app.tabbar import TabBar
from sedscope.tui.plot.data import View
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.tabs import TABS
from sedscope.tui.tabs.runs.runs_grid import RunsGrid
from sedscope.tui.tabs.tab import Tab
from sedscope.tui.widgets.facts_view import FactsView
from sedscope.tui.widgets.key_bars import KeyBar

NAMES = [tab.name for tab in TABS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: one that groks, one of a hostile name and task, one that is damaged."""
    folder = tmp_path_factory.mktemp("runs")
    metric_run(folder / "alpha")
    metric_run(folder / "beta", task=HOSTILE, name=HOSTILE)
    damaged = metric_run(folder / "gamma")
    next(iter(sorted((damaged / "shards").iterdir()))).unlink()
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_every_tab_is_drawn_at_every_size(folder: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async def session() -> None:
        async with viewing(folder, folder=tmp_path, size=size) as (app, pilot):
            await until(lambda: app.data, "a run is read")
            for number, name in enumerate(NAMES, 1):
                await pilot.press(str(number))
                if size < (60, 16):
                    assert "Please make it larger" in await shows(app, "Please make it larger")
                    continue
                await until(lambda name=name: app._host.active == name, name)
                lines = (await shows(app, "alpha")).splitlines()
                assert name in lines[0]
                assert lines[-1].startswith(" ? Help  q Quit")
                assert "\x1b" not in screen_text(app)

    asyncio.run(session())


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_shown_as_text_on_every_tab(folder: Path, tmp_path: Path, name: str) -> None:
    async def session() -> None:
        async with viewing(folder / "beta", folder=tmp_path, size=(200, 60), tab=name) as (app, pilot):
            text = await shows(app, "a[/red]\\x1b]52;c;aGk=\\x07[@click=app.quit]\\u202eb")
            assert not set(text) & {"\x1b", "\x07", "\u202e"}
            await pilot.press("question_mark")
            await until(lambda: len(app.screen_stack) == 2, "help")
            await pilot.press("escape")
            await until(lambda: len(app.screen_stack) == 1, "help is closed")
            assert app.is_running

    asyncio.run(session())


def test_a_damaged_run_says_where_and_stays_readable(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder, folder=tmp_path, size=(200, 60), tab="Runs") as (app, pilot):
            text = await shows(app, "damaged", "0001-000000.safetensors: missing")
            assert "▲" in text
            await pilot.press("down", "down")
            await until(lambda: app.data is not None and app.data.name == "gamma", "the damaged run")
            await shows(app, "Damage")

    asyncio.run(session())


@pytest.mark.parametrize("name", ["Runs", "Overview", "Spectrum"])
def test_a_run_that_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    async def session() -> None:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "run.json").write_text('{"format_version": 999}')
        async with viewing(tmp_path / "broken", folder=tmp_path, size=(160, 30), tab=name) as (app, _):
            await shows(app, "format 999, but this version reads up to")

    asyncio.run(session())


def test_the_cursor_is_shared_by_the_tabs(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, tab="Overview") as (app, pilot):
            await until(lambda: app.data, "a run is read")
            await until(lambda: isinstance(app.focused, Plot), "a plot has the keys")
            await pilot.press("home", "right", "right")
            await until(lambda: app.cursor == 2.0, "two steps on")
            await pilot.press("3")
            await until(lambda: app._host.active == "Spectrum", "Spectrum")
            await until(lambda: all(plot.cursor == 2.0 for plot in app._host.tab.query(Plot)), "plots follow")
            await shows(app, "t = 2 ")

    asyncio.run(session())


def test_an_empty_picture_leaves_the_cursor_keys_to_the_viewer(tmp_path: Path) -> None:
    """Nothing was logged here: the plot that has the keys has no step to go to, the run has."""
    writer = open_run(tmp_path / "bare")
    feed(writer, range(20))
    writer.close("finished")

    async def session() -> None:
        async with viewing(tmp_path / "bare", folder=tmp_path, size=(80, 24), tab="Overview") as (app, pilot):
            await shows(app, "No accuracy was logged")
            await until(lambda: isinstance(app.focused, Plot), "a plot has the keys")
            for key, place in (("end", 19.0), ("left", 18.0), ("pageup", 16.0), ("home", 0.0), ("right", 1.0)):
                await pilot.press(key)
                await until(lambda place=place: app.cursor == place, f"{key} to {place}")

    asyncio.run(session())


def test_g_jumps_to_the_grok_step(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, tab="Overview") as (app, pilot):
            await until(lambda: app.data, "a run is read")
            await pilot.press("g")
            await shows(app, "Go to step (0 to 29)", "12  add: grok step")
            await pilot.press("x", "enter")
            await shows(app, "a number is required, found 'x'")
            await pilot.press("down", "enter")
            await until(lambda: app.cursor == 12.0, "the grok step")

    asyncio.run(session())


def test_marks_sort_and_filter(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder, folder=tmp_path, tab="Runs") as (app, pilot):
            await until(lambda: len(app.rows) == 3, "three runs")
            table = app.query_one(RunsGrid)
            await until(lambda: table.at_cursor == folder / "alpha", "the cursor is on the run that is shown")
            await pilot.press("space")
            await until(lambda: [path.name for path in app.marked] == ["alpha"], "a mark")
            await shows(app, "1 marked", "▶")
            await pilot.press("S")
            await until(lambda: "gamma" in str(table.get_cell_at((0, 1))), "the other way round")
            await pilot.press("slash", *"alph")
            await until(lambda: table.row_count == 1, "one matches")
            await pilot.press("enter", "q")
            await until(lambda: not app.is_running, "q quits from the table")

    asyncio.run(session())


def test_two_hundred_runs_keep_cursor_and_filter_while_rows_change(tmp_path: Path) -> None:
    from dataclasses import replace

    from sedscope.tui.data.reader import RowChanged, RunsListed
    from sedscope.tui.data.snapshot import RunRow

    async def session() -> None:
        async with viewing(tmp_path / "none", folder=tmp_path, tab="Runs") as (app, _):
            await until(lambda: app.listed, "listed")
            app._reader.stop()
            rows = tuple(RunRow(tmp_path / f"r{n}", f"r{n}", "finished", n_rows=n, P=6) for n in range(200))
            app.post_message(RunsListed(rows, ()))
            table = app.query_one(DataTable)
            await until(lambda: table.row_count == 200, "two hundred lines")
            assert [str(table.get_cell_at((n, 1))) for n in (0, 2, 10)] == ["r0", "r2", "r10"]
            table.move_cursor(row=150)
            await until(lambda: table.cursor_row == 150, "the cursor moved")
            app.post_message(RowChanged(replace(rows[3], size=4096)))
            await until(lambda: "4.1 kB" in str(table.get_row("%s" % (tmp_path / "r3"))), "a cell changed")
            assert table.cursor_row == 150

    asyncio.run(session())


def test_a_narrow_table_leaves_columns_out_whole_and_says_so(tmp_path: Path) -> None:
    metric_run(tmp_path / "alpha", name="a-run-with-a-rather-long-name", seed=7)
    damaged = metric_run(tmp_path / "beta")
    next(iter(sorted((damaged / "shards").iterdir()))).unlink()

    async def session() -> None:
        async with viewing(tmp_path, folder=tmp_path, tab="Runs", size=(200, 30)) as (app, pilot):
            text = await shows(app, "damaged", "Started", "Size", "Remark", "by run")
            assert "left out" not in text
            await pilot.resize_terminal(80, 24)
            text = await shows(app, "columns left out", "← → scroll", "Remark", "Grok step")
            table = text.splitlines()[3:6]
            assert "Started" not in table[0] and "finished" not in text.replace("finished  recorded", "")
            assert "✓  a-run-with-a-rather-long-name" in table[1] and "▲  beta" in table[2]
            await pilot.resize_terminal(200, 30)
            await until(lambda: "Started" in screen_text(app), "room for all of them")

    asyncio.run(session())


def test_an_empty_folder_explains_how_to_record(tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(tmp_path, folder=tmp_path, tab="Runs", size=(80, 24)) as (app, _):
            await shows(app, "No run here yet", "sedscope record train.py")

    asyncio.run(session())


def test_a_run_grows_on_the_screen_and_keeps_cursor_zoom_and_scroll(tmp_path: Path) -> None:
    async def session() -> None:
        writer = open_run(tmp_path / "live", command=["train.py", *["--a-flag-with-a-long-name 1"] * 40])
        record(writer, range(24))
        async with viewing(tmp_path / "live", folder=tmp_path, tab="Overview", size=(120, 32)) as (app, pilot):
            await until(lambda: app.data and app.data.steps, "the first rows")
            assert app.data is not None and app.data.state == "recording"
            await shows(app, "● live  recording")
            plot = app.query(Plot).first()
            plot._look_at(View(2.0, 9.0))
            await pilot.press("home", "right")
            await until(lambda: app.cursor is not None, "a cursor")
            facts = app.query_one(FactsView)
            await until(lambda: facts.max_scroll_y >= 2, "more facts than lines")
            facts.scroll_to(y=2, animate=False, force=True)
            await until(lambda: facts.scroll_y == 2, "the facts are scrolled")
            before, view = app.cursor, plot.view
            last = app.data.steps[-1]
            record(writer, range(24, 48))
            writer.close("finished")
            await until(lambda: app.data is not None and app.data.steps[-1] > last, "it grew")
            await shows(app, "✓ live  finished")
            assert (app.cursor, plot.view, facts.scroll_y) == (before, view, 2)
            assert plot.chart.steps[-1] > last

    asyncio.run(session())


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)])
def test_the_mouse_does_what_the_keys_of_both_bars_do(folder: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, tab="Runs", size=size) as (app, pilot):
            await until(lambda: app.data, "a run is read")
            for name in ("Compare", "Spectrum", "Overview", "Runs"):
                place = screen_text(app).splitlines()[0].index(f"{NAMES.index(name) + 1} {name[:3]}")
                await pilot.click(TabBar, offset=(place + 2, 0))
                await until(lambda name=name: app._host.active == name, f"{name} by a click")
            bar = screen_text(app).splitlines()[-1]
            await pilot.click(KeyBar, offset=(bar.index("/ Filter"), 0))
            await until(lambda: app.query_one("#runs-filter").has_focus, "the filter by a click")
            await pilot.press("escape")
            bar = screen_text(app).splitlines()[-1]
            await pilot.click(KeyBar, offset=(bar.index("Help"), 0))
            await until(lambda: len(app.screen_stack) == 2, "help by a click")
            await pilot.press("escape")
            await until(lambda: len(app.screen_stack) == 1, "help is closed")
            await pilot.click(KeyBar, offset=(bar.index("Quit"), 0))
            await until(lambda: not app.is_running, "the end by a click")

    asyncio.run(session())


def test_r_writes_the_report_of_the_marked_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def session() -> None:
        async with viewing(folder, folder=tmp_path, tab="Runs", size=(160, 40)) as (app, pilot):
            await until(lambda: len(app.rows) == 3, "three runs")
            for name in ("alpha", "beta"):
                app.toggle_mark(folder / name)
            await pilot.press("r")
            await shows(app, "wrote the report into sedscope-report")

    asyncio.run(session())
    report = json.loads((tmp_path / "sedscope-report" / "report.json").read_text())
    assert [Path(run["path"]).name for run in report["runs"]] == ["alpha", "beta"]
    assert (tmp_path / "sedscope-report" / "report.html").is_file()


def test_help_explains_the_tab_and_lists_its_keys(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, tab="Spectrum", size=(120, 60)) as (app, pilot):
            await pilot.press("question_mark")
            await shows(app, "Spectrum: help", "k*, gap", "The edge: k* is the k with the largest", "Keys", "Quit")

    asyncio.run(session())


def test_every_action_is_in_the_palette(folder: Path, tmp_path: Path) -> None:
    from sedscope.tui.app.palette_commands import Commands

    async def labels(app: Viewer) -> set[str]:
        provider = Commands(app.screen)
        return {str(hit.text) async for hit in provider.discover()}

    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, tab="Runs") as (app, pilot):
            await until(lambda: app.data, "a run is read")
            for name in ("Runs", "Overview", "Spectrum"):
                await pilot.press(str(NAMES.index(name) + 1))
                await until(lambda name=name: app._host.active == name, name)
                found = await labels(app)
                tab = app._host.tab
                assert tab is not None
                own = {binding.description for binding in tab._bindings.key_to_bindings.values() for binding in binding}
                assert own | {"Help", "Quit", "Go to step", "Cancel work", "Theme"} | set(NAMES) <= found

    asyncio.run(session())


def test_ascii_leaves_nothing_else_on_the_screen(folder: Path, tmp_path: Path) -> None:
    async def session() -> None:
        async with viewing(folder, folder=tmp_path, tab="Runs", ascii=True) as (app, pilot):
            await until(lambda: app.data, "a run is read")
            for number in range(1, len(NAMES) + 1):
                await pilot.press(str(number))
                await until(lambda number=number: app._host.active == NAMES[number - 1], "the tab")
                await shows(app, "alpha")
                filters = app.get_line_filters()
                for strip in app.screen._compositor.render_strips():
                    drawn = strip.apply_filter(filters[-1], app.screen.background_colors[1])
                    assert drawn.text.isascii() and drawn.cell_length == strip.cell_length

    asyncio.run(session())


def test_what_is_remembered_is_whole_and_comes_back(folder: Path, tmp_path: Path) -> None:
    async def first() -> None:
        async with viewing(folder / "alpha", folder=tmp_path) as (app, pilot):
            await pilot.press("3")
            await until(lambda: app._host.active == "Spectrum", "Spectrum")
            await pilot.press("W", "backspace", "backspace", "8", "enter")
            await until(lambda: app.settings.window == (8,), "W = 8")

    async def second() -> None:
        async with viewing(folder / "alpha", folder=tmp_path) as (app, _):
            assert (app._host.active, app.settings.window) == ("Spectrum", (8,))

    asyncio.run(first())
    state = json.loads((tmp_path / "view.json").read_text())
    assert state == {"tab": "Spectrum", "theme": "sedscope", "analysis": {"window": 8}}
    assert [path.name for path in tmp_path.glob("view*")] == ["view.json"]
    asyncio.run(second())


def test_unusable_settings_are_lines_not_failures(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "view.toml").write_text('[view]\ntheme = 3\ncolour = "x"\n[analysis]\nwindow = 2\nrank = 5\n')

    async def session() -> None:
        async with viewing(folder / "alpha", folder=tmp_path, size=(200, 60)) as (app, _):
            await shows(app, "view.theme must be str, found 3", "view.colour is not known", "settings not used")

    asyncio.run(session())


def test_a_tab_that_fails_is_a_line_and_the_viewer_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a pilot as on a terminal: nothing depends on how the viewer is run."""

    def fail(self: Tab, data: object) -> None:
        raise ValueError("no chart [b]today")

    async def session() -> None:
        async with viewing(folder, folder=tmp_path, tab="Overview", tabs_may_fail=True) as (app, pilot):
            await shows(app, "Overview: ValueError: no chart [b]today")
            await pilot.press("1")
            await until(lambda: app._host.active == "Runs", "another tab")
            assert "alpha" in await shows(app, "alpha")

    monkeypatch.setattr("sedscope.tui.tabs.overview.overview_tab.OverviewTab.run_changed", fail)
    asyncio.run(session())


def test_an_unforeseen_error_under_a_pilot_leaves_a_file_and_is_raised(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Viewer, message: object) -> None:
        raise ValueError("unforeseen")

    async def session() -> None:
        async with viewing(folder, folder=tmp_path) as (app, _):
            await until(lambda: app.return_code == 1, "the end")

    monkeypatch.setattr(Viewer, "on_runs_listed", fail)
    with pytest.raises(ValueError, match="unforeseen"):
        asyncio.run(session())
    assert "ValueError: unforeseen" in (tmp_path / "view-error.txt").read_text()
