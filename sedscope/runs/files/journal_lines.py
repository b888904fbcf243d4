"""The kinds of journal lines as frozen dataclasses.

Decides what each kind must hold. That a line is whole (CRC) is decided in `recorders.store.journal`, how lines follow
each other in `session_journal`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recorders.errors import RefusedError
from recorders.format import (
    LINE_END,
    LINE_NOTE,
    LINE_PROBE,
    LINE_PROGRAM,
    LINE_SESSION,
    LINE_SHARD,
    LINE_WEIGHTS,
)
from recorders.row_sources import current_name
from sedscope.runs.files.members import Members
from sedscope.runs.text import printable, printable_json


@dataclass(frozen=True, slots=True)
class TensorFile:
    """A tensor file that a line commits."""

    name: str
    size: int
    """Bytes."""
    header_crc: int


@dataclass(frozen=True, slots=True)
class SessionLine:
    """The first line of a journal."""

    session: int
    run_crc: int
    first_t: int
    parent: tuple[int, int] | None
    """Session and t that this one goes on from."""
    pid: int
    host: str
    started: str


@dataclass(frozen=True, slots=True)
class ShardLine:
    """A committed shard."""

    file: TensorFile
    rows: Mapping[str, tuple[int, ...]]
    """Recorded t by today's name of the source, ascending."""
    scalars: tuple[int, int] | None
    """First and last t of its scalars."""


@dataclass(frozen=True, slots=True)
class WeightsLine:
    """A committed state of the model."""

    t: int
    file: TensorFile


@dataclass(frozen=True, slots=True)
class ProgramLine:
    """A committed feature program and the tensors that it names."""

    name: str
    file: str
    size: int
    file_crc: int
    constants: TensorFile | None


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """A committed pool of probes."""

    task: str
    file: TensorFile
    meta: Members


@dataclass(frozen=True, slots=True)
class NoteLine:
    """Something that the recorder wanted a reader to know."""

    about: str
    message: str
    t: int | None


@dataclass(frozen=True, slots=True)
class EndLine:
    """The orderly end of a session."""

    reason: str
    t: int


Line = SessionLine | ShardLine | WeightsLine | ProgramLine | ProbeLine | NoteLine | EndLine


def committed(line: Line) -> list[tuple[TensorFile, int | None]]:
    """Return every file that a line commits, with the first recorded t that depends on it.

    A program's JSON is given as a tensor file too; only its name and size are meant.
    """
    match line:
        case ShardLine() | WeightsLine():
            return [(line.file, None if (ends := span(line)) is None else ends[0])]
        case ProbeLine():
            return [(line.file, None)]
        case ProgramLine(constants=constants):
            text = TensorFile(line.file, line.size, line.file_crc)
            return [(file, None) for file in (text, constants) if file is not None]
    return []


def span(line: Line) -> tuple[int, int] | None:
    """Return the first and the last t of which a line commits rows, weights or scalars; None where it has none."""
    if isinstance(line, WeightsLine):
        return line.t, line.t
    if not isinstance(line, ShardLine):
        return None
    ends = [t for steps in line.rows.values() if steps for t in (steps[0], steps[-1])] + list(line.scalars or ())
    return (min(ends), max(ends)) if ends else None


def parse_line(value: dict[str, Any], where: str) -> Line | None:
    """Return the line behind its members; None for a kind that this version does not know.

    Raises:
        RefusedError: a member is not what it must be (a step that is a bool, a file name that leads elsewhere).
    """
    members = Members(value, where)
    parse = _KINDS.get(members.text("kind"))
    return None if parse is None else parse(members)


def _file(members: Members) -> TensorFile:
    return TensorFile(members.file("file"), members.integer("size"), members.integer("header_crc"))


def _session(members: Members) -> SessionLine:
    parent = members.object("parent") if members.has("parent") else None
    return SessionLine(
        session=members.integer("session", 1),
        run_crc=members.integer("run_crc"),
        first_t=members.integer("first_t"),
        parent=None if parent is None else (parent.integer("session", 1), parent.integer("t")),
        pid=members.integer("pid"),
        host=members.text("host"),
        started=members.text("started"),
    )


def _shard(members: Members) -> ShardLine:
    steps = members.object("rows")
    rows = {current_name(printable(source)): steps.integers(source) for source in steps.value}
    if len(rows) != len(steps.value):
        raise RefusedError(f"{steps.where}: two sources have the same name")
    if not members.has("scalars"):
        return ShardLine(_file(members), rows, None)
    ends = members.integers("scalars")
    if len(ends) != 2 or ends[0] > ends[1]:
        members.refuse("scalars", "a first and a last t")
    return ShardLine(_file(members), rows, (ends[0], ends[1]))


def _program(members: Members) -> ProgramLine:
    constants = _file(members.object("constants")) if members.has("constants") else None
    size, crc = members.integer("size"), members.integer("file_crc")
    return ProgramLine(members.text("name"), members.file("file"), size, crc, constants)


def _probe(members: Members) -> ProbeLine:
    meta = members.object("meta")
    return ProbeLine(members.text("task"), _file(members), Members(printable_json(meta.value), meta.where))


_KINDS: dict[str, Callable[[Members], Line]] = {
    LINE_SESSION: _session,
    LINE_SHARD: _shard,
    LINE_WEIGHTS: lambda members: WeightsLine(members.integer("t"), _file(members)),
    LINE_PROGRAM: _program,
    LINE_PROBE: _probe,
    LINE_NOTE: lambda members: NoteLine(
        members.text("about"), members.message("message"), members.integer("t") if members.has("t") else None
    ),
    LINE_END: lambda members: EndLine(members.text("reason"), members.integer("t")),
}
