"""A process that outlives the screen and puts the terminal right, however the screen ended, `kill -9` included.

The command itself becomes the guardian: it remembers the terminal's state, forks the screen into a child before
anything heavy is imported, and waits. The shell gets its prompt back only after the terminal is whole. Where the
guardian is killed, the child sees its end of a pipe close and ends as after SIGTERM. No thread runs at the fork.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import Any, TypeAlias

_RESTORE = (
    "\x1b[?1049l"  # the normal screen
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # no mouse reports
    "\x1b[?2004l\x1b[?1004l\x1b[?2026l\x1b[?2048l"  # no bracketed paste, focus reports, held frame, resize reports
    "\x1b[<u\x1b[?7h\x1b[?25h\x1b[0m"  # plain keys, wrapped lines, a visible cursor, plain text
)
Terminal: TypeAlias = list[Any]
"""A terminal's attributes, as `tcgetattr` gives them."""

_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def guarded(body: Callable[[], int]) -> int:
    """Run `body` in a child; its exit status, or 128 + the signal that ended it. The terminal is restored."""
    terminal = _state()
    # Nothing is ever written: the reading end closes when the guardian dies, whatever killed it.
    alive_read, alive_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(alive_write)
        _run(body, alive_read, terminal)
    os.close(alive_read)
    try:
        status = _wait(child)
    finally:
        os.close(alive_write)
        if terminal is not None:
            _restore(terminal)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _run(body: Callable[[], int], alive: int, terminal: Terminal | None) -> None:
    """Run `body` in the child and never return. Where the guardian was killed, the child does its work."""
    guardian = os.getppid()
    Thread(target=_follow, args=(alive,), name="guardian", daemon=True).start()
    status = 1
    try:
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGHUP, _leave)
        status = body()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # noqa: BLE001 - a line instead of a traceback, whatever happened
        _say(error)
    finally:
        if os.getppid() != guardian and terminal is not None:
            _restore(terminal)
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)


def _leave(number: int, frame: FrameType | None) -> None:
    """End as a program ends, so that the screen is put away; a second signal does it at once."""
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)


def _follow(alive: int) -> None:
    """Wait until the guardian is gone."""
    with suppress(OSError):
        os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _wait(child: int) -> int:
    """Return the child's status; it is stopped and continued together with the guardian, and gets its signals."""
    before = {number: signal.signal(number, lambda number, _: _pass_on(child, number)) for number in _PASSED_ON}
    try:
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                return status
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _state() -> Terminal | None:
    try:
        return termios.tcgetattr(sys.stderr.fileno())
    except (termios.error, OSError, ValueError):
        return None


def _restore(terminal: Terminal) -> None:
    """Undo what a full-screen program does; harmless where it undid it itself."""
    with suppress(OSError, ValueError, termios.error):
        os.write(sys.stderr.fileno(), _RESTORE.encode())
        termios.tcsetattr(sys.stderr.fileno(), termios.TCSADRAIN, terminal)


def _say(error: BaseException) -> None:
    """Print the one line that a failing screen leaves behind."""
    from sedscope.tui.terminal.error_text import error_line

    with suppress(OSError, ValueError):
        print(f"sedscope: {error_line(error)}", file=sys.stderr, flush=True)
