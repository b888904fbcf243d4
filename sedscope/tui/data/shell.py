"""The viewer as a tab and its exports see it: run, shared cursor, jobs, a line to the user.

A protocol, so that a tab can be tried under another app, and so that no tab imports the app.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from sedscope.analysis.settings import Settings
    from sedscope.tui.data.snapshot import RunData, RunRow
    from sedscope.tui.plot.data import Look
    from sedscope.tui.worker.jobs import Job

Severity = Literal["information", "warning", "error"]


class Shell(Protocol):
    """The viewer, as a tab sees it. Every method returns at once."""

    data: RunData | None
    """The selected run as it was last read; None before that."""
    selected: Path | None
    """The path of the selected run, also before it was read."""
    run_problem: str
    """Why the selected run cannot be read; "" where it can, or was not tried yet."""
    rows: tuple[RunRow, ...]
    """All runs, in the order of their names."""
    listed: bool
    """True once the runs were looked for."""
    problems: tuple[str, ...]
    """Why a path gave no run."""
    marked: tuple[Path, ...]
    """The runs that are marked to be compared, in the order in which they were marked."""
    cursor: float | None
    """The step cursor that all tabs share."""
    settings: Settings
    """The settings that analyses are asked with."""

    @property
    def look(self) -> Look | None:
        """The look that plot widgets are made with: None lets them ask the terminal, `--ascii` decides otherwise."""

    @property
    def state_folder(self) -> Path:
        """The folder in which the viewer keeps what it remembers."""

    def select_run(self, path: Path) -> None:
        """Show another run; `run_changed` follows when it was read."""

    def add_path(self, path: Path) -> None:
        """List the runs of another folder too."""

    def toggle_mark(self, path: Path) -> None:
        """Mark a run to be compared, or no longer."""

    def set_cursor(self, t: float | None) -> None:
        """Put the shared cursor; every tab follows."""

    def set_settings(self, settings: Settings) -> None:
        """Change the settings; `settings_changed` follows in every tab."""

    def go_to(self, tab: str) -> None:
        """Show another tab, by its name."""

    def request(self, job: Job, owner: str) -> int:
        """Have a job done; `job_answered` and `job_ended` of the tab named `owner` follow.

        A job that this tab asked for and that is still under way is given up, unless it is equal.
        """

    def answer_to(self, job: Job) -> tuple[Any, bool] | None:
        """Return the latest answer to an equal job and whether it is final, where it is still kept."""

    def copy_to_clipboard(self, text: str) -> None:
        """Hand text to the terminal's clipboard."""

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> object:
        """Call back on the viewer's own thread; raises `RuntimeError` where the viewer ended meanwhile."""

    def say(self, text: str, severity: Severity = "information") -> None:
        """Show a line at the top of the screen that goes away by itself."""
