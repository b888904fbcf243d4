"""A tab that shows an analysis: the keys of its settings, the line that shows them, and asking the worker.

Decides which key changes which setting, and that a question that failed or was cancelled is not asked again by itself.
A subclass says what it lacks (`missing`) and takes answers (`take`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from recorders.errors import UsageError
from sedscope.analysis.settings import Kind, SettingRow, setting_rows
from sedscope.tui.data.analysis_settings import changed
from sedscope.tui.tabs.panels import PanelTab
from sedscope.tui.widgets.key_bars import KeyEntry, SettingsBar
from sedscope.tui.widgets.prompts import Prompt
from sedscope.tui.widgets.quiet_static import QuietStatic
from sedscope.tui.worker.jobs import Job

PATIENCE = 5.0
"""Seconds between two questions about a run that grows."""
OLD = "as before; computing …"
"""The words beside a picture of other settings while the new one is computed."""
_ORDER = {"counts": 0, "choice": 1}
_ROWS = sorted(
    (row for row in setting_rows() if row.viewer is not None), key=lambda row: _ORDER.get(row.kind, len(_ORDER))
)
"""Settings with a key, in the order of the line: W and K, then words, then other numbers."""


def _action(row: SettingRow) -> str:
    return f"turn('{row.name}')" if row.kind == "choice" else f"ask_for('{row.name}')"


def setting_keys(*kinds: Kind) -> list[BindingType]:
    """Return the keys of the settings of these kinds; of all where none is given."""
    return [
        Binding(key.key, _action(row), key.label, show=key.in_footer, tooltip=key.tooltip)
        for row in _ROWS
        if (key := row.viewer) is not None and (not kinds or row.kind in kinds)
    ]


class AnalysisTab(PanelTab):
    """Panels below a line of settings."""

    DEFAULT_CSS = "AnalysisTab #provenance { width: auto; height: 1; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *setting_keys(),
        Binding("T", "next_task", "Task", show=False, tooltip="Features of the next task"),
        Binding("A", "again", "Ask again", show=False, tooltip="Compute what failed or was cancelled"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.features_of: str | None = None
        """The task whose features are looked at."""
        self.pending: Job | None = None
        """What the worker is working at for this tab."""
        self._number = 0
        """Of that job: ends of jobs that it replaced are heard too."""
        self._n_parts = 0
        self._refused: tuple[Job, str] | None = None
        """What failed or was cancelled, and why."""

    def compose(self) -> ComposeResult:
        yield SettingsBar(id="settings")
        yield from super().compose()

    def head(self) -> list[Widget]:
        """Make the words beside the views: what the picture was computed from."""
        return [QuietStatic(id="provenance")]

    def show_provenance(self, text: str) -> None:
        """Say in a few words how the picture stands to the settings above it."""
        self.query_one("#provenance", QuietStatic).say(Content.styled(text, "$foreground 60%"))

    def missing(self) -> Job | None:
        """Return the question to ask next; None where everything is there."""
        raise NotImplementedError

    def take(self, job: Job, value: Any, final: bool) -> None:
        """Take an answer to a job of `missing`."""
        raise NotImplementedError

    @property
    def has_answer(self) -> bool:
        """True where anything is known of what the tab shows."""
        raise NotImplementedError

    def refused(self, reason: str) -> None:
        """Say the reason in the place of the picture, or in a line where there is one."""
        if self.has_answer:
            self.shell.say(reason, "warning")
        else:
            self.explain(reason)

    def ask(self) -> None:
        """Ask for what is missing, where it was not refused before."""
        job = self.missing() if self.display and self._has_widgets else None
        if job is None or same_question(job, self.pending):
            return
        if self._refused is not None and self._refused[0] == job:
            self.refused(self._refused[1])
            return
        answer = self.shell.answer_to(job)
        if answer is not None and answer[1]:
            self.take(job, *answer)
            self.ask()
            return
        self.pending = job
        self._number = self.shell.request(job, self.NAME)

    def settings_changed(self) -> None:
        self.ask()

    def shown(self) -> None:
        super().shown()
        self.ask()

    def job_answered(self, number: int, value: Any, final: bool) -> None:
        if self.pending is not None and number == self._number and self._has_widgets:
            self.take(self.pending, value, final)

    def job_ended(self, number: int, error: str | None, cancelled: bool) -> None:
        """Go on with what is still missing, or say why nothing comes."""
        job = self.pending
        if job is None or number != self._number or not self._has_widgets:
            return
        self.pending = None
        reason = error or ("Cancelled: A asks again." if cancelled else "")
        if not reason and self.missing() == job:
            reason = "No answer came: A asks again."
        if reason:
            self._refused = (job, reason)
            self.refused(reason)
        elif same_question(self.missing(), job):
            self.set_timer(PATIENCE, self.ask)  # the run grew meanwhile
        else:
            self.ask()

    def tasks(self) -> tuple[str, ...]:
        return () if self.shell.data is None else self.shell.data.tasks

    def keep_task(self) -> None:
        """Keep the task as long as there is one of its name."""
        tasks = self.tasks()
        self.features_of = self.features_of if self.features_of in tasks else next(iter(tasks), None)

    def action_next_task(self) -> None:
        """Look at the features of the next task."""
        tasks = self.tasks()
        if self.features_of in tasks:
            self.features_of = tasks[(tasks.index(self.features_of) + 1) % len(tasks)]
            self.settings_changed()

    @property
    def _has_widgets(self) -> bool:
        """True while the tab has its widgets: an answer may come while the viewer ends and takes them away."""
        return self.is_attached and 0 < self._n_parts == len(self.children)

    def on_mount(self) -> None:
        """Count the parts."""
        self._n_parts = len(self.children)

    def action_again(self) -> None:
        self._refused = None
        self.ask()

    def action_turn(self, name: str) -> None:
        """Set the other value of a setting that has two."""
        now, values = getattr(self.shell.settings, name), list(_row(name).choices)
        self.shell.set_settings(changed(self.shell.settings, name, values[now == values[0]]))

    def action_ask_for(self, name: str) -> None:
        """Ask for a setting that is a number, say what is wrong with it, and set it."""
        now = getattr(self.shell.settings, name)
        value = "all" if now is None else str(now[0] if isinstance(now, tuple) else now)

        def check(answer: str) -> str | None:
            try:
                changed(self.shell.settings, name, _number(name, answer))
            except UsageError as error:
                return str(error)
            except ValueError:
                return f"a whole number is required, found {answer!r}"
            return None

        def take(answer: str | None) -> None:
            if answer is not None:
                self.shell.set_settings(changed(self.shell.settings, name, _number(name, answer)))

        key = _row(name).viewer
        self.app.push_screen(Prompt(name if key is None else key.question, value=value, check=check), take)

    def show_settings(self, own: Sequence[KeyEntry]) -> None:
        """Show the settings of the analysis and what this tab adds to them."""
        several = [self._shown(row) for row in _ROWS if row.kind == "counts"]
        others = [self._shown(row) for row in _ROWS if row.kind != "counts"]
        self.query_one("#settings", SettingsBar).show((*several, *own, *others))

    def _shown(self, row: SettingRow) -> KeyEntry:
        assert row.viewer is not None
        value = getattr(self.shell.settings, row.name)
        text = row.word(value[0] if isinstance(value, tuple) else value)
        return KeyEntry(row.viewer.key, f"{text} {row.viewer.unit}".rstrip(), _action(row), self)


def same_question(job: Job | None, other: Job | None) -> bool:
    """Return whether two jobs ask the same of two states of a run: a run that grows must not stop its own analysis."""
    if job is None or other is None or type(job) is not type(other):
        return False
    return job == replace(other, stamp=job.stamp)


def _number(name: str, answer: str) -> int | None:
    return None if _row(name).kind == "count or all" and answer == "all" else int(answer)


def _row(name: str) -> SettingRow:
    return next(row for row in _ROWS if row.name == name)
