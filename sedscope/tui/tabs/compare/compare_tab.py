"""Compare: the marked runs over each other, and what the interventions did to their grok steps."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable

from recorders.row_sources import FIXED_GRADIENT, UPDATE, Source
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot.cursor import CursorMoved
from sedscope.tui.plot.data import Chart
from sedscope.tui.plot.palette import OKABE_ITO, hue
from sedscope.tui.tabs.analysis_tab import AnalysisTab, same_question
from sedscope.tui.tabs.compare.compare_charts import accuracy_chart, coupling_chart
from sedscope.tui.tabs.compare.compare_table import COLUMNS, ComparisonLine, lines
from sedscope.tui.tabs.tab import TabHelp
from sedscope.tui.terminal.cell_text import shortened
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.key_bars import KeyEntry
from sedscope.tui.worker.compared_run import ComparedRun
from sedscope.tui.worker.jobs import CompareJob, Job

_NAME = 44
"""Cells of a name: a group's can hold a whole command, and the numbers stand behind it."""
_HOW_TO = (
    "No run is marked.\n\nMark runs with space in the table of runs (key 1), or press M here to mark all of them.\n"
    "Runs with an intervention are compared with the marked control of the same seed and command; runs that keep a\n"
    "subspace need a marked freeze beside them."
)


class CompareTab(AnalysisTab):
    """Accuracy and R̄ of the marked runs, and the table of grok steps and speed-ups."""

    NAME = "Compare"
    PAGE: ClassVar[TabHelp] = TabHelp(
        "The marked runs over each other: test accuracy and R̄ of one source, by step or by step from each run's own"
        " grok step. Below, grok steps and speed-ups against the control, grouped by intervention: the numbers of"
        " sedscope report.",
        (
            (
                "Grok step",
                "The first evaluated t with test accuracy above chance ≥ 0.5; of a group the mean over seeds with a"
                " 95 % interval (Student's t). A run that never got there counts with as long as it was followed (≥).",
            ),
            (
                "Speed-up",
                "Grok step of the control over the grok step of the run, for runs of the same seed, task and command."
                " Of a group the geometric mean with a 95 % interval over seeds; one seed has no interval. Where a run"
                " never got there, > and < mark the bound that is left, or it is the quotient of restricted means.",
            ),
            (
                "Remark",
                "Keeping a few dimensions of many thousands is close to keeping nothing: a kept subspace is put beside"
                " freeze, in which the weights stand still, and an SED subspace beside a random one.",
            ),
            (
                "By grok step",
                "Every run is shifted so that its own grok step is 0. Runs that never grokked have no such place: their"
                " curves are left out of this picture and stay in the table.",
            ),
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "align_by", "By step/grok", tooltip="Steps as they are, or counted from each run's grok step"),
        Binding("s", "next_source", "Source", tooltip="R̄ of the update, or of the gradient at fixed examples"),
        Binding("M", "mark_all", "Mark all", show=False, tooltip="Mark every run of the table"),
        Binding("u", "unmark_all", "Unmark all", show=False),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ("accuracy", "coupling", "table")
    LEAST_FOR_ALL = (100, 26)
    DEFAULT_CSS = """
    CompareTab #deck { grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 3fr 2fr; }
    CompareTab #panel-table { column-span: 2; }
    CompareTab #deck.-single #panel-table { column-span: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[ComparedRun, ...] = ()
        self._answered: CompareJob | None = None
        self._by_grok = False
        self._fixed = False

    def make_panel(self, name: str) -> Widget:
        if name != "table":
            return ChartPane(look=self.shell.look)
        table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=1)
        table.add_columns(*(column.title for column in COLUMNS))
        return table

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Explain what to do before anything is known."""
        self._redraw()

    def run_changed(self, data: RunData | None) -> None:
        """Do nothing: the marked runs matter here, not the selected one."""

    def cursor_moved(self, t: float | None) -> None:
        """Follow the shared cursor, a step, unless steps are counted from grok steps."""
        super().cursor_moved(None if self._by_grok else t)

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Share the cursor, unless it counts from grok steps: then it is no step that other tabs could show."""
        if self._by_grok:
            message.stop()
        else:
            super().on_cursor_moved(message)

    def marks_changed(self) -> None:
        marked = {str(path) for path in self.shell.marked}
        self._runs = tuple(run for run in self._runs if run.path in marked)
        self._redraw()
        self.ask()

    def settings_changed(self) -> None:
        self._redraw()
        self.ask()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_align_by(self) -> None:
        self._by_grok = not self._by_grok
        self._redraw()

    def action_next_source(self) -> None:
        self._fixed = not self._fixed
        self._redraw()

    def tasks(self) -> tuple[str, ...]:
        """Return the tasks of all compared runs."""
        return tuple(dict.fromkeys(task for run in self._runs for task in run.tasks))

    def action_mark_all(self) -> None:
        for row in self.shell.rows:
            if row.path not in self.shell.marked:
                self.shell.toggle_mark(row.path)

    @property
    def has_answer(self) -> bool:
        return bool(self._runs)

    # --- asking ------------------------------------------------------------------------------------------------------

    def missing(self) -> Job | None:
        """Return the question about all marked runs, in the state in which the table knows them."""
        marked = self.shell.marked
        if not marked:
            return None
        rows = {row.path: (row.last_t, row.state) for row in self.shell.rows}
        stamp = str([rows.get(path) for path in marked])
        job = CompareJob(str(marked[0]), stamp, self.shell.settings, tuple(map(str, marked)))
        return None if job == self._answered else job

    def take(self, job: Job, value: Any, final: bool) -> None:
        assert isinstance(job, CompareJob)
        if not final and same_question(job, self._answered):
            return  # a run grew: what is shown is better than less of a few steps more
        self._runs = tuple(value)
        self._answered = job if final else self._answered
        self._redraw()

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        self.keep_task()
        task = self.features_of
        source = Source(FIXED_GRADIENT, task).name if self._fixed and task is not None else UPDATE
        by = "by grok step" if self._by_grok else "by step"
        own = [KeyEntry("o", by, "align_by", self), KeyEntry("s", source, "next_source", self)]
        self.show_settings([*own, KeyEntry("T", task or "no task", "next_task", self)])
        if not self._runs:
            self.explain(_HOW_TO if not self.shell.marked else "Reading the marked runs …")
            return
        self.explain("")
        if task is None:
            self.panel("accuracy", ChartPane).chart = Chart(title="No marked run has a task")
            self.panel("coupling", ChartPane).chart = Chart(title="No marked run has a probe")
        else:
            self.panel("accuracy", ChartPane).chart = accuracy_chart(self._runs, task, self._by_grok)
            self.panel("coupling", ChartPane).chart = coupling_chart(self._runs, source, task, self._by_grok)
        self._fill(lines(self._runs, task or ""))
        self.cursor_moved(self.shell.cursor)

    def _fill(self, table_lines: tuple[ComparisonLine, ...]) -> None:
        table = self._table()
        row = table.cursor_row
        table.clear()
        for line in table_lines:
            style = "bold" if line.is_group else ""
            letter, name, *rest = line.cells
            cells = [Text(cell, style, no_wrap=True) for cell in (letter, shortened(name, _NAME), *rest)]
            if line.run_index is not None:
                cells[0].stylize(f"bold {OKABE_ITO[hue(line.run_index)]}")
            table.add_row(*cells)
        if table_lines:
            table.move_cursor(row=min(row, len(table_lines) - 1))

    def text_to_copy(self) -> str | None:
        """Return the table where it has the keys or stands alone."""
        if self._runs and (self.app.focused is self._table() or self.shown_view == "table"):
            heads = tuple(column.title for column in COLUMNS)
            table_lines = lines(self._runs, self.features_of or "")
            return "\n".join("\t".join(cells) for cells in (heads, *(line.cells for line in table_lines))) + "\n"
        return super().text_to_copy()

    def _table(self) -> DataTable[Text]:
        return self.panel("table", DataTable)
