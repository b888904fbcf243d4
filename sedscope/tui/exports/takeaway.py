"""The keys `w`, `y`, `r` and `c` of every tab: write the picture, copy values, write the report, copy the command.

Decides where things are written: pictures and reports below the folder that the viewer was started in, what was copied
into the state folder. Slow work is done by child processes; each ends with the viewer.
"""

from __future__ import annotations

import pickle
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from recorders.errors import EXIT_DAMAGED
from sedscope.runs.text import printable
from sedscope.tui.data.shell import Shell
from sedscope.tui.exports import pictures

if TYPE_CHECKING:
    from textual.widget import Widget

PICTURES = "sedscope-pictures"
REPORT = "sedscope-report"
COPIED = "copied.tsv"

# Of the module, not of a tab: they must end with the viewer even where their tab is gone.
_children: set[subprocess.Popen[bytes]] = set()


def write_picture(shell: Shell, tab: Widget, tab_name: str) -> None:
    """Write the current picture of a tab as SVG, PNG, CSV and Parquet."""
    picture = pictures.current(tab)
    if picture is None:
        shell.say("there is no picture here to write", "warning")
        return
    name = shell.data.name if shell.data is not None else "runs"
    stem = pictures.stem(_here() / PICTURES, name, tab_name.lower(), picture.content.title.split(":")[0])
    command = [sys.executable, "-P", "-m", "sedscope.tui.exports.figure"]
    shell.say(f"writing {_shown(stem)} …")
    _run(shell, command, pickle.dumps((picture, stem)), f"wrote {_shown(stem)}{' '.join(pictures.SUFFIXES)}")


def copy(shell: Shell, text: str | None) -> None:
    """Copy values or a table to the clipboard and into a file; None where the tab has nothing to copy."""
    if text is None:
        shell.say("there is nothing here to copy", "warning")
        return
    put(shell, text, "values" if text.count("\n") < 40 else "table")


def copy_command(shell: Shell, paths: Sequence[Path], flags: Sequence[str]) -> None:
    """Copy the command that gives the same numbers."""
    if not paths:
        shell.say("no run is selected", "warning")
        return
    put(shell, shlex.join(["sedscope", "report", *map(str, paths), *flags]) + "\n", "command")


def write_report(shell: Shell, paths: Sequence[Path], flags: Sequence[str]) -> None:
    """Write the full report of some runs, by the command that users have."""
    if not paths:
        shell.say("no run is selected", "warning")
        return
    folder = pictures.free_path(_here() / REPORT, ("",))
    command = [sys.executable, "-P", "-m", "sedscope", "report", *map(str, paths), *flags]
    shell.say(f"writing the report of {len(paths)} run{'s' * (len(paths) > 1)} into {_shown(folder)} …")
    _run(shell, [*command, "--out", str(folder)], b"", f"wrote the report into {_shown(folder)}")


def put(shell: Shell, text: str, what: str) -> None:
    """Put text into the clipboard, and into a file, since OSC 52 often does not arrive."""
    shell.copy_to_clipboard(text)
    path = shell.state_folder / COPIED
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        shell.say(f"copied the {what}; not kept in {_shown(path)}: {error.strerror}", "warning")
        return
    shell.say(f"copied the {what}; also in {_shown(path)}")


def end_all() -> None:
    """End every process that was started here."""
    for child in tuple(_children):
        with suppress(OSError):
            child.kill()


def _run(shell: Shell, command: Sequence[str], given: bytes, done: str) -> None:
    """Run a child on a thread, then say how it went."""

    def work() -> None:
        pipe = subprocess.PIPE
        try:
            child = subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe)
        except OSError as error:
            with suppress(RuntimeError):
                shell.call_from_thread(shell.say, f"could not start: {error.strerror}", "error")
            return
        _children.add(child)
        try:
            _, complaints = child.communicate(given)
        finally:
            _children.discard(child)
        lines = [line for line in complaints.decode(errors="replace").splitlines() if line.strip()]
        last = printable(lines[-1].strip(), 300) if lines else f"exit status {child.returncode}"
        text = done if child.returncode == 0 else f"{done}, but: {last}" if child.returncode == EXIT_DAMAGED else last
        with suppress(RuntimeError):
            shell.call_from_thread(shell.say, text, "information" if child.returncode == 0 else "warning")

    Thread(target=work, name="export", daemon=True).start()


def _here() -> Path:
    """Return the folder that the viewer was started in; the home folder where it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return printable(str(path.relative_to(_here())), 200)
    return printable(str(path), 200)
