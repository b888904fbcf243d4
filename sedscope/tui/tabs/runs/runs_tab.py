"""Runs: all of them in a table, and the one at the cursor in short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Input

from recorders.format import RUN_FILE, STATE_RECORDING
from sedscope.runs.text import printable
from sedscope.tui.data.run_table import COLUMNS
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.tabs.runs.runs_grid import RunsGrid
from sedscope.tui.tabs.tab import Tab, TabHelp
from sedscope.tui.widgets.quiet_static import QuietStatic

if TYPE_CHECKING:
    from sedscope.tui.tabs.runs.run_preview import RunPreview

_SETTLE_SECONDS = 0.12
"""The cursor rests on a line so long before its run is read."""
_PREVIEW_FROM = 24
"""Lines of the tab from which the run at the cursor is shown below the table."""


class RunsTab(Tab):
    """The table of runs; its cursor chooses the run that all tabs show."""

    NAME = "Runs"
    PAGE = TabHelp(
        "Every run under the folders that were given, finished or still being recorded. The line under the cursor is"
        " the run that all other tabs show. Space marks runs for Compare; Enter opens the Overview.",
        (
            (
                "State",
                "● recording: somebody is writing it now. ✓ finished. ✗ crashed: the recording neither ended nor goes"
                " on, or ended by an exception; what was committed counts. ▲ damaged: a part is missing or changed;"
                " the remark says which, and what lies before it stays readable.",
            ),
            (
                "Grok step",
                "The first evaluated t with test accuracy above chance ≥ 0.5, per task. – means that this was never"
                " reached or never logged.",
            ),
            ("Rows, P", "Recorded steps with a row, and the length of a row: the number of selected weights."),
            (
                "Intervention",
                "What the recording changed about the optimizer's steps (a projection onto k directions, say). Runs"
                " without one are controls.",
            ),
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", tooltip="Mark the run to compare it"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show the runs that match words"),
        Binding("enter", "open", "Open", key_display="Enter"),
        Binding("s", "sort(1)", "Sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse order", show=False),
        Binding("u", "unmark_all", "Unmark all", show=False),
        Binding("o", "open_samples", "Sample runs", show=False, tooltip="Open the sample runs of the project"),
    ]
    DEFAULT_CSS = """
    RunsTab #runs-head { height: 1; }
    RunsTab #runs-summary { width: 1fr; height: 1; color: $foreground 60%; padding: 0 1; }
    RunsTab #runs-filter { width: 40; height: 1; border: none; padding: 0 1; background: $panel; }
    RunsTab #runs-none { display: none; padding: 1 3; height: 1fr; overflow-y: auto; }
    RunsTab DataTable { height: 1fr; }
    RunsTab.-preview DataTable { height: auto; max-height: 50%; }
    RunsTab RunPreview { display: none; }
    RunsTab.-preview RunPreview { display: block; }
    RunsTab.-none DataTable, RunsTab.-none RunPreview { display: none; }
    RunsTab.-none #runs-none { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._preview: RunPreview | None = None

    def compose(self) -> ComposeResult:
        """Lay out a line and the table; the run at its cursor comes when the first one was read."""
        with Horizontal(id="runs-head"):
            yield QuietStatic(id="runs-summary")
            box = Input(placeholder="words, Enter, Esc clears", id="runs-filter")
            box.display = False
            yield box
        yield RunsGrid()
        yield QuietStatic(id="runs-none")

    def on_mount(self) -> None:
        """Begin to watch the table: the line above it says what it has no room for."""
        self._summarise()
        self.watch(self._grid, "virtual_size", self._summarise, init=False)

    def on_resize(self, event: events.Resize) -> None:
        """Show the run at the cursor where there is room for it."""
        self.set_class(event.size.height >= _PREVIEW_FROM, "-preview")

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def marks_changed(self) -> None:
        self._update()

    def run_changed(self, data: RunData | None) -> None:
        """Show the run that was chosen here or elsewhere."""
        if self._preview is None and data is not None:
            self._make_preview()
        if self._preview is not None:
            self._preview.show(data)
        if data is not None and self._grid.at_cursor != data.path:
            self._grid.move_to(data.path)

    def cursor_moved(self, t: float | None) -> None:
        if self._preview is not None:
            self._preview.set_cursor(t)

    def key_takers(self) -> list[Widget]:
        return [self._grid]

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the run at the cursor, and go on to the next."""
        path = self._grid.at_cursor
        if path is not None:
            self.shell.toggle_mark(path)
            self._grid.action_cursor_down()

    def action_open(self) -> None:
        path = self._grid.at_cursor
        if path is not None:
            self.shell.select_run(path)
            self.shell.go_to("Overview")

    def action_sort(self, direction: int) -> None:
        self._grid.sort_next(direction)
        self._summarise()

    def action_reverse(self) -> None:
        self._grid.reverse()

    def action_filter(self) -> None:
        box = self.query_one("#runs-filter", Input)
        box.display = True
        box.focus()

    def action_open_samples(self) -> None:
        folder = sample_runs()
        if folder is None:
            self.shell.say("this installation has no sample runs", "warning")
        else:
            self.shell.add_path(folder)

    # --- messages of the widgets -------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._update()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the table; the filter stays."""
        event.stop()
        event.input.display = bool(event.value)
        self._grid.focus()

    def on_key(self, event: events.Key) -> None:
        """Clear the filter on Escape, also from the table."""
        box = self.query_one("#runs-filter", Input)
        if event.key == "escape" and box.display:
            event.stop()
            box.value = ""
            box.display = False
            self._grid.focus()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the run at the cursor in all tabs, once the cursor rests."""
        path = self._grid.at_cursor
        if path is not None:
            self.set_timer(_SETTLE_SECONDS, lambda: self._settle(path))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the run after Enter, or after a click on the line at the cursor."""
        event.stop()
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by a column; once more turns the order round."""
        event.stop()
        self._grid.sort_at(event.column_index)
        self._summarise()

    # --- private -----------------------------------------------------------------------------------------------------

    def _make_preview(self) -> None:
        """Make the preview, imported late: plots need NumPy, and the first paint must not wait for it."""
        from sedscope.tui.tabs.runs.run_preview import RunPreview

        self._preview = RunPreview(self.shell.look)
        self.mount(self._preview)
        self._preview.set_cursor(self.shell.cursor)

    def _settle(self, path: Path) -> None:
        if self._grid.at_cursor == path and self.display:
            self.shell.select_run(path)

    @property
    def _grid(self) -> RunsGrid:
        return self.query_one(RunsGrid)

    def _update(self) -> None:
        self._grid.update_runs(self.shell.rows, self.shell.marked, self._words, self.shell.selected)
        self._summarise()

    def _summarise(self) -> None:
        """Write the line above the table, or the page that stands in its place."""
        rows, listed = self.shell.rows, self.shell.listed
        self.set_class(not rows, "-none")
        if not rows:
            text = how_to_record(self.shell.problems) if listed else Content("Reading runs …")
            self.query_one("#runs-none", QuietStatic).say(text)
            self.query_one("#runs-summary", QuietStatic).say(Content(""))
            return
        live = sum(row.state == STATE_RECORDING for row in rows)
        parts = [f"{len(rows)} run{'s' * (len(rows) != 1)}"]
        parts += [f"{len(self._grid.shown)} match {printable(self._words)!r}"] if self._words.strip() else []
        parts += [f"{live} recording"] * bool(live) + [f"{len(self.shell.marked)} marked"] * bool(self.shell.marked)
        parts.append(f"by {COLUMNS[self._grid.sorted_by].title.lower()}")
        parts += [printable(problem) for problem in self.shell.problems]
        left_out = len(self._grid.given_way)
        parts += [f"{left_out} column{'s' * (left_out > 1)} left out"] * bool(left_out)
        parts += ["← → scroll"] * self._grid.is_cut
        self.query_one("#runs-summary", QuietStatic).say(Content(" · ".join(parts)))


def sample_runs() -> Path | None:
    """Return the folder of the project's sample runs, where this is a checkout of it."""
    import sedscope

    folder = Path(sedscope.__file__).resolve().parent.parent / "sample_runs"
    try:
        return folder if any((entry / RUN_FILE).is_file() for entry in folder.iterdir()) else None
    except OSError:
        return None


def how_to_record(problems: Sequence[str]) -> Content:
    """Return the page in the place of the table."""
    head = [Content.assemble((f"{problem}\n", "$warning")) for problem in problems]
    lines = [
        *head,
        Content.styled("\nNo run here yet. Record one:\n\n", "bold"),
        Content.styled("  sedscope record train.py --lr 1e-3\n\n", "bold $primary"),
        Content(
            "The script runs unchanged; its gradients, updates and weights go into runs/, and show up here while it"
            " trains. Three calls in the script give the rest, and do nothing when nobody records:\n\n"
        ),
    ]
    for code, meaning in (
        ('sedscope.probe(model, task="add", inputs=(a, b), targets=y)', "features: once, before the training"),
        ('sedscope.backward({"add": loss_add, "mul": loss_mul})', "gradients and losses of each task"),
        ('sedscope.log({"test_acc/add": accuracy})', "metrics, and with them the grok step"),
    ):
        lines.append(Content.assemble(("  " + code, "$primary"), ("\n    " + meaning + "\n", "$foreground 60%")))
    if sample_runs() is not None:
        lines.append(
            Content.assemble("\nOr look around first: press ", ("o", "bold $primary"), " for the sample runs.")
        )
    return Content("").join(lines)
