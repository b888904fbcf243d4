"""A tab: what every one of them is, and how the viewer speaks to it.

A subclass says in `PAGE` what it shows and in `BINDINGS` its keys; sizes belong into `DEFAULT_CSS`. `run_changed` must
keep zoom and scroll: it gives `Plot.chart` a new value. Hooks are called on the app's thread, and only while mounted.
Background work goes through `self.shell.request`. A tab that is not shown hears `run_changed`, `cursor_moved`,
`settings_changed` and `marks_changed` when it is shown again, once each, where something happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from sedscope.tui.plot.cursor import CellMoved, CursorMoved

if TYPE_CHECKING:
    from sedscope.tui.data.shell import Shell
    from sedscope.tui.data.snapshot import RunData


@dataclass(frozen=True, slots=True)
class TabHelp:
    """The help page of a tab."""

    summary: str
    """Two or three sentences about what the tab shows."""
    quantities: tuple[tuple[str, str], ...] = ()
    """(name, meaning in two or three sentences and how to read it)."""


class Tab(Vertical):
    """One screenful about the selected run, or about all of them."""

    DEFAULT_CSS = "Tab { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write_picture", "Write", tooltip="The current picture as SVG, PNG, CSV and Parquet"),
        Binding("y", "copy", "Copy", tooltip="Copy the values at the cursor, or the table"),
        Binding("r", "write_report", "Report", show=False, tooltip="Write the full report of the marked runs"),
        Binding("c", "copy_command", "Copy command", show=False, tooltip="Copy the command that gives these numbers"),
    ]
    PAGE: ClassVar[TabHelp] = TabHelp("")
    NAME: ClassVar[str] = ""
    """The tab's name in `TABS`, which is also the owner of its jobs."""

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def run_changed(self, data: RunData | None) -> None:
        """Take the selected run: it was read, grew, or is another one; None where none can be read."""

    def cursor_moved(self, t: float | None) -> None:
        """Follow the shared step cursor. By default every plot and every heatmap over steps does."""
        from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
        from sedscope.tui.plot.plot_widget import Plot

        for plot in self.query(Plot):
            plot.set_cursor(t)
        for heatmap in self.query(HeatmapView):
            if heatmap.heatmap.x is not None:
                heatmap.set_x(t)

    def settings_changed(self) -> None:
        """Take notice that `shell.settings` changed."""

    def marks_changed(self) -> None:
        """Take notice that `shell.marked` or `shell.rows` changed."""

    def shown(self) -> None:
        """Come to the front. By default the first focusable widget takes the keys."""
        self.focus_first()

    def job_answered(self, number: int, value: Any, final: bool) -> None:
        """Take a result of a job of this tab; later ones refine it unless it is final."""

    def job_ended(self, number: int, error: str | None, cancelled: bool) -> None:
        """Take the end of a job of this tab; `error` is one line where it failed. By default it is said."""
        if error is not None:
            self.shell.say(error, "error")

    # --- taking things away -------------------------------------------------------------------------------------------

    def text_to_copy(self) -> str | None:
        """Return what `y` copies: of the current picture the values at its cursor, or all of them."""
        from sedscope.tui.exports import pictures

        picture = pictures.current(self)
        return None if picture is None else pictures.as_text(pictures.values(picture))

    def report_paths(self) -> tuple[Path, ...]:
        """Return the runs that `r` and `c` are about: the marked ones, else the selected one."""
        data = self.shell.data
        return self.shell.marked or (() if data is None else (data.path,))

    def report_flags(self) -> list[str]:
        """Return the flags behind the runs in the command that gives the numbers of this tab."""
        from sedscope.analysis.settings import flags

        return flags(self.shell.settings, None, None, False)

    def action_write_picture(self) -> None:
        from sedscope.tui.exports.takeaway import write_picture

        write_picture(self.shell, self, self.NAME)

    def action_copy(self) -> None:
        from sedscope.tui.exports.takeaway import copy

        copy(self.shell, self.text_to_copy())

    def action_write_report(self) -> None:
        from sedscope.tui.exports.takeaway import write_report

        write_report(self.shell, self.report_paths(), self.report_flags())

    def action_unmark_all(self) -> None:
        """Unmark all runs; the tabs that show marks have a key for it."""
        for path in self.shell.marked:
            self.shell.toggle_mark(path)

    def action_copy_command(self) -> None:
        from sedscope.tui.exports.takeaway import copy_command

        copy_command(self.shell, self.report_paths(), self.report_flags())

    # --- for subclasses ----------------------------------------------------------------------------------------------

    def key_takers(self) -> Sequence[Widget]:
        """Return widgets that can take the keys, in the order of the screen."""
        return [widget for widget in self.query("*") if widget.focusable and _is_seen(widget)]

    def focus_first(self) -> None:
        """Give the keys to the first widget that takes them, unless one of this tab has them; else to the tab."""
        if not self.display or not self.is_attached:
            return
        takers, focused = self.key_takers(), self.screen.focused
        self.can_focus = not takers
        # A widget that was hidden a moment ago still has the keys, and loses them later.
        if focused is None or self not in focused.ancestors or not _is_seen(focused):
            (takers[0] if takers else self).focus(scroll_visible=False)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        message.stop()
        self.shell.set_cursor(message.x)

    def on_cell_moved(self, message: CellMoved) -> None:
        from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView

        message.stop()
        widget = message.control
        if isinstance(widget, HeatmapView) and widget.heatmap.x is not None:
            self.shell.set_cursor(float(widget.heatmap.x[message.column]))


def _is_seen(widget: Widget) -> bool:
    """Return whether the widget and everything around it is shown."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
