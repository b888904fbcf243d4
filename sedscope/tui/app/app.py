"""The viewer: tabs, the selected run, the shared step cursor, and whom a message is for.

Owns all state that more than one tab shows, and changes it in message handlers alone. What a tab shows is the tab's
business; reading is the reader's, computing the worker's. Nothing here imports NumPy, polars or torch.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from sedscope.tui.app.framed_app import FramedApp
from sedscope.tui.app.help_screen import HelpScreen, help_lines
from sedscope.tui.app.jobs_board import JobsBoard
from sedscope.tui.app.palette_commands import Commands
from sedscope.tui.app.preferences import Options, Remembered, remember
from sedscope.tui.app.tab_host import TabHost
from sedscope.tui.app.tabbar import RunLine, TabBar, job_texts, run_texts
from sedscope.tui.data import analysis_settings
from sedscope.tui.data.cursor_steps import jump_targets, wrong_step
from sedscope.tui.data.reader import Reader, RowChanged, RunLoaded, RunsListed, RunUnreadable
from sedscope.tui.plot.cursor import CURSOR_KEYS
from sedscope.tui.tabs import TABS, entry
from sedscope.tui.widgets.key_bars import KeyBar
from sedscope.tui.widgets.prompts import Prompt
from sedscope.tui.worker.client import WorkerClient
from sedscope.tui.worker.events import Answered, Event, Finished, Progressed

if TYPE_CHECKING:
    from sedscope.analysis.settings import Settings
    from sedscope.tui.data.snapshot import RunData, RunRow
    from sedscope.tui.tabs.tab import Tab
    from sedscope.tui.worker.jobs import Job


@dataclass
class WorkerSpoke(Message):
    """Something came from the analysis process."""

    event: Event


class Viewer(FramedApp):
    """`sedscope view`."""

    COMMANDS: ClassVar[set[Any]] = {Commands}
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        *(Binding(str(i + 1), f"show_tab('{tab.name}')", tab.name, show=False) for i, tab in enumerate(TABS)),
        Binding("g", "jump", "Go to step", tooltip="Jump to a step, or to the grok step of a task"),
        Binding("x", "cancel", "Cancel work", show=False, tooltip="Give up what is being computed"),
        Binding("n", "next_run(1)", "Next run", show=False),
        Binding("p", "next_run(-1)", "Previous run", show=False),
        Binding("t", "change_theme", "Theme", show=False),
        *CURSOR_KEYS,
        Binding("colon", "command_palette", "All actions", key_display=":"),
    ]

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.settings, problem = analysis_settings.settings_from(self.preferences.analysis, self.remembered.analysis)
        self.complaints += [problem] if problem else []
        self.rows: tuple[RunRow, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.listed = False
        """True once the runs were looked for."""
        self.marked: tuple[Path, ...] = ()
        self.data: RunData | None = None
        self.run_problem = ""
        """Why the selected run cannot be read."""
        self.cursor: float | None = None
        self.selected: Path | None = None
        """The run that is shown, or will be when it was read."""
        self._reader = Reader(options.paths, self.post_message)
        self._worker = WorkerClient(lambda event: self.post_message(WorkerSpoke(event)))
        self._board = JobsBoard(self._worker)
        self._host = TabHost(self)

    # --- the screen --------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield TabBar()
        yield RunLine()
        yield self._host
        yield KeyBar()
        yield self.too_small()

    async def on_mount(self) -> None:
        """Show a tab at once, then begin to read."""
        await self._show(self._first_tab())
        if self.tab is None:
            await self._show(TABS[0].name)
        self.leave_on_signals()
        self.set_interval(0.5, self._tick)
        self.call_after_refresh(self._reader.start)
        for line in self.complaints:
            self.say(line, "warning")

    @property
    def tab(self) -> Tab | None:
        return self._host.tab

    @property
    def is_idle(self) -> bool:
        """True where nothing is being computed."""
        return self._board.current is None

    # --- what tabs may ask -------------------------------------------------------------------------------------------

    def select_run(self, path: Path) -> None:
        if path != self.selected:
            self.selected = path
            self._reader.select(path)

    def add_path(self, path: Path) -> None:
        self._reader.add_path(path)

    def toggle_mark(self, path: Path) -> None:
        others = tuple(marked_path for marked_path in self.marked if marked_path != path)
        self.marked = others if len(others) < len(self.marked) else (*self.marked, path)
        self._host.tell("marks")

    def set_cursor(self, t: float | None) -> None:
        if t != self.cursor:
            self.cursor = t
            self._host.tell("cursor")
            self._update_run_line()

    def set_settings(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self._host.tell("settings")

    def go_to(self, tab: str) -> None:
        self.call_later(self._show, tab)

    def request(self, job: Job, owner: str) -> int:
        return self._board.request(job, owner)

    def answer_to(self, job: Job) -> tuple[Any, bool] | None:
        return self._board.answer_to(job)

    # --- messages ----------------------------------------------------------------------------------------------------

    def on_runs_listed(self, message: RunsListed) -> None:
        """Take the list of runs; the first one chooses a run."""
        self.rows, self.problems, self.listed = message.rows, message.problems, True
        paths = {row.path for row in self.rows}
        self.marked = tuple(path for path in self.marked if path in paths)
        if self.selected is None and self.rows:
            self.select_run(self.rows[0].path)
        self._host.tell("marks")

    def on_row_changed(self, message: RowChanged) -> None:
        self.rows = tuple(message.row if row.path == message.row.path else row for row in self.rows)
        self._host.tell("marks")
        if self.data is not None and self.data.path == message.row.path and self.data.size != message.row.size:
            self.data = replace(self.data, size=message.row.size)
            self._host.tell("run")

    def on_run_loaded(self, message: RunLoaded) -> None:
        """Take the selected run, new or grown. The cursor stays where it was put, on another run too."""
        if message.data.path == self.selected:
            self.data, self.run_problem = message.data, ""
            self._host.tell("run")
            self._update_run_line()

    def on_run_unreadable(self, message: RunUnreadable) -> None:
        """Drop the selected run; its reason stands in the table and in every tab."""
        if message.path == self.selected:
            self.data, self.run_problem = None, message.reason
            self._host.tell("run")
            self._update_run_line()

    def on_worker_spoke(self, message: WorkerSpoke) -> None:
        """Hand an event to the tab that asked, where it is still there."""
        event = message.event
        tab = self._host.tab_named(self._board.take(event) or "")
        if isinstance(event, Finished) or (isinstance(event, Progressed) and event.done <= 1):
            self._update_run_line()
        if tab is None or not tab.is_attached:
            return
        with self._host.lines_for_errors():
            if isinstance(event, Answered):
                tab.job_answered(event.number, event.value, event.final)
            elif isinstance(event, Finished):
                tab.job_ended(event.number, event.error, event.cancelled)

    # --- actions -----------------------------------------------------------------------------------------------------

    async def action_show_tab(self, name: str) -> None:
        await self._show(name)

    def action_help(self) -> None:
        tab = self._host.tab
        if tab is None:
            return
        lines = help_lines(self.screen, tab)
        self.push_screen(HelpScreen(tab.NAME, tab.PAGE, lines))

    def action_jump(self) -> None:
        """Ask for a step; the grok steps stand ready."""
        if self.data is None or not self.data.steps:
            self.say("no run with recorded steps is selected", "warning")
            return
        first, last = self.data.steps[0], self.data.steps[-1]
        question = f"Go to step ({first} to {last})"
        self.push_screen(
            Prompt(question, choices=jump_targets(self.data), check=wrong_step),
            lambda answer: self.set_cursor(float(answer)) if answer else None,
        )

    def action_cancel(self) -> None:
        """Give up everything that is being computed."""
        count = self._board.cancel_all()
        self.say("cancelled; finished pieces are kept" if count else "nothing is being computed")

    def action_next_run(self, direction: int) -> None:
        paths = [row.path for row in self.rows]
        if self.selected in paths:
            index = min(max(paths.index(self.selected) + direction, 0), len(paths) - 1)
            self.select_run(paths[index])

    def action_step(self, count: int) -> None:
        """Move the cursor by recorded steps, where no plot has the keys."""
        from sedscope.tui.plot.moves import next_step

        t = next_step(self.data.steps if self.data is not None else (), self.cursor, count)
        if t is not None:
            self.set_cursor(t)

    def action_leap(self, direction: int) -> None:
        """Move the cursor by a tenth of them."""
        self.action_step(direction * max(len(self.data.steps) // 10 if self.data is not None else 0, 1))

    def action_end(self, direction: int) -> None:
        if self.data is not None and self.data.steps:
            self.set_cursor(float(self.data.steps[-1 if direction > 0 else 0]))

    async def action_quit(self) -> None:
        """End; what is to be remembered is written."""
        self.exit()

    async def on_unmount(self) -> None:
        """Whatever ended the viewer: nothing of it stays behind."""
        self._reader.stop()
        self._worker.close()
        if (takeaway := sys.modules.get("sedscope.tui.exports.takeaway")) is not None:
            takeaway.end_all()
        state = Remembered(self._host.active or None, self.theme_to_remember(), analysis_settings.plain(self.settings))
        remember(self.options.state_file, state)

    # --- private -----------------------------------------------------------------------------------------------------

    def _first_tab(self) -> str:
        candidates = (entry(name) for name in (self.options.tab, self.remembered.tab) if name is not None)
        return next((tab.name for tab in candidates if tab is not None), TABS[0].name)

    async def _show(self, name: str) -> None:
        if await self._host.show(name):
            self.query_one(TabBar).show(name)

    def _tick(self) -> None:
        """Draw progress: twice a second, however often it is reported."""
        if self._board.current is not None:
            self._update_run_line()

    def _update_run_line(self) -> None:
        left = run_texts(self.data, self.cursor, self.run_problem)
        right = job_texts(self._board.current, self.size.width // 2)
        for line in self.base_widgets(RunLine):
            line.show(left, right)
