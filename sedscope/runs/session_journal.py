"""The journal of one recording session, read as far as it is whole, and read on while it grows.

Decides which lines count: those before the first that is damaged. How sessions make one history is left to `history`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

from recorders.errors import DamagedError, RefusedError
from recorders.format import MAX_JOURNAL_LINE, NOTES_AS_DATA
from recorders.row_sources import parse_source
from recorders.store.journal import decode_line, journal_name
from recorders.store.tensorfile import pread
from sedscope.runs.damage import Damage, Note
from sedscope.runs.files.folder import RunFolder
from sedscope.runs.files.journal_lines import (
    EndLine,
    Line,
    NoteLine,
    SessionLine,
    ShardLine,
    WeightsLine,
    parse_line,
    span,
)

_CHUNK = 1 << 20
"""Bytes read at a time: a long journal is never in memory as a whole."""
_WEIGHTS = "weights"  # no row source has this name
_MAX_JOURNAL = 1 << 30
"""A recorded t takes some 200 bytes; a journal beyond this is none."""


class SessionJournal:
    """The journal lines of one recording session; `poll` reads what was appended since.

    Attributes:
        number: its number, from 1.
        every: steps between recorded t.
        lines: what counts, in order; the opening line is `opening`.
        damage: the first thing wrong in its journal, or None.
    """

    def __init__(self, folder: RunFolder, number: int, every: int) -> None:
        self.number = number
        self.name = journal_name(number)
        self.opening: SessionLine | None = None
        self.lines: list[Line] = []
        self.damage: Damage | None = None
        self._folder = folder
        self.every = every
        self._offset = 0
        self._next = 0
        self._torn = b""
        self._last: dict[str, int] = {}
        self._noted: list[int] = []
        """The t of notes that may explain a gap, ascending."""

    @property
    def end(self) -> EndLine | None:
        """Its end line; None where it was not closed."""
        return self.lines[-1] if self.lines and isinstance(self.lines[-1], EndLine) else None

    @property
    def torn(self) -> bool:
        """True where the journal ends in the middle of a line: the recorder was killed there, or is writing it now."""
        return bool(self._torn)

    @property
    def last_t(self) -> int | None:
        """The last t of its rows, weights and scalars; None where it committed none."""
        return max((ends[1] for line in self.lines if (ends := span(line)) is not None), default=None)

    def notes(self) -> Iterator[Note]:
        """Yield the notes of its recorder."""
        for line in self.lines:
            if isinstance(line, NoteLine):
                yield Note(line.about, line.message, line.t, self.number)

    def poll(self) -> bool:
        """Read what was appended; return whether anything new counts.

        Raises:
            RefusedError: a line is whole but must not be believed, or the journal is beyond every cap.
        """
        if self.damage is not None:
            return False
        before = len(self.lines), self.opening
        try:
            with self._folder.open(self.name) as (fd, size):
                self._read(fd, size)
        except DamagedError as error:
            self.damage = Damage(self.name, self._folder.reason(error, self.name), self._lost_from(), self.number)
        return (len(self.lines), self.opening) != before or self.damage is not None

    def _read(self, fd: int, size: int) -> None:
        where = self._folder.where(self.name)
        if size < self._offset + len(self._torn):
            raise DamagedError(f"{where}: became shorter while it was read")
        if size > _MAX_JOURNAL:
            raise RefusedError(f"{where}: must not exceed {_MAX_JOURNAL} bytes, found {size}")
        rest = b""
        at = self._offset
        while at < size:
            rest += pread(fd, min(_CHUNK, size - at), at, where)
            at = min(at + _CHUNK, size)
            *complete, rest = rest.split(b"\n")
            if at >= size and not rest and complete and _is_unsynced(complete[-1]):
                rest = complete.pop() + b"\n"
            for line in complete:
                self._take(line, f"{where} line {self._next + 1}")
                self._offset += len(line) + 1
            if len(rest) > MAX_JOURNAL_LINE:
                raise RefusedError(f"{where}: a line must not exceed {MAX_JOURNAL_LINE} bytes")
        self._torn = rest
        self._check_torn(where)

    def _check_torn(self, where: str) -> None:
        """Raise `DamagedError` for an end that is not the beginning of a line, or what a power cut left of it."""
        beginning = b'{"n":%d,' % self._next
        head = self._torn.partition(b"\0")[0]
        if not (head.startswith(beginning) or beginning.startswith(head)):
            raise DamagedError(f"{where}: ends in bytes that no recorder wrote")

    def _take(self, text: bytes, where: str) -> None:
        value = decode_line(text, where)
        if value.get("n") != self._next:
            raise DamagedError(f"{where}: line {self._next} of the session is missing")
        line = parse_line(value, where)
        self._next += 1
        if isinstance(line, SessionLine) != (self._next == 1):
            raise DamagedError(f"{where}: a journal must begin with one session line")
        if self.end is not None:
            raise DamagedError(f"{where}: a line after the end of the session")
        if isinstance(line, SessionLine):
            if line.session != self.number:
                raise DamagedError(f"{where}: session {line.session} in the journal of session {self.number}")
            self.opening = line
        elif line is not None:
            self._check_steps(line, where)
            self.lines.append(line)
            if isinstance(line, NoteLine) and line.t is not None and line.about not in NOTES_AS_DATA:
                insort(self._noted, line.t)

    def _check_steps(self, line: Line, where: str) -> None:
        steps_of = line.rows if isinstance(line, ShardLine) else {}
        if isinstance(line, WeightsLine):
            steps_of = {_WEIGHTS: (line.t,)}
        for source, steps in steps_of.items():
            self._check_ascending(source, steps, where)
        self._last.update((source, steps[-1]) for source, steps in steps_of.items() if steps)

    def _check_ascending(self, source: str, steps: tuple[int, ...], where: str) -> None:
        """Raise `DamagedError` for steps that do not ascend, or leave some out where no note says why."""
        before = self._last.get(source, -1)
        for t in steps:
            if t == before:
                raise DamagedError(f"{where}: duplicate step: {source} at t = {t}")
            if t < before:
                raise DamagedError(f"{where}: steps must ascend: {source} at t = {t} after {before}")
            if before >= 0 and t - before > self.every and _is_gapless(source) and not self._explained(before, t):
                raise DamagedError(f"{where}: gap in the steps: {source} has t = {t} after {before}")
            before = t

    def _explained(self, before: int, t: int) -> bool:
        after = bisect_right(self._noted, before)
        return after < len(self._noted) and self._noted[after] <= t

    def _lost_from(self) -> int | None:
        """Return the first t whose rows a lost line may have held; weights are committed ahead of their rows."""
        if self.opening is None:
            return None
        rows = [last for source, last in self._last.items() if source != _WEIGHTS]
        last = max(rows, default=self.last_t)
        return self.opening.first_t if last is None else last + 1


def _is_unsynced(line: bytes) -> bool:
    """Return whether a last line has zeros where blocks never reached the disk: a recorder's lines hold none.

    Each line is synced before the next is written, so a power cut can leave this of the last one alone.
    """
    return b"\0" in line


def _is_gapless(source: str) -> bool:
    # A task can be left out of a step; the gradient, the update and the stages exist at every one.
    parsed = parse_source(source)
    return parsed is not None and parsed.task is None
