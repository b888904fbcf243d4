"""The app around the tabs as a program of the terminal: themes, signs, least size, lines to the user, last words.

Decides how it looks and how it ends. What it shows and knows is decided in `app`.
"""

from __future__ import annotations

import signal
from asyncio import get_running_loop
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.driver import Driver
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from sedscope.runs.text import printable
from sedscope.tui.app import preferences
from sedscope.tui.app.preferences import Options
from sedscope.tui.terminal.error_text import ERROR_FILE, write_error
from sedscope.tui.terminal.fewer_bytes import fewer_bytes

if TYPE_CHECKING:
    from sedscope.tui.data.shell import Severity
    from sedscope.tui.plot.data import Look

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
"""Cells below which neither the names of the tabs nor a plot with its axes and legend fit."""
_SIXTEEN_THEME = "ansi-dark"
_PLAIN = Style()
Kind = TypeVar("Kind", bound=Widget)

DEFAULT_THEME = "sedscope"

# Series and heatmap colours belong to `plot.palette` and stay the same in every theme.
THEMES = (
    Theme(
        name=DEFAULT_THEME,
        dark=True,
        primary="#56B4E9",
        secondary="#CC79A7",
        accent="#E69F00",
        warning="#E69F00",
        error="#F0714A",
        success="#2FBF8F",
        foreground="#D7DCE2",
        background="#0F1318",
        surface="#141A21",
        panel="#1C242D",
        variables={"border": "#33404D", "border-blurred": "#26303A", "footer-key-foreground": "#56B4E9"},
    ),
    Theme(
        name="sedscope-light",
        dark=False,
        primary="#0068A8",
        secondary="#A3487A",
        accent="#9A5B00",
        warning="#9A5B00",
        error="#B83A0A",
        success="#00734F",
        foreground="#20262D",
        background="#FBFAF7",
        surface="#F2F0EA",
        panel="#E6E3DA",
        variables={"border": "#BDB8AA", "border-blurred": "#D8D4C8", "footer-key-foreground": "#0068A8"},
    ),
)


class EveryStyle(LineFilter):
    """Gives a style to segments that have none: the filter that takes colours away fails on those."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the same segments, each with a style."""
        return [
            segment if segment.style is not None else Segment(segment.text, _PLAIN, segment.control)
            for segment in segments
        ]


class SparingDriver(Driver):
    """Before a driver of Textual: the same drawing in fewer bytes."""

    def write(self, data: str) -> None:
        super().write(fewer_bytes(data))  # type: ignore[safe-super]  # the driver behind this one writes


class TooSmall(Static):
    """The page that replaces everything below the least size."""


class FramedApp(App[None]):
    """Reads what the user set and what was remembered; subclasses show something."""

    CSS_PATH = "viewer.tcss"
    TITLE = "sedscope"
    AUTO_FOCUS = None

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self.preferences = preferences.read_preferences(options.settings_file)
        self.remembered = preferences.read_remembered(options.state_file)
        self.ascii = options.ascii or self.preferences.ascii
        self.complaints = list(self.preferences.problems)
        """Lines about settings that were not usable, to be said when there is a screen."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._wished_theme()

    @property
    def state_folder(self) -> Path:
        return self.options.state_file.parent

    @property
    def look(self) -> Look | None:
        if not self.ascii:
            return None
        from sedscope.tui.plot.data import Look

        return Look("ascii", "none" if self.no_color else "sixteen" if self.native_ansi_color else "full")

    def say(self, text: str, severity: Severity = "information") -> None:
        """Show a line at the top that goes away by itself; it is never read as markup."""
        self.notify(text, severity=severity, markup=False, timeout=4 if severity == "information" else 8)

    def too_small(self) -> Static:
        """Make the page that replaces everything below the least size."""
        return TooSmall(self._kind_words(), id="too-small", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say so kindly below the least size."""
        small = event.size.width < LEAST_WIDTH or event.size.height < LEAST_HEIGHT
        for screen in self.screen_stack[:1]:
            screen.set_class(small, "-too-small")
        for page in self.base_widgets(TooSmall):
            page.update(self._kind_words())

    def base_widgets(self, kind: type[Kind]) -> list[Kind]:
        """Return the widgets of the screen below all pages; none before the first paint and after the last."""
        return [widget for screen in self.screen_stack[:1] for widget in screen.query(kind)]

    def get_driver_class(self) -> type[Driver]:
        """Return the platform's driver, made sparing with bytes."""
        return type("SparingDriver", (SparingDriver, super().get_driver_class()), {})

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of sent lines: `--ascii` replaces signs; without colours every segment has a style."""
        filters = list(super().get_line_filters())
        if self.no_color:
            filters.insert(0, EveryStyle())
        if self.ascii:
            from sedscope.tui.terminal.plain_signs import PlainSigns

            filters.append(PlainSigns())
        return filters

    def leave_on_signals(self) -> None:
        """End on SIGTERM and SIGHUP as on `q`, with the status that a shell gives to them."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            get_running_loop().add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def theme_to_remember(self) -> str | None:
        """Return the theme that was chosen; that of `--color 16` is the terminal's, and last time's stays."""
        return self.remembered.theme if self.options.sixteen else self.theme

    def _wished_theme(self) -> str:
        if self.options.sixteen:
            return _SIXTEEN_THEME
        wished = self.options.theme or self.preferences.theme or self.remembered.theme or DEFAULT_THEME
        if wished in self.available_themes:
            return wished
        self.complaints.append(f"theme {wished!r} is not known; there are {', '.join(self.available_themes)}")
        return DEFAULT_THEME

    def _kind_words(self) -> Content:
        return Content(
            f"sedscope needs {LEAST_WIDTH} × {LEAST_HEIGHT} characters to draw in;\n"
            f"this terminal has {self.size.width} × {self.size.height}.\nPlease make it larger, or press q to quit."
        )

    def _handle_exception(self, error: Exception) -> None:
        """End the viewer with one line after an unforeseen error; the traceback goes into a file beside the state."""
        if self._exception is None:  # as Textual does: whoever drives the app by a pilot gets the first error
            self._exception = error
            self._exception_event.set()
        log = self.options.state_file.with_name(ERROR_FILE)
        self._return_code = 1
        self.panic(Text(f"sedscope: {printable(str(error) or type(error).__name__, 200)} {write_error(log, error)}"))
