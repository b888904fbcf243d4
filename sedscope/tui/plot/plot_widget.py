"""The plot as a widget: holds chart, view and cursor, turns keys and mouse into moves, and says what the user did.

What is drawn is decided in `curves`, what a move does in `moves`. Setters are silent; only the user's acts send
messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from sedscope.tui.plot import curves, moves
from sedscope.tui.plot.axis import axes
from sedscope.tui.plot.axis.frame import Frame
from sedscope.tui.plot.axis.scale import Scale
from sedscope.tui.plot.cursor import CursorMoved
from sedscope.tui.plot.data import Chart, Look, View
from sedscope.tui.plot.sliced import CursorWidget
from sedscope.tui.terminal.cell_text import Line

# A quarter and a tenth leave enough of the picture in place to see where it went.
_ZOOM = 0.5
_PAN = 0.25
_LEAP = 0.1


class Plot(CursorWidget):
    """Curves with a crosshair, zoom, pan, hover and a pick."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "pick(-1)", "Previous series", key_display="[", show=False),
        Binding("right_square_bracket", "pick(1)", "Next series", key_display="]"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", key_display="+"),
        Binding("minus", "zoom(-1)", "Zoom out", key_display="-", show=False),
        Binding("0", "whole", "Whole", show=False),
        Binding("less_than_sign,comma", "pan(-1)", "Pan left", key_display="<", show=False),
        Binding("greater_than_sign,full_stop", "pan(1)", "Pan right", key_display=">", show=False),
        Binding("l", "scale", "Log/linear"),
    ]

    def __init__(self, chart: Chart | None = None, *, look: Look | None = None, **options: Any) -> None:
        super().__init__(look=look, **options)
        self._chart = chart or Chart()
        self._view = View()
        self._cursor: float | None = None
        self._hover: float | None = None
        self._drag: tuple[int, int] | None = None
        self._frame: tuple[tuple[Chart, View, int, int, Look], Frame] | None = None
        self._followers: list[Callable[[], None]] = []

    # What it shows -----------------------------------------------------------------------------------------------

    @property
    def chart(self) -> Chart:
        """The chart; a new one keeps cursor, zoom and scale, and the pick where its label is still there."""
        return self._chart

    @chart.setter
    def chart(self, chart: Chart) -> None:
        picked = self._view.picked
        label = None if picked is None else self._chart.series[picked].label
        self._chart = chart
        self._view = replace(self._view, picked=None if label is None else chart.index(label))
        self._changed()

    @property
    def view(self) -> View:
        """The stretch of x, the scale and the pick."""
        return self._view

    @property
    def cursor(self) -> float | None:
        """The x of the crosshair in data units; None without one."""
        return self._cursor

    @property
    def shown_x(self) -> float | None:
        """The x at which values are read: under the mouse, else at the cursor."""
        return self._cursor if self._hover is None else self._hover

    @property
    def has_places(self) -> bool:
        return bool(self._chart.steps.size)

    def set_cursor(self, x: float | None) -> None:
        """Put the crosshair at x, or away; where the view is zoomed it moves along."""
        self._cursor = x
        if x is not None:
            self._view = moves.reaching(self._chart, self._view, x)
        self._changed()

    def pick(self, index: int | None) -> None:
        """Let one series stand out, or none."""
        fits = index is not None and 0 <= index < len(self._chart.series)
        self._view = replace(self._view, picked=index if fits else None)
        self._changed()

    def follow(self, callback: Callable[[], None]) -> None:
        """Call back after every change of what is shown (a legend does)."""
        self._followers.append(callback)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        frame = self._framed(width, height)
        glyph = axes.glyphs(self.look)["cross"]
        lines = list(frame.with_crosshairs(self._crosshairs(frame), glyph))
        if frame.layout.summary:
            lines[-1] = axes.summary(self._chart, self._view, self.shown_x, width, self.look)
        return lines

    def _framed(self, width: int, height: int) -> Frame:
        key = (self._chart, self._view, width, height, self.look)
        if self._frame is None or self._frame[0] != key:
            self._frame = (key, curves.draw(*key))
        return self._frame[1]

    def _crosshairs(self, frame: Frame) -> list[int]:
        if self._drag is not None:
            return list(self._drag)
        column = None if self.shown_x is None else frame.column_of(self.shown_x)
        return [] if column is None else [column]

    def _changed(self) -> None:
        self.redraw()
        for callback in self._followers:
            callback()

    # Keys --------------------------------------------------------------------------------------------------------

    def action_step(self, count: int) -> None:
        self._move_to(moves.stepped(self._chart, self._view, self._cursor, count))

    def action_leap(self, direction: int) -> None:
        """Move the cursor by a tenth of the view."""
        self._move_to(moves.leapt(self._chart, self._view, self._cursor, direction * _LEAP))

    def action_end(self, direction: int) -> None:
        seen = moves.visible(self._chart, self._view)
        self._move_to(float(seen[-1 if direction > 0 else 0]) if seen.size else None)

    def action_pick(self, step: int) -> None:
        """Let the next or previous series stand out; after the last comes none."""
        self.pick(self._view.picking(step, len(self._chart.series)).picked)

    def action_zoom(self, direction: int) -> None:
        """Zoom about the cursor."""
        factor = _ZOOM if direction > 0 else 1 / _ZOOM
        self._look_at(moves.zoomed(self._chart, self._view, factor, self.shown_x))

    def action_pan(self, direction: int) -> None:
        """Move the view by a quarter."""
        self._look_at(moves.panned(self._chart, self._view, direction * _PAN))

    def action_whole(self) -> None:
        self._look_at(replace(self._view, low=None, high=None))

    def action_scale(self) -> None:
        scale: Scale = "linear" if self._view.y_scale(self._chart) == "log" else "log"
        self._look_at(replace(self._view, scale=scale))

    def _move_to(self, x: float | None) -> None:
        if x is None:
            return
        self._hover = None
        self.set_cursor(x)
        self.post_message(CursorMoved(self, x))

    def _look_at(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._changed()

    # Mouse -------------------------------------------------------------------------------------------------------

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Read values under the mouse; with the button held, stretch the selection."""
        column = self._column(event)
        if self._drag is not None:
            frame = self._framed(*self.size)
            last = frame.layout.left + frame.layout.plot_width - 1
            self._drag = (self._drag[0], min(max(self.point(event.screen_offset).x, frame.layout.left), last))
            self.redraw()
        else:
            self._hover_at(self._sample(column))

    def on_leave(self) -> None:
        """Go back to the cursor's values."""
        if self._drag is None and not self.is_mouse_over:
            self._hover_at(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a selection."""
        column = self._column(event)
        if event.button == 1 and column is not None:
            self.capture_mouse()
            self._drag = (column, column)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End it: a stretch is zoomed into, a single column takes the cursor."""
        if self._drag is None:
            return
        self.release_mouse()
        (start, end), self._drag = sorted(self._drag), None
        frame = self._framed(*self.size)
        if end - start >= 2:
            self._look_at(moves.between(self._chart, self._view, frame.x_at(start), frame.x_at(end)))
            self.redraw()
        else:
            self._move_to(self._sample(start))

    def on_click(self, event: events.Click) -> None:
        """Show the whole chart after a double click."""
        if event.chain == 2:
            self.action_whole()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 0.8)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1.25)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self._look_at(moves.panned(self._chart, self._view, -_LEAP))

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self._look_at(moves.panned(self._chart, self._view, _LEAP))

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        column = self._column(event)
        if column is not None:
            event.stop()
            about = self._framed(*self.size).x_at(column)
            self._look_at(moves.zoomed(self._chart, self._view, factor, about))

    def _hover_at(self, x: float | None) -> None:
        if x != self._hover:
            self._hover = x
            self._changed()

    def _column(self, event: events.MouseEvent) -> int | None:
        """Return the column of the plot area under the mouse, None beside it."""
        position = self.point(event.screen_offset)
        if not self.size.width or not self.size.height:
            return None
        layout = self._framed(*self.size).layout
        inside = layout.left <= position.x < layout.left + layout.plot_width
        return position.x if inside and 0 <= position.y < self.size.height else None

    def _sample(self, column: int | None) -> float | None:
        """Return the x of the sample nearest to a column."""
        if column is None:
            return None
        return moves.nearest(self._chart, self._framed(*self.size).x_at(column))
