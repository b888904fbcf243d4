"""The cost of the viewer: first paint, bytes over SSH, another W or K, and drawing a plot again.

    python -m benchmarks.viewer

Runs the viewer on a copy of a sample run in a pseudo-terminal of 120×36 and without one, and prints every figure beside
its target. Times are processor time, so that other programs on the machine count less; first paint is that of the
process that draws, from its start. The analysis is a small one (few probes): drawing does not depend on their number.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pyte
from textual._compositor import CompositorUpdate
from textual.screen import Screen as TextualScreen

from benchmarks import plot_render
from recorders.byte_size import size_text
from sedscope import tui
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.settings import Settings
from sedscope.runs import open_run
from sedscope.tui.app.app import Viewer
from sedscope.tui.app.preferences import Options
from sedscope.tui.tabs import TABS
from sedscope.tui.tabs.coupling.coupling_tab import CouplingTab

SAMPLE = Path(__file__).parents[1] / "sample_runs" / "addition"
SETTINGS = Settings(probes=64, random=6)
TOML = "[analysis]\nprobes = 64\nrandom = 6\nbatches = 1\n"
SIZE = (120, 36)
QUIET = 1.5
"""Seconds without a byte after which a screen counts as complete."""
PATIENCE = 300.0
_NOT_DRAWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1bP.*?\x1b\\")
"""Sequences that the emulator does not know and would print."""
_CURVES = "in view"
"""Words below a plot that has curves."""
OTHERS = ((7, 2), (8, 3), (12, 1), (15, 3), (10, 2), (18, 3), (20, 2), (9, 1))
"""W and K, all within spans that were measured."""


class Screen:
    """A viewer in a pseudo-terminal, and how many bytes it sends."""

    def __init__(self, run: Path, folder: Path, tab: str) -> None:
        homes = {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "STATE", "CACHE")}
        env = {**os.environ, **homes, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = ["-m", "sedscope", "view", str(run), "--tab", tab]
        size = SIZE[1], SIZE[0]
        self.child = pexpect.spawn(sys.executable, command, env=env, dimensions=size, timeout=PATIENCE)
        self._drawn = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._drawn)

    def sent(self, keys: str = "") -> int:
        """Send keys and return the number of bytes that follow, up to a pause."""
        self.child.send(keys)
        received, last = b"", time.monotonic()
        while time.monotonic() - last < QUIET:
            try:
                received += self.child.read_nonblocking(1 << 16, timeout=0.1)
                last = time.monotonic()
            except pexpect.TIMEOUT:
                continue
        self._stream.feed(_NOT_DRAWN.sub(b"", received))
        return len(received)

    def rest(self) -> None:
        """Wait until there are curves and nothing moves."""
        end = time.monotonic() + PATIENCE
        while self.sent() or not any(_CURVES in line for line in self._drawn.display):
            if time.monotonic() > end:
                raise TimeoutError("no curves came")

    def used(self) -> float:
        """Return processor seconds of the process that draws, its start included."""
        times = psutil.Process(self.child.pid).children()[0].cpu_times()
        return float(times.user + times.system)


@contextmanager
def screen(run: Path, folder: Path, tab: str) -> Iterator[Screen]:
    """Open a viewer in a pseudo-terminal, and end it afterwards."""
    opened = Screen(run, folder, tab)
    try:
        yield opened
    finally:
        opened.child.close(force=True)


def first_paint(run: Path, folder: Path, repeats: int = 3) -> tuple[float, float]:
    """Return seconds from the start to the first tab on the screen: processor time, and on the clock (the least)."""
    times = []
    for _ in range(repeats):
        begun = time.monotonic()
        with screen(run, folder, "runs") as shown:
            shown.child.expect_exact(" Quit")
            times.append((shown.used(), time.monotonic() - begun))
    return min(used for used, _ in times), min(passed for _, passed in times)


def cursor_steps(run: Path, folder: Path, tab: str) -> int:
    """Return the bytes of a cursor step, the median of some."""
    with screen(run, folder, tab) as shown:
        shown.rest()
        shown.sent("\x1b[C")
        return int(statistics.median(shown.sent("\x1b[C") for _ in range(7)))


def tab_changes(run: Path, folder: Path) -> dict[str, int]:
    """Return the bytes of showing each tab that was shown before."""
    with screen(run, folder, "runs") as shown:
        shown.rest()
        for number in range(2, len(TABS)):
            shown.child.send(str(number))
            shown.rest()
        shown.sent(str(len(TABS)))
        return {tab.name: shown.sent(str(number)) for number, tab in enumerate(TABS, 1)}


class Counted(Viewer):
    """A viewer without a terminal that counts how often its screen is written."""

    CSS_PATH = str(Path(tui.__file__).with_name("viewer.tcss"))
    shown = 0

    def _display(self, screen: TextualScreen[object], renderable: Any) -> None:
        self.shown += isinstance(renderable, CompositorUpdate)
        super()._display(screen, renderable)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the viewer did not get there")
        await asyncio.sleep(0.05)


async def other_windows(run: Path, folder: Path) -> float:
    """Return seconds of processor time to draw another W and K of computed checkpoints, the median of some."""
    app = Counted(Options((run,), "Coupling", None, False, False, folder / "sedscope" / "view.toml", folder / "state"))
    async with app.run_test(size=SIZE):
        await until(lambda: isinstance(app.tab, CouplingTab) and app.tab.has_answer and app.is_idle)
        app.set_settings(replace(app.settings, window=(5,)))
        tab = app.tab
        assert isinstance(tab, CouplingTab)
        await until(lambda: tab.has_spans and app.is_idle)
        await asyncio.sleep(QUIET)
        times = []
        for window, rank in OTHERS:
            begun = time.process_time()
            app.set_settings(replace(app.settings, window=(window,), rank=(rank,)))
            shown = app.shown
            while app.shown == shown:  # until the screen was written
                await asyncio.sleep(0)
            times.append(time.process_time() - begun)
            await asyncio.sleep(QUIET)  # work that follows when the settings rest does not count
        return statistics.median(times)


def say(what: str, measured: str, target: str = "", met: bool | None = None) -> None:
    """Print one line; without a target there is nothing to meet."""
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"{what:<46} {measured:>22}   {target:<8} {verdict}".rstrip(), flush=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "sedscope").mkdir()
        (folder / "sedscope" / "view.toml").write_text(TOML)
        run = Path(shutil.copytree(SAMPLE, folder / "run"))
        analyse(open_run(run), SETTINGS)
        used, passed = first_paint(run, folder)
        say("first paint", f"{used:.2f} s ({passed:.2f} s on clock)", "0.50 s", used < 0.5)
        for tab in ("overview", "spectrum", "coupling", "why"):
            sent = cursor_steps(run, folder, tab)
            say(f"cursor step on {tab.capitalize()}", size_text(sent), "8 kB", sent < 8000)
        for name, sent in tab_changes(run, folder).items():
            say(f"back to {name}", size_text(sent))
        seconds = asyncio.run(other_windows(run, folder))
        say("another W or K on computed checkpoints", f"{1000 * seconds:.0f} ms", "100 ms", seconds < 0.1)
    plot_render.main()


if __name__ == "__main__":
    main()
