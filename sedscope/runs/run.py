"""`Run`: one run directory as everybody above this package sees it.

Decides nothing of its own: it holds the readers together, keeps them up to date with a recorder that is still writing,
and cuts the history at the first damage, so that what is readable is always a good prefix.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recorders.errors import RefusedError, TooLittleDataError, UsageError
from recorders.format import (
    MAX_TASKS,
    NOTES_AS_DATA,
    ORDERLY_ENDS,
    STATE_CRASHED,
    STATE_DAMAGED,
    STATE_FINISHED,
    STATE_NOT_BEGUN,
    STATE_RECORDING,
)
from recorders.row_sources import current_name, parse_source
from sedscope.runs.damage import Damage, Note
from sedscope.runs.derived import DERIVATIONS
from sedscope.runs.directory import Directory
from sedscope.runs.files.journal_lines import TensorFile, committed
from sedscope.runs.files.tensors import TensorStore
from sedscope.runs.history import History
from sedscope.runs.probe import Probe, read_chance, read_constants, read_probe, read_program
from sedscope.runs.rows import Columns, Floats, Steps, positions, read_rows, read_selected, read_weights, stored_steps
from sedscope.runs.scalars import Series, all_series, frame
from sedscope.runs.text import printable

if TYPE_CHECKING:
    import polars

_IDENTITY_KINDS = ("manifest", "rows", "weights", "scalars", "probe", "program")


class Run:
    """A run directory, open for reading; nothing in it is ever executed, and no file stays open between calls.

    Every text is printable. Arrays are new and the caller's own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._series: dict[str, Series] | None = None
        self._attach(Directory(path))

    @property
    def name(self) -> str:
        """The run's own name, or that of its folder."""
        return self.manifest.name or printable(self.path.resolve().name)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task: those in the manifest, then those that came later, in the order in which they came."""
        later = [note.message for note in self._directory.notes if note.about == "task"]
        parsed = [parse_source(source) for source in self.history.rows]
        stored = [source.task for source in parsed if source is not None and source.task is not None]
        return tuple(dict.fromkeys([*self.manifest.tasks, *later, *self.history.probes, *stored]))

    @property
    def state(self) -> str:
        """`recording`, `finished`, `crashed`, `not begun` or `damaged`.

        Crashed: neither ended nor being written, or ended by an exception. Not begun: no session wrote its first line.
        """
        if self.damage:
            return STATE_DAMAGED
        if self.holder is not None:
            return STATE_RECORDING
        if not any(session.opening for session in self.sessions):
            return STATE_NOT_BEGUN
        return STATE_FINISHED if self.end_reason in ORDERLY_ENDS else STATE_CRASHED

    @property
    def end_reason(self) -> str | None:
        """Why the latest session that began ended: finished, exception, interrupted …; None where it did not."""
        begun = [session for session in self.sessions if session.opening is not None or session.damage is not None]
        end = begun[-1].end if begun else None
        return None if end is None else end.reason

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the recorder, then those of this reader."""
        return tuple(note for note in self._directory.notes if note.about not in ("task", *NOTES_AS_DATA))

    @property
    def last_t(self) -> int | None:
        """The last t of which anything is known."""
        ends = ((stretch.session.last_t, stretch.stop) for stretch in self.history.stretches)
        return max((min(last, stop - 1) for last, stop in ends if last is not None), default=None)

    @property
    def good(self) -> tuple[int, int] | None:
        """First and last recorded t that are readable; None where there is none."""
        recorded = self.history.recorded
        return (recorded[0], recorded[-1]) if recorded else None

    def refresh(self) -> bool:
        """Pick up what a recorder wrote since; return whether anything changed."""
        if self._directory.replaced():
            self._attach(Directory(self.path))
            return True
        changed = self._directory.poll()
        if changed:
            self._update()
        return changed

    def verify(self, progress: Callable[[int], None] | None = None) -> tuple[Damage, ...]:
        """Read every committed byte, compare it with its CRC, and return all damage known afterwards.

        Args:
            progress: called with the number of bytes after every file.
        """
        from sedscope.runs.verify import find_damage

        self._directory.unreadable += find_damage(self._directory, self._tensors, progress)
        self._update()
        return self.damage

    def sources(self) -> tuple[str, ...]:
        """Return the full names of all sources: the stored ones, then those derived from the weights."""
        stored = self.history.rows
        derived = (name for name, derivation in DERIVATIONS.items() if derivation.exists(self))
        return tuple(dict.fromkeys((*stored, *derived)))

    def is_stored(self, source: str) -> bool:
        """Return whether the source's rows stand in the shards; otherwise the weights give them."""
        return current_name(source) in self.history.rows

    def steps(self, source: str) -> Steps:
        """Return the recorded t `[n]`, ascending, that have a row of `source`.

        Raises:
            TooLittleDataError: the run has no rows at all.
            UsageError: there is no such source; the known ones are listed.
        """
        source = self._checked_source(source)
        if self.is_stored(source):
            return stored_steps(self.history.rows[source])
        return DERIVATIONS[source].steps(self)

    def rows(
        self, source: str, steps: Sequence[int] | Steps | None = None, columns: slice | None = None
    ) -> NDArray[np.floating]:
        """Read rows `[n, P']` of `source`; nothing else of the run is read.

        Args:
            source: a full name from `sources`.
            steps: recorded t, each of which must have a row; None for all.
            columns: a slice of the P columns, with step 1; None for all.

        Raises:
            TooLittleDataError: the run has no rows at all.
            UsageError: unknown source, or a step without a row.
            DamagedError: these rows are not what was written; afterwards the run ends before them.
        """
        source = self._checked_source(source)
        recorded = self.steps(source)
        t = recorded if steps is None else np.asarray(steps, dtype=np.int64)
        positions(source, recorded, t)
        span = _columns(columns, self.manifest.P)
        if self.is_stored(source):
            return read_rows(self._tensors, self.manifest, self.history, source, t, span)
        return DERIVATIONS[source].rows(self, t, slice(span[0], sum(span)))

    def scalars(self) -> polars.DataFrame:
        """Return every scalar as one long frame with the columns `t`, `name`, `value`."""
        return frame(self._scalars())

    def scalar_names(self) -> tuple[str, ...]:
        """Return the names of all scalars."""
        return tuple(self._scalars())

    def scalar(self, name: str) -> Series:
        """Return one scalar: t `[m]`, ascending, and value `[m]`; raises `UsageError` for an unknown name."""
        series = self._scalars()
        if name not in series:
            raise UsageError(f"scalar: {name!r} is not recorded; known: {', '.join(series) or 'none'}")
        return series[name]

    def weight_steps(self) -> Steps:
        """Return the recorded t `[n]`, ascending, with a stored state."""
        return np.array(list(self.history.weights), dtype=np.int64)

    def weights(self, t: int, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
        """Read the state at t by state-dict name; bfloat16 comes as float32, which holds all its values."""
        return read_weights(self._tensors, self.history.weights[self._checked_step(t)], names)

    def selected(self, t: int, columns: slice | None = None) -> Floats:
        """Read the selected parameters at t, flattened in the order of a row: `[P']`."""
        file = self.history.weights[self._checked_step(t)]
        return read_selected(self._tensors, file, self.manifest, _columns(columns, self.manifest.P))

    def probe(self, task: str) -> Probe | None:
        """Read the probes of a task; None where the script gave none."""
        line = self.history.probes.get(task)
        return None if line is None else read_probe(self._tensors, line)

    def chance(self, task: str) -> float | None:
        """Return the accuracy of guessing at a task, as its probe tells it; None where it does not."""
        line = self.history.probes.get(task)
        return None if line is None else read_chance(self._tensors, line)

    def program(self, name: str) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """Read a feature program's JSON and its constants, for `recorders.program`, which validates both.

        Raises:
            UsageError: there is no such program.
            DamagedError: it is not what was written.
        """
        if name not in self.history.programs:
            names = ", ".join(self.history.programs) or "none"
            raise UsageError(f"program: {name!r} is not in the run; known: {names}")
        line = self.history.programs[name]
        return read_program(self._directory.folder, line), read_constants(self._tensors, line)

    def identity(self, kind: str, name: str | None = None, steps: Sequence[int] | Steps | None = None) -> str:
        """Return a digest of what a result depends on: equal as long as the same files would be read.

        It reads no file: the CRCs in the journals and the files' stamps stand for the bytes. A copy has another digest.

        Args:
            kind: `manifest`, `rows` (of source `name`), `weights`, `scalars`, `probe` (of task `name`) or
                `program` (`name`).
            name: what the kind needs.
            steps: for rows and weights, the recorded t that matter; None for all.
        """
        if kind == "manifest":
            return self._directory.text_digest
        if kind == "rows" and name is not None:
            name = current_name(name)
        if kind == "rows" and name is not None and steps is None:
            steps = self.steps(name)
        chosen_steps = None if steps is None else [int(t) for t in steps]
        derivation = DERIVATIONS.get(name) if kind == "rows" and name is not None and not self.is_stored(name) else None
        if derivation is not None and chosen_steps is not None:
            return _digest(kind, name, chosen_steps, derivation.dependencies(self, chosen_steps))
        return _stored_identity(self.history, kind, name, chosen_steps)

    def _attach(self, directory: Directory) -> None:
        self._directory = directory
        self._tensors = TensorStore(directory.folder)
        self._shard_scalars: dict[TensorFile, dict[str, Series]] = {}
        self._update()

    def _update(self) -> None:
        self.manifest = self._directory.manifest
        self.holder = self._directory.holder
        """The live recorder of the run, or None."""
        self.sessions = tuple(self._directory.sessions)
        """The recording sessions, oldest first."""
        self.damage = tuple(self._directory.damage)
        """Everything that is wrong so far; opening looks at names, sizes and journals, `verify` at every byte."""
        self.history: History = self._directory.history()
        """Where everything that counts is stored, in the order of t."""
        self._series = None
        if (count := len(self.tasks)) > MAX_TASKS:
            raise RefusedError(
                f"{self._directory.folder.shown}: at most {MAX_TASKS:,} tasks are allowed, found {count:,}"
            )

    def _scalars(self) -> dict[str, Series]:
        if self._series is None:
            self._series = all_series(self._tensors, self.history, self._shard_scalars)
        return self._series

    def _checked_source(self, source: str) -> str:
        """Return today's name of a source, which earlier versions may have called otherwise."""
        name, sources = current_name(source), self.sources()
        if not sources:
            raise TooLittleDataError(f"{self._directory.folder.shown}: no committed rows yet")
        if name not in sources:
            raise UsageError(f"source: {source!r} is not recorded; known: {', '.join(sources)}")
        return name

    def _checked_step(self, t: int) -> int:
        positions("weights", self.weight_steps(), np.array([t], dtype=np.int64))
        return t


def _columns(columns: slice | None, size: int) -> Columns:
    start, stop, step = (columns or slice(None)).indices(size)
    if step != 1:
        raise UsageError(f"columns: must be a slice with step 1, found step {step}")
    return start, max(0, stop - start)


def _digest(*dependencies: Any) -> str:
    """Return the SHA-256 over JSON values."""
    return hashlib.sha256(json.dumps(dependencies).encode()).hexdigest()


def _stored_identity(history: History, kind: str, name: str | None, steps: list[int] | None) -> str:
    """Return a digest of what `kind` and `name` stand for; raises `UsageError` where nothing of the kind is stored."""
    return _digest(kind, name, _dependencies(history, kind, name, steps))


def _dependencies(history: History, kind: str, name: str | None, steps: list[int] | None) -> Any:
    if kind == "scalars":
        return [[history.mark(line.file), start, stop] for (_, start, stop), line in history.shards if line.scalars]
    if kind == "weights":
        return _weight_marks(history, set(history.weights) if steps is None else set(steps))
    if kind == "rows" and name in history.rows and steps is not None:
        return _row_marks(history, name, steps)
    if kind == "probe" and name in history.probes:
        return [history.mark(history.probes[name].file), history.probes[name].meta.value]
    if kind == "program" and name in history.programs:
        line = history.programs[name]
        return [history.mark(file) for file, _ in committed(line)]
    raise UsageError(f"identity: no {kind!r} {name!r} in the run; kinds: {', '.join(_IDENTITY_KINDS)}")


def _weight_marks(history: History, steps: set[int]) -> list[Any]:
    return [[t, history.mark(file)] for t, file in history.weights.items() if t in steps]


def _row_marks(history: History, source: str, steps: list[int]) -> Any:
    index = history.rows[source]
    indices = positions(source, stored_steps(index), np.asarray(steps, dtype=np.int64))
    marks = [history.mark(history.shards[index.shard[i]][1].file) for i in indices]
    return [[t, mark, index.row[i]] for t, mark, i in zip(steps, marks, indices, strict=True)]
