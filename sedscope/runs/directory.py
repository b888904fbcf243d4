"""The state of a run directory right now: its manifest, its sessions, and the files that are there.

Decides what opening a run looks at (names, sizes and journals, no tensor) and where damage cuts the history. Contents
are left to `tensors` and `verify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from recorders.errors import NotARunError, RefusedError
from recorders.format import (
    JOURNAL_DIR,
    MAX_RUN_JSON,
    PART_SUFFIX,
    PROBE_DIR,
    PROGRAM_DIR,
    RUN_FILE,
    SHARD_DIR,
    WEIGHTS_DIR,
)
from recorders.store.journal import journal_name, session_number
from recorders.store.lock import Holder, holder
from sedscope.runs.damage import Damage, Note
from sedscope.runs.files.folder import FileStamp, MissingError, RunFolder
from sedscope.runs.files.journal_lines import ShardLine, WeightsLine, committed, span
from sedscope.runs.history import History, build, cut_at, trace
from sedscope.runs.manifest import parse_manifest
from sedscope.runs.session_journal import SessionJournal
from sedscope.runs.text import printable

_MOST_MISSING = 100
"""Journals that may be missing before a run is refused; fewer are damage, each with its line."""
_ELEMENT_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_DATA_FOLDERS = (SHARD_DIR, WEIGHTS_DIR, PROGRAM_DIR, PROBE_DIR)


class Directory:
    """The state of a run directory at the last `poll`.

    Raises:
        NotARunError: no run that this version reads.
        RefusedError: something in it must not be opened or believed.
        DamagedError: `run.json` itself is not readable.
    """

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        text = self._run_json()
        self._stamp = self.folder.stamp(RUN_FILE)
        self.manifest = parse_manifest(text, self.folder.shown)
        self.text_digest = hashlib.sha256(text).hexdigest()
        self.sessions: list[SessionJournal] = []
        self.holder: Holder | None = None
        self._crc = crc32(text)
        self.unreadable: list[Damage] = []
        """Damage that showed when files were read."""
        self._listed: list[Damage] = []
        self._listed_notes: list[Note] = []
        self._stamps: dict[str, FileStamp] = {}
        self.missing_weights: set[str] = set()
        """Checkpoints that are not there, which is only noted."""
        self.poll()

    @property
    def damage(self) -> list[Damage]:
        """Everything wrong that is known, without repetition."""
        journals = [session.damage for session in self.sessions if session.damage is not None]
        return list(dict.fromkeys([*journals, *self._listed, *self.unreadable]))

    @property
    def notes(self) -> list[Note]:
        """The notes of the recorders, then those of this reader."""
        noted = [note for session in self.sessions for note in session.notes()]
        return [*noted, *self._listed_notes, *self._torn_notes()]

    def replaced(self) -> bool:
        """Return whether another run took the place of this one."""
        return self.folder.stamp(RUN_FILE) != self._stamp

    def poll(self) -> bool:
        """Read what was appended and look at the files; return whether anything changed."""
        # The lock first: a recorder that ends in between has then written its end line before we read the journal.
        before = self.holder
        self.holder = holder(self.folder.path)
        changed = self._poll_sessions() or self.holder != before
        if changed or not self.sessions:
            self._look()
        return changed

    def history(self) -> History:
        """Return the history that counts, up to the first damage."""
        stretches, _, _ = trace(self.sessions)
        history = build(stretches, cut_at(self.damage, stretches))
        history.stamps = self._stamps
        unusable = self.missing_weights | {damage.file for damage in self.damage}
        history.weights = {t: file for t, file in history.weights.items() if file.name not in unusable}
        return history

    def _run_json(self) -> bytes:
        if not self.folder.exists():
            raise NotARunError(f"{self.folder.shown}: no such folder")
        try:
            return self.folder.read(RUN_FILE, MAX_RUN_JSON)
        except MissingError as error:
            raise NotARunError(f"{self.folder.shown}: not a run (no {RUN_FILE})") from error

    def _poll_sessions(self) -> bool:
        numbers = {number for name in self.folder.stamps(JOURNAL_DIR) if (number := session_number(name)) is not None}
        before, last = len(self.sessions), max(numbers, default=0)
        if last > len(numbers) + _MOST_MISSING:
            where = self.folder.where(journal_name(last))
            raise RefusedError(f"{where}: sessions must be numbered without gaps, found {len(numbers)} journals in all")
        for number in range(before + 1, last + 1):
            self.sessions.append(SessionJournal(self.folder, number, self.manifest.recording.every))
        polled = [session.poll() for session in self.sessions]
        return any(polled) or len(self.sessions) > before

    def _look(self) -> None:
        """Compare the files that are there with those that the journals name."""
        self._stamps = {
            f"{folder}/{name}": stamp for folder in _DATA_FOLDERS for name, stamp in self.folder.stamps(folder).items()
        }
        sizes = {name: stamp.size for name, stamp in self._stamps.items()}
        _, damage, notes = trace(self.sessions)
        self.missing_weights = set()
        for session in self.sessions:
            for file, t in (entry for line in session.lines for entry in committed(line)):
                size, is_weights = sizes.get(file.name), file.name.startswith(f"{WEIGHTS_DIR}/")
                if size is None and is_weights:
                    self.missing_weights.add(file.name)
                    message = f"{file.name} is missing: no checkpoint at t = {t}"
                    notes.append(Note("weights", message, t, session.number))
                elif size != file.size:
                    reason = "missing" if size is None else f"must have {file.size} bytes, found {size}"
                    damage.append(Damage(file.name, reason, None if is_weights else t, session.number))
            damage += self._too_small(session)
            if session.opening is not None and session.opening.run_crc != self._crc:
                damage.append(Damage(RUN_FILE, f"not the one that session {session.number} wrote: CRC mismatch", None))
        if self.holder is None:
            unfinished = [name for name in sizes if name.endswith(PART_SUFFIX)]
            notes += [Note("part", f"{printable(name)} was not finished and does not count") for name in unfinished]
        self._listed, self._listed_notes = damage, notes

    def _too_small(self, session: SessionJournal) -> Iterator[Damage]:
        """Yield a file that cannot hold what is said of it: nothing of size P is made for a P that nobody recorded."""
        selected = self.manifest.selected
        state_bytes = sum(parameter.size * _ELEMENT_BYTES.get(parameter.dtype, 0) for parameter in selected)
        row_bytes = self.manifest.P * _ELEMENT_BYTES[self.manifest.row_dtype]
        for line in session.lines:
            if isinstance(line, ShardLine) and line.file.size < (
                least := row_bytes * sum(map(len, line.rows.values()))
            ):
                ends = span(line)
                reason = f"must have at least {least} bytes for its rows, found {line.file.size}"
                yield Damage(line.file.name, reason, ends and ends[0], session.number)
            if isinstance(line, WeightsLine) and line.file.size < state_bytes:
                reason = f"must have at least {state_bytes} bytes for the selected parameters, found {line.file.size}"
                yield Damage(line.file.name, reason, None, session.number)

    def _torn_notes(self) -> Iterator[Note]:
        for session in self.sessions:
            live = self.holder is not None and session is self.sessions[-1]
            if session.torn and not live:
                message = f"{session.name}: the last line was not finished and does not count"
                yield Note("torn", message, None, session.number)
