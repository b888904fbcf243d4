"""The viewer in a real pseudo-terminal: first paint, colours, ends of every kind, and what they leave behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest
from viewing import HOSTILE, metric_run

PATIENCE = 60.0
ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from sedscope.cli.main import main; main()", "view"]
SHELL = ["sh", "-c", '"$@"; status=$?; sleep "$LINGER"; exit $status', "sh"]
"""Between the terminal and the viewer, as at a prompt: when the viewer ends, its terminal is still there."""


class Terminal:
    """A viewer in a pseudo-terminal, and the screen that a terminal makes of it."""

    def __init__(self, child: pexpect.spawn, columns: int, lines: int) -> None:
        self.child = child
        self.sent = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    @property
    def cells(self) -> Iterator[pyte.screens.Char]:
        return (char for line in self._screen.buffer.values() for char in line.values())

    def until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {what}\n{self.text}"
            self.read()

    def shows(self, *texts: str) -> None:
        self.until(lambda: all(text in self.text for text in texts), f"{texts} on the screen")

    def read(self) -> None:
        try:
            data = self.child.read_nonblocking(65536, timeout=0.05)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.sent += data
        # pyte knows neither private CSI with > < = nor their answers; a terminal ignores what it does not know.
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", data))

    def end(self) -> int:
        """Read to the end; exit status, or 128 + signal."""
        self.until(lambda: not self.child.isalive(), "the end")
        self.read()
        return self.child.exitstatus if self.child.exitstatus is not None else 128 + self.child.signalstatus


@contextmanager
def terminal(
    *arguments: str, folder: Path, env: Mapping[str, str] | None = None, size: tuple[int, int] = (100, 30)
) -> Iterator[Terminal]:
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    settings = {**clean, **homes, "TERM": "xterm-256color", "LINGER": "0", **(env or {})}
    child = pexpect.spawn(
        SHELL[0], [*SHELL[1:], *COMMAND, *arguments], env=settings, dimensions=(size[1], size[0]), timeout=PATIENCE
    )
    try:
        yield Terminal(child, *size)
    finally:
        child.close(force=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    metric_run(folder / "alpha")
    metric_run(folder / "beta", task=HOSTILE, name=HOSTILE)
    return folder


@pytest.mark.parametrize(
    ("env", "colours"),
    [({"COLORTERM": "truecolor"}, True), ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "xterm"}, True)],
)
def test_it_draws_and_leaves_a_whole_terminal(runs: Path, tmp_path: Path, env: dict[str, str], colours: bool) -> None:
    with terminal(str(runs), "--tab", "runs", folder=tmp_path, env=env) as screen:
        screen.shows("? Help", "q Quit", "alpha", "a[/red]\\x1b]52;c;aGk=")  # the table cuts it behind that
        assert b"\x1b]52" not in screen.sent
        hues = {colour for cell in screen.cells for colour in (cell.fg, cell.bg) if colour not in ("default", "black")}
        grey = re.compile(r"(?:(..)\1\1|white)")
        assert any(not grey.fullmatch(hue) for hue in hues) is colours, hues
        screen.child.send("3")
        screen.shows("σ of update")
        screen.child.send("q")
        assert screen.end() == 0
        assert_restored(screen)


def test_a_terminal_that_cannot_be_drawn_on_gets_one_line(runs: Path, tmp_path: Path) -> None:
    with terminal(str(runs), folder=tmp_path, env={"TERM": "dumb"}) as screen:
        assert screen.end() == 2
        assert screen.sent.count(b"\n") == 1 and b"\x1b" not in screen.sent
        assert b"sedscope: view: a terminal that can place its cursor is required, found dumb" in screen.sent
    done = subprocess.run([*COMMAND, str(runs)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("sedscope: view: a terminal is required")


@pytest.mark.parametrize(
    ("number", "victim"),
    [
        (signal.SIGTERM, "guardian"),
        (signal.SIGHUP, "guardian"),
        (signal.SIGKILL, "guardian"),
        (signal.SIGKILL, "screen"),
    ],
)
def test_any_end_leaves_a_whole_terminal_and_no_process(
    runs: Path, tmp_path: Path, number: signal.Signals, victim: str
) -> None:
    linger = {"LINGER": "10" if (number, victim) == (signal.SIGKILL, "guardian") else "0"}
    with terminal(str(runs), "--tab", "spectrum", folder=tmp_path, env=linger) as screen:
        screen.shows("σ of update")
        guardian = psutil.Process(screen.child.pid).children()[0]
        below = guardian.children(recursive=True)
        assert len(below) == 2, "the screen and the analysis process"
        os.kill(below[0].pid if victim == "screen" else guardian.pid, number)
        screen.until(lambda: not any(alive(process) for process in below), "every process ends")
        assert screen.end() == 128 + number
        assert_restored(screen)
        assert b"Traceback" not in screen.sent


def test_the_first_paint_loads_neither_torch_nor_polars_nor_numpy(tmp_path: Path) -> None:
    """What is loaded when the first tab is on the screen, before a run was read."""
    script = f"""
import asyncio, sys
from pathlib import Path
from sedscope.tui.app.app import Viewer
from sedscope.tui.app.preferences import Options
from sedscope.tui.data.reader import Reader
Reader.start = lambda self: print(sorted({{"torch", "polars", "numpy"}} & set(sys.modules)), flush=True)
async def main():
    here = Path({str(tmp_path)!r})
    async with Viewer(Options((here,), "Runs", None, False, False, here / "a", here / "b")).run_test() as pilot:
        await pilot.pause()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("on_a_terminal", [True, False])
def test_the_demo_ends_in_the_viewer_where_there_is_a_terminal(on_a_terminal: bool) -> None:
    """The commands of `make demo`, said instead of run."""
    command = ["-s", "-o", ".venv/.sedscope-installed", "demo", "SEDSCOPE=echo sedscope"]
    if on_a_terminal:
        env = {**os.environ, "TERM": "xterm"}
        child = pexpect.spawn("make", command, cwd=ROOT, env=env, encoding="utf-8", timeout=PATIENCE)
        child.expect(pexpect.EOF)
        said = child.before or ""
    else:
        done = subprocess.run(
            ["make", *command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        said = done.stdout
    said = said.replace("\r", "")
    assert "\nsedscope report runs/demo sample_runs\n" in said
    assert said.endswith("\nsedscope view --tab coupling runs/demo sample_runs\n") is on_a_terminal


def test_an_unforeseen_error_is_one_line_and_a_file(runs: Path, tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from sedscope.tui.app.app import Viewer
from sedscope.tui.terminal.guardian import guarded
from sedscope.tui.app.preferences import Options
def fail(self, message):
    raise ValueError("unforeseen \\x1b[2J")
Viewer.on_runs_listed = fail
def show():
    here = Path({str(tmp_path)!r})
    app = Viewer(Options((Path({str(runs)!r}),), None, None, False, False, here / "a", here / "b"))
    app.run()
    return app.return_code
raise SystemExit(guarded(show))
"""
    child = pexpect.spawn(sys.executable, ["-c", script], dimensions=(30, 100), timeout=PATIENCE)
    try:
        screen = Terminal(child, 100, 30)
        assert screen.end() == 1
        assert_restored(screen)
        assert b"sedscope: unforeseen \\x1b[2J (details in" in b" ".join(screen.sent.split())
        assert b"Traceback" not in screen.sent
        assert "ValueError: unforeseen" in (tmp_path / "view-error.txt").read_text()
    finally:
        child.close(force=True)


def assert_restored(screen: Terminal) -> None:
    """The normal screen, a visible cursor, no mouse reports, and the line discipline of before."""
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"), (b"\x1b[?1003h", b"\x1b[?1003l")):
        assert screen.sent.rfind(off) > screen.sent.rfind(on), off
    flags = termios.tcgetattr(screen.child.child_fd)[3]
    assert flags & termios.ICANON and flags & termios.ISIG


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
