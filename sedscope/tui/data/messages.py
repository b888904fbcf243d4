"""Messages of background work to the screen: dataclasses alone; whoever handles one owns what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from sedscope.tui.data.snapshot import RunData, RunRow
from sedscope.tui.worker.events import Event


@dataclass
class RunsListed(Message):
    """The runs that there are now, in the order of their names."""

    rows: tuple[RunRow, ...]
    problems: tuple[str, ...]
    """Why a path gave no run."""


@dataclass
class RowChanged(Message):
    """More is known of one run, or it grew."""

    row: RunRow


@dataclass
class RunLoaded(Message):
    """The run that was asked for was read, or grew."""

    data: RunData


@dataclass
class RunUnreadable(Message):
    """The run that was asked for cannot be read."""

    path: Path
    reason: str


@dataclass
class WorkerSpoke(Message):
    """Something from the analysis process."""

    event: Event
