"""How tests look at the viewer: runs to look at, the app under a pilot, and the screen as text.

A loaded machine is slow, so everything awaits a condition and gives it time; nothing sleeps for a fixed while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from pytest import MonkeyPatch
from run_directory import PROBE_META, feed, manifest, probe_tensors
from textual.pilot import Pilot

from recorders.store.run_writer import RunWriter
from sedscope.tui.app.app import Viewer
from sedscope.tui.app.preferences import Options
from sedscope.tui.app.tab_host import TabHost

SIZES = [(40, 10), (60, 16), (80, 24), (200, 60)]
HOSTILE = "a[/red]\x1b]52;c;aGk=\x07[@click=app.quit]\u202eb"
PATIENCE = 25.0


def metric_run(
    path: Path, steps: Iterable[int] = range(30), task: str = "add", grok: int = 12, **changes: object
) -> Path:
    """A finished run whose test accuracy rises at `grok`."""
    writer = open_run(path, task, **changes)
    record(writer, steps, task, grok)
    writer.close("finished")
    return path


def open_run(path: Path, task: str = "add", **changes: object) -> RunWriter:
    """A run that is being recorded by this process."""
    writer = RunWriter.create(path, manifest(**{"tasks": [task], "name": path.name, **changes}))
    writer.probe(task, probe_tensors(), {**PROBE_META, "program": None, "why_no_program": "not asked for"})
    return writer


def record(writer: RunWriter, steps: Iterable[int], task: str = "add", grok: int = 12) -> None:
    """Rows, weights and metrics of these steps."""
    for t in steps:
        feed(writer, [t])
        writer.scalars(t, {f"metric/test_acc/{task}": float(t >= grok), f"metric/train_acc/{task}": 1.0})


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    end = monotonic() + PATIENCE
    while not condition():
        if monotonic() > end:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        await asyncio.sleep(0.02)


@asynccontextmanager
async def viewing(
    *paths: Path,
    folder: Path,
    size: tuple[int, int] = (120, 36),
    tab: str | None = None,
    ascii: bool = False,
    tabs_may_fail: bool = False,
) -> AsyncIterator[tuple[Viewer, Pilot[None]]]:
    """The viewer on these paths; `folder` keeps its settings and state. An error of a tab, a line to users, is raised.

    Args:
        paths: Runs, or folders of runs.
        folder: Of settings and state.
        size: Columns and lines.
        tab: The first one.
        ascii: As `--ascii`.
        tabs_may_fail: Whether errors of tabs are left to the test.
    """
    options = Options(paths, tab, None, ascii, False, folder / "view.toml", folder / "view.json")
    app = Viewer(options)
    errors: list[Exception] = []

    def tab_failed(host: TabHost, name: str, error: Exception) -> None:
        errors.append(error)
        say_so(host, name, error)

    say_so = TabHost.tab_failed
    with MonkeyPatch.context() as patch:
        patch.setattr(TabHost, "tab_failed", tab_failed)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield app, pilot
    if errors and not tabs_may_fail:
        raise errors[0]


def screen_text(app: Viewer) -> str:
    """The screen as it is drawn now, line by line."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def shows(app: Viewer, *texts: str) -> str:
    """Wait until all texts are on the screen; the screen."""
    await until(lambda: all(text in screen_text(app) for text in texts), f"{texts} on the screen")
    return screen_text(app)
