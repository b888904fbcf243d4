"""The two lines at the top: the tabs, and the run that they are about with the step cursor and the progress of work."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from sedscope.tui.data.snapshot import SIGNS, STYLES
from sedscope.tui.tabs import TABS
from sedscope.tui.widgets.clickable_line import Action, ClickableLine

if TYPE_CHECKING:
    from sedscope.tui.app.jobs_board import JobProgress
    from sedscope.tui.data.snapshot import RunData

_BRAND = " sedscope "
_SHORT = 3
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

StyledText = tuple[str, str]
"""Text and its style."""


class TabBar(ClickableLine):
    """The names of the tabs with their keys; a click shows one."""

    DEFAULT_CSS = "TabBar { background: $panel; color: $text-muted; }"

    def __init__(self) -> None:
        super().__init__()
        self._active = ""

    def show(self, name: str) -> None:
        """Mark a tab as the one that is shown."""
        self._active = name
        self.refresh()

    def words(self) -> Iterator[tuple[Content, Action]]:
        """Yield the brand where there is room, whole names where they fit, else short ones beside the active tab's."""
        names, action = [tab.name for tab in TABS], "show_tab"
        labels = names if _length(names) <= self.size.width else [self._short(name) for name in names]
        if _length(labels) + len(_BRAND) <= self.size.width:
            yield Content.styled(_BRAND, "bold $primary"), (("", action, (names[0],)), self.app)
        for index, (name, label) in enumerate(zip(names, labels, strict=True)):
            key_style, style = ("bold $background on $primary",) * 2 if name == self._active else ("$primary", "")
            word = Content.styled(f" {index + 1} ", key_style) + Content.styled(f"{label} ", style)
            yield word, (("", action, (name,)), self.app)

    def _short(self, name: str) -> str:
        return name if name == self._active else set_cell_size(name, _SHORT)


def _length(labels: list[str]) -> int:
    return sum(4 + cell_len(label) for label in labels)


class RunLine(Widget):
    """The line about the selected run: its name, its state, the step cursor, and what is being computed."""

    DEFAULT_CSS = """
    RunLine { height: 1; background: $surface; color: $text; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._left: tuple[StyledText, ...] = ()
        self._right: tuple[StyledText, ...] = ()

    def show(self, left: tuple[StyledText, ...], right: tuple[StyledText, ...]) -> None:
        """Show texts with their styles; what has no room at the end of `left` is left out."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        room = self.size.width - sum(cell_len(text) for text, _ in self._right)
        parts: list[Content] = []
        for index, (text, style) in enumerate(self._left):
            size = cell_len(text)
            if size > room and index > 1:
                break
            shown = text if size <= room else set_cell_size(text, max(room, 0))
            parts.append(Content.styled(shown, style))
            room -= cell_len(shown)
        parts.append(Content(" " * max(room, 0)))
        parts += [Content.styled(text, style) for text, style in self._right]
        return Content("").join(parts)


def run_texts(data: RunData | None, cursor: float | None, problem: str = "") -> tuple[StyledText, ...]:
    """Return (text, style) of what is known of the selected run."""
    if data is None:
        return ((f" {problem}", "$error"),) if problem else ((" no run selected", "$foreground 60%"),)
    parts: list[StyledText] = [
        (f" {SIGNS.get(data.state, '')} ", STYLES.get(data.state, "")),
        (f"{data.name} ", "bold"),
        (f" {data.state} ", STYLES.get(data.state, "")),
    ]
    if cursor is not None:
        parts.append((f" t = {cursor:,.0f} ", "bold $accent"))
    if data.steps:
        parts.append((f" recorded {data.steps[0]:,} to {data.steps[-1]:,} ", "$foreground 60%"))
    parts.append((f" P = {data.manifest.P:,} ", "$foreground 60%"))
    return tuple(parts)


def job_texts(job: JobProgress | None, room: int) -> tuple[StyledText, ...]:
    """Return (text, style) of the job that is being done."""
    if job is None:
        return ()
    coarse = " (preview shown)" if job.coarse and room > 70 else ""
    spin = _SPINNER[int(monotonic() * 2) % len(_SPINNER)]
    return ((f" {spin} {job.text(room)}{coarse}", "$accent"), (" x cancels ", "$foreground 60%"))
