"""Fewer bytes must draw the same: judged by a terminal emulator that knows nothing of how they were saved."""

from __future__ import annotations

from io import StringIO

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color
from rich.console import Console
from rich.style import Style

from sedscope.tui.terminal.fewer_bytes import fewer_bytes

COLOURS = [None, "default", "red", "bright_white", "color(200)", "#102030", "#ffffff"]
STYLES = st.builds(
    Style,
    color=st.sampled_from(COLOURS),
    bgcolor=st.sampled_from(COLOURS),
    bold=st.sampled_from([None, True]),
    underline=st.sampled_from([None, True]),
    reverse=st.sampled_from([None, True]),
)
SEGMENTS = st.lists(st.tuples(st.sampled_from(["ab", " ", "×", "  c"]), STYLES, st.booleans()), max_size=25)


def written(segments: list[tuple[str, Style, bool]]) -> str:
    """As Textual writes segments: moves of the cursor between them, every style whole."""
    console = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=200)
    parts = []
    for number, (text, style, moved) in enumerate(segments):
        parts += [f"\r\n\x1b[{number % 9 + 1};{number % 5 + 1}H"] if moved else []
        parts.append(style.render(text, color_system=console._color_system))
    return "".join(parts)


def cells(data: str) -> list[list[pyte.screens.Char]]:
    screen = pyte.Screen(60, 12)
    pyte.Stream(screen).feed(data + "!")
    return [[screen.buffer[y][x] for x in range(60)] for y in range(12)]


@settings(max_examples=200, deadline=None)
@given(SEGMENTS)
def test_it_draws_the_same_and_is_never_longer(segments: list[tuple[str, Style, bool]]) -> None:
    data = written(segments)
    less = fewer_bytes(data)
    assert cells(less) == cells(data)
    assert len(less) <= len(data)
    assert fewer_bytes(less) == less


def test_only_what_changes_is_sent() -> None:
    one, other = Style(color="#010203", bgcolor="#040506"), Style(color="#070809", bgcolor="#040506")
    data = "".join(style.render("x") for style in (one, one, other, Style(bgcolor="#040506", bold=True)))
    assert fewer_bytes(data) == ("\x1b[38;2;1;2;3;48;2;4;5;6mxx\x1b[38;2;7;8;9mx\x1b[1;39mx\x1b[0m")
    assert fewer_bytes("\x1b[1mx\x1b[0m\x1b[3mx\x1b[0m") == "\x1b[1mx\x1b[0;3mx\x1b[0m"
    assert fewer_bytes("\x1b[2J\x1b[?25l") == "\x1b[2J\x1b[?25l"
    assert Color.parse("red").number == 1, "a named colour goes through as it is"
    assert fewer_bytes("\x1b[31mx\x1b[0m") == "\x1b[31mx\x1b[0m"


def test_the_viewer_writes_through_it(tmp_path: object) -> None:
    from pathlib import Path

    from sedscope.tui.app.framed_app import FramedApp, SparingDriver
    from sedscope.tui.app.preferences import Options

    folder = Path(str(tmp_path))
    app = FramedApp(Options((), None, None, False, False, folder / "a", folder / "b"))
    assert issubclass(app.driver_class, SparingDriver)
