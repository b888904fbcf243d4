"""The reading thread: the only one that touches run directories while the screen is up.

Decides how often a folder is looked at again and what is read first. It posts messages and owns the open runs; it never
touches a widget. NumPy and polars are imported here, after the first paint. Whatever goes wrong with one run is a
reason beside its name: the thread goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from textual.message import Message

from recorders.format import STATE_DAMAGED
from sedscope.tui.data.snapshot import RunData, RunRow
from sedscope.tui.terminal.error_text import error_line

if TYPE_CHECKING:
    from sedscope.runs import Run

POLL_SECONDS: Final = 1.0
"""Seconds between two looks at the selected run: a run that grows is seen to grow."""
LIST_SECONDS: Final = 4.0
"""Seconds between two looks at all runs; longer, since each goes through every folder."""


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


class Reader:
    """Reads runs in the background. `post` must be safe to call from any thread."""

    def __init__(self, paths: Sequence[Path], post: Callable[[Message], object]) -> None:
        self._paths = tuple(paths)
        self._post = post
        self._orders: SimpleQueue[Path | None] = SimpleQueue()
        self._next_list = 0.0
        self._runs: dict[Path, Run] = {}
        self._rows: dict[Path, RunRow] = {}
        self._problems: tuple[str, ...] = ()
        self._selected: Path | None = None
        self._has_grown = False
        """True where the selected run holds more than the screen was told of."""
        self._unfinished: list[Path] = []
        self._thread = Thread(target=self._work, name="reader", daemon=True)

    def start(self) -> None:
        """Begin with listing the runs."""
        self._thread.start()

    def select(self, path: Path) -> None:
        """Read this run as soon as possible, and follow it while it grows."""
        self._orders.put(path)

    def add_path(self, path: Path) -> None:
        """Look for runs here too, and soon."""
        self._paths = tuple(dict.fromkeys((*self._paths, path)))
        self._next_list = 0.0

    def stop(self) -> None:
        """End soon; a read that is under way is not waited for."""
        self._orders.put(None)

    def _work(self) -> None:
        while True:
            if monotonic() >= self._next_list:
                self._next_list = monotonic() + LIST_SECONDS
                self._list()
            order = self._next_order()
            if order is None:
                return
            if order:
                self._select(order[-1])
            elif self._unfinished:
                self._complete(self._unfinished.pop(0))
            else:
                self._follow()

    def _next_order(self) -> list[Path] | None:
        """Return the runs requested meanwhile, after a second none; None to stop. The latest alone matters."""
        requested: list[Path] = []
        patience = 0.0 if self._unfinished else POLL_SECONDS
        while True:
            try:
                path = self._orders.get(timeout=patience) if patience and not requested else self._orders.get_nowait()
            except Empty:
                return requested
            if path is None:
                return None
            requested.append(path)

    # --- all runs ----------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """Look for runs; tell where anything is new."""
        paths, problems = self._run_paths()
        before = dict(self._rows)
        self._rows = {path: self._row(path) for path in paths}
        self._runs = {path: run for path, run in self._runs.items() if path in self._rows}
        changed = [path for path, row in self._rows.items() if before.get(path) != row]
        if changed or list(before) != paths or problems != self._problems or not before:
            self._problems = problems
            self._post(RunsListed(tuple(self._rows.values()), problems))
        open_ones = [path for path in self._rows if path in self._runs]
        self._unfinished = [path for path in open_ones if self._rows[path].size is None or path in self._unfinished]

    def _run_paths(self) -> tuple[list[Path], tuple[str, ...]]:
        paths: dict[Path, None] = {}
        problems = []
        for path in self._paths:
            try:
                from sedscope.runs.find import run_paths

                paths |= dict.fromkeys(run_paths(path))
            except Exception as error:  # noqa: BLE001 - see the module
                problems.append(error_line(error))
        return list(paths), tuple(problems)

    def _row(self, path: Path) -> RunRow:
        """Return the line of a run as it is now: the one that was there where nothing changed."""
        from sedscope.runs.find import RunOrError, open_or_error
        from sedscope.tui.data.listing import row_of

        before, run = self._rows.get(path), self._runs.get(path)
        try:
            if run is None or before is None:
                opened = open_or_error(path)
                if opened.run is not None:
                    self._runs[path] = opened.run
                return row_of(opened)
            if not run.refresh():
                return before
            self._has_grown = self._has_grown or path == self._selected
            if path not in self._unfinished:
                self._unfinished.append(path)
            # Size and grok steps stay until they are known anew.
            return replace(row_of(RunOrError(path, run, None)), size=before.size, grok=before.grok)
        except Exception as error:  # noqa: BLE001 - see the module
            from sedscope.runs.text import printable

            self._runs.pop(path, None)
            return RunRow(path, printable(path.name or str(path)), STATE_DAMAGED, reason=error_line(error))

    def _complete(self, path: Path) -> None:
        """Find out about one run what takes longer."""
        from sedscope.tui.data.listing import complete

        run, row = self._runs.get(path), self._rows.get(path)
        if run is None or row is None:
            return
        try:
            self._tell(complete(row, run))
        except Exception as error:  # noqa: BLE001 - see the module
            self._tell(replace(row, state=STATE_DAMAGED, reason=error_line(error), size=0, grok=()))

    def _tell(self, row: RunRow) -> None:
        if row != self._rows.get(row.path):
            self._rows[row.path] = row
            self._post(RowChanged(row))

    # --- the selected run --------------------------------------------------------------------------------------------

    def _select(self, path: Path) -> None:
        self._selected = path
        if path not in self._rows:
            self._rows[path] = self._row(path)
        self._load(path)

    def _load(self, path: Path) -> None:
        from sedscope.tui.data.listing import data_of

        self._has_grown = False
        run, row = self._runs.get(path), self._rows[path]
        if run is None:
            self._post(RunUnreadable(path, row.reason))
            return
        try:
            self._post(RunLoaded(data_of(run, row)))
        except Exception as error:  # noqa: BLE001 - see the module
            self._post(RunUnreadable(path, error_line(error)))

    def _follow(self) -> None:
        """Pick up what a recorder appended to the selected run."""
        path = self._selected
        if path is not None and path in self._runs:
            self._tell(self._row(path))
            if self._has_grown:
                self._load(path)
