"""A widget of lines that re-sends little: it is cut into upright slices, and only slices that changed are drawn again.

Textual sends a line from the left end of a widget up to the last changed cell; with slices as widgets of their own
that end is near: a crosshair's step at 120×36 sends some 1.6 kB (`benchmarks/plot_render.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.strip import Strip
from textual.widget import Widget

from sedscope.tui.plot.cursor import CURSOR_KEYS, CURSOR_MOVES
from sedscope.tui.plot.data import Look
from sedscope.tui.plot.styles import Paint, paint
from sedscope.tui.terminal.cell_text import Line

_SLICES = 8


class Slice(Widget):
    """A few columns of its parent's lines."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Slice { width: 1fr; height: 1fr; }"

    def render_line(self, y: int) -> Strip:
        parent = self.parent
        assert isinstance(parent, Sliced)
        start = parent.start_of(self)
        return parent.strip(y).crop(start, start + self.size.width)


class Sliced(Widget):
    """Base of the plot widgets: subclasses say which lines there are, this sends what changed of them."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Sliced { layout: horizontal; width: 1fr; height: 1fr; overflow: hidden hidden; }
    """

    def __init__(self, *, look: Look | None = None, **options: Any) -> None:
        """Make the widget; with `look` None the app decides: NO_COLOR, terminal colours, or full colours."""
        super().__init__(**options)
        self._own_look = look
        self._lines: Sequence[Line] | None = None
        self._strips: dict[int, Strip] = {}
        self._paint: Paint | None = None
        self._waiting = False
        self._drawn_size: Size | None = None
        self._places: dict[Slice, int] = {}
        self._laid_out: int | None = None
        """The width that `_places` belongs to; None while the slices have not all got theirs."""

    def compose(self) -> ComposeResult:
        yield from (Slice() for _ in range(_SLICES))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Draw `height` lines of exactly `width` cells, both at least 1."""
        raise NotImplementedError

    @property
    def look(self) -> Look:
        """The characters and colours that this widget may draw with now."""
        if self._own_look is not None:
            return self._own_look
        return Look(colours="none" if self.app.no_color else "sixteen" if self.app.native_ansi_color else "full")

    def redraw(self) -> None:
        """Draw again soon, once, however often this is called before."""
        if not self._waiting and self.is_mounted:
            self._waiting = True
            self.call_next(self._send_changes)

    def strip(self, y: int) -> Strip:
        """Return one whole line, drawn when first asked for."""
        if self._lines is None:
            self._lines = self._drawn()
        if y not in self._strips:
            self._strips[y] = self._strip(
                self._lines[y] if y < len(self._lines) else ((" " * self.size.width, "plot"),)
            )
        return self._strips[y]

    def start_of(self, piece: Slice) -> int:
        """Return the first column of a slice."""
        return self._starts().get(piece, 0)

    def point(self, screen: Offset) -> Offset:
        """Return a place on the screen in this widget's own columns and lines."""
        return screen - self.content_region.offset

    def notify_style_update(self) -> None:
        """Look styles up again after a change of theme. Hover and focus, which change no colour here, cost nothing."""
        super().notify_style_update()
        if self._paint is not None and self._paint != self._current_paint():
            self._restyle()

    def on_resize(self) -> None:
        """Draw everything again at another size. A widget that is shown again with the same size is not."""
        if self.size != self._drawn_size:
            self._forget()

    def _current_paint(self) -> Paint:
        _, _, background, foreground = self.colors
        return paint(background, foreground, self.look)

    def _restyle(self) -> None:
        self._paint = None
        self._forget()

    def _forget(self) -> None:
        self._lines = None
        self._strips = {}
        for piece in self.query_children(Slice):
            piece.refresh()

    def _send_changes(self) -> None:
        """Compare with what is on the screen, and refresh the slices of the lines that differ."""
        self._waiting = False
        before, now = self._lines, self._drawn()
        if before is None or len(before) != len(now):
            self._forget()
            return
        slices = [(piece, start, start + piece.size.width) for piece, start in self._starts().items()]
        for y, (old, new) in enumerate(zip(before, now, strict=True)):
            low, high = changed(old, new, self.size.width)
            if low == high:
                continue
            self._strips.pop(y, None)
            for piece, start, end in slices:
                left, right = max(low, start), min(high, end)
                if left < right:
                    piece.refresh(Region(left - start, y, right - left, 1))
        self._lines = now

    def _starts(self) -> dict[Slice, int]:
        """Return each slice's first column. It depends on the width alone; every line of every slice asks for it."""
        width = self.size.width
        if self._laid_out != width:
            self._places = {}
            used = 0
            for piece in self.children:
                assert isinstance(piece, Slice)
                self._places[piece] = used
                used += piece.size.width
            self._laid_out = width if used == width else None
        return self._places

    def _drawn(self) -> Sequence[Line]:
        self._drawn_size = self.size
        width, height = self.size
        return self.draw(width, height) if width > 0 and height > 0 else ()

    def _strip(self, line: Iterable[tuple[str, str]]) -> Strip:
        if self._paint is None:
            self._paint = self._current_paint()
        style = self._paint.style
        return Strip([Segment(text, style(key)) for text, key in line], self.size.width)


class CursorWidget(Sliced, can_focus=True):
    """Base of curves and matrices, which leaves the keys of the cursor to what is around it while it is empty.

    Subclasses have `action_step`, `action_leap` and `action_end`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*CURSOR_KEYS]

    @property
    def has_places(self) -> bool:
        """True where there is a place for the cursor."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse every move in an empty picture."""
        return self.has_places or action not in CURSOR_MOVES


def changed(old: Line, new: Line, width: int) -> tuple[int, int]:
    """Return first and last + 1 column in which two lines of `width` cells differ; (0, 0) where they are equal."""
    if old == new:
        return 0, 0
    before, after = ([(character, key) for text, key in line for character in text] for line in (old, new))
    if len(before) != width or len(after) != width:
        return 0, width  # characters are not columns here
    differ = [column for column in range(width) if before[column] != after[column]]
    return (differ[0], differ[-1] + 1) if differ else (0, 0)
