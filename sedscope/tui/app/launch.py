"""The way from the command line to the screen and back: what a terminal needs before, what is put right after.

Decides when there is no terminal to draw on, and how colours are chosen (the environment is the only way to tell
Textual). The screen runs under `guardian`, so that the terminal is whole again after any end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from recorders.errors import UsageError

if TYPE_CHECKING:
    from sedscope.tui.app.preferences import Options

_SYSTEMS = {"truecolor": "truecolor", "256": "256", "16": "standard"}


def require_terminal() -> None:
    """Raise `UsageError` where there is nothing to draw on; the message says what works instead."""
    instead = "use sedscope report for the same numbers as text"
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()):
        raise UsageError(f"view: a terminal is required on stdin and stderr, found none; {instead}")
    if os.environ.get("TERM", "") in ("", "dumb"):
        terminal = os.environ.get("TERM") or "no TERM"
        raise UsageError(f"view: a terminal that can place its cursor is required, found {terminal}; {instead}")


def choose_colours(colour: str) -> None:
    """Tell Textual, by its environment, which colours to send. `auto` leaves NO_COLOR and the terminal to decide."""
    if colour == "never":
        os.environ["NO_COLOR"] = "1"
    elif colour != "auto":
        os.environ.pop("NO_COLOR", None)
        os.environ["TEXTUAL_COLOR_SYSTEM"] = _SYSTEMS[colour]


def view(make_options: Callable[[], Options], colour: str, mouse: bool) -> int:
    """Show the screen until it is left; the exit status."""
    require_terminal()
    choose_colours(colour)
    from sedscope.tui.terminal.guardian import guarded

    return guarded(lambda: _show(make_options(), mouse))


def _show(options: Options, mouse: bool) -> int:
    from sedscope.tui.app.app import Viewer

    app = Viewer(options)
    app.run(mouse=mouse and app.preferences.mouse)
    return app.return_code or 0
