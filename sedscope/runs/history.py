"""The one history that a run with several sessions has.

Decides which session's rows, weights and scalars count at which t. A resumed session names its parent and the t at
which it goes on. The history is the way from the first session to the latest one that committed anything: where steps
repeat, the later session counts, and what its parent recorded from there on belongs to a trajectory that was left.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from sedscope.runs.damage import Damage, Note
from sedscope.runs.files.folder import FileStamp
from sedscope.runs.files.journal_lines import ProbeLine, ProgramLine, ShardLine, TensorFile, WeightsLine
from sedscope.runs.session_journal import SessionJournal

FOREVER = sys.maxsize


class Stretch(NamedTuple):
    """The t for which one session counts: start ≤ t < stop."""

    session: SessionJournal
    start: int
    stop: int

    def holds(self, t: int) -> bool:
        """Return whether t lies in it."""
        return self.start <= t < self.stop


@dataclass
class RowIndex:
    """The positions of one source's rows, ascending in t. Three lists, because a run can have a million rows."""

    t: list[int] = field(default_factory=list)
    shard: list[int] = field(default_factory=list)
    """Position in `History.shards`."""
    row: list[int] = field(default_factory=list)
    """Position in the source's tensor there."""


@dataclass
class History:
    """The rows, weights, programs and probes that count, in the order of t."""

    stretches: list[Stretch] = field(default_factory=list)
    rows: dict[str, RowIndex] = field(default_factory=dict)
    """By source."""
    weights: dict[int, TensorFile] = field(default_factory=dict)
    shards: list[tuple[Stretch, ShardLine]] = field(default_factory=list)
    programs: dict[str, ProgramLine] = field(default_factory=dict)
    probes: dict[str, ProbeLine] = field(default_factory=dict)
    """By task; the latest counts."""
    stamps: dict[str, FileStamp] = field(default_factory=dict)
    """State of every file in the run's folders when it was opened, by name."""

    def mark(self, file: TensorFile) -> list[Any]:
        """Return JSON that is another one for another file: its checksum, which can be forged, and its stamp."""
        return [file.header_crc, self.stamps.get(file.name)]

    @property
    def recorded(self) -> list[int]:
        """Every t that has a row or weights, ascending."""
        return sorted(set(self.weights).union(*(index.t for index in self.rows.values())))


def trace(sessions: Sequence[SessionJournal]) -> tuple[list[Stretch], list[Damage], list[Note]]:
    """Return the stretches from the first session to the latest one, and the damage and notes about them."""
    by_number = {session.number: session for session in sessions}
    damage: list[Damage] = []
    for head in sorted(sessions, key=lambda session: -session.number):
        if head.last_t is None and head.number > 1:
            continue
        broken, chain = _chain(head, by_number)
        if broken is None:
            return (stretches := _stretches(chain)), damage, list(_notes(stretches, sessions))
        if not _parent_is_damaged(broken, by_number):  # else that damage is the one to name
            first_t = broken.opening.first_t if broken.opening else None
            damage.append(Damage(broken.name, "broken parent pointer", first_t))
    return [], damage, []


def cut_at(damage: Sequence[Damage], stretches: Sequence[Stretch]) -> int:
    """Return the first t that some damage takes away: what lies before it is the good prefix."""
    stops = {stretch.session.number: stretch.stop for stretch in stretches}
    latest = max(stops, default=0)

    def matters(t: int, session: int | None) -> bool:
        """Return whether what is lost from t on counted; what a later session repeated did not.

        A session outside the history was left before the latest one began, or is a later one that lost everything.
        """
        if session is None:
            return True
        return t < stops[session] if session in stops else session > latest

    losses = ((entry.t, entry.session) for entry in damage)
    return min((t for t, session in losses if t is not None and matters(t, session)), default=FOREVER)


def build(stretches: list[Stretch], cut: int) -> History:
    """Return the history that the stretches hold before t = `cut`."""
    history = History(stretches)
    for stretch in (Stretch(session, start, min(stop, cut)) for session, start, stop in stretches):
        for line in stretch.session.lines:
            if isinstance(line, ShardLine):
                _add_shard(history, stretch, line)
            elif isinstance(line, WeightsLine) and stretch.holds(line.t):
                history.weights[line.t] = line.file
            elif isinstance(line, ProgramLine):
                history.programs[line.name] = line
            elif isinstance(line, ProbeLine):
                history.probes[line.task] = line
    return history


def _add_shard(history: History, stretch: Stretch, line: ShardLine) -> None:
    number = len(history.shards)
    history.shards.append((stretch, line))
    for source, steps in line.rows.items():
        first, stop = bisect_left(steps, stretch.start), bisect_left(steps, stretch.stop)
        if first < stop:
            index = history.rows.setdefault(source, RowIndex())
            index.t.extend(steps[first:stop])
            index.shard.extend([number] * (stop - first))
            index.row.extend(range(first, stop))


def _chain(
    head: SessionJournal, by_number: Mapping[int, SessionJournal]
) -> tuple[SessionJournal | None, list[SessionJournal]]:
    """Return the session with a broken parent pointer (None without one), and the sessions from the first to `head`."""
    chain = [head]
    while chain[-1].opening is not None and (parent := chain[-1].opening.parent) is not None:
        number, t = parent
        if number >= chain[-1].number or number not in by_number or t != chain[-1].opening.first_t:
            return chain[-1], []
        if by_number[number].opening is None:
            return chain[-1], []
        chain.append(by_number[number])
    return None, chain[::-1]


def _parent_is_damaged(session: SessionJournal, by_number: Mapping[int, SessionJournal]) -> bool:
    parent = session.opening.parent if session.opening else None
    return parent is not None and parent[0] in by_number and by_number[parent[0]].damage is not None


def _stretches(chain: Sequence[SessionJournal]) -> list[Stretch]:
    starts = [session.opening.first_t if session.opening else 0 for session in chain]
    # A session that went back before its parent's start takes the parent out: min over all later starts.
    stops = [*accumulate(reversed(starts[1:]), min, initial=FOREVER)][::-1]
    return [Stretch(*entry) for entry in zip(chain, starts, stops, strict=True)]


def _notes(stretches: Sequence[Stretch], sessions: Sequence[SessionJournal]) -> Iterator[Note]:
    for before, after in pairwise(stretches):
        yield _resumed(before, after)
    yield from _lost(stretches)
    counted = {stretch.session.number for stretch in stretches}
    for session in sessions:
        if session.number not in counted:
            why = "committed nothing" if session.last_t is None else "belongs to a trajectory that was left"
            yield Note("resume", f"session {session.number} {why} and is set aside", None, session.number)


def _resumed(before: Stretch, after: Stretch) -> Note:
    repeated = {t for line in before.session.lines for t in _recorded(line) if t >= before.stop}
    message = f"session {after.session.number} goes on from session {before.session.number} at t = {after.start}"
    if repeated:
        message += (
            f"; {len(repeated)} recorded steps of session {before.session.number} "
            f"(t = {min(repeated)} … {max(repeated)}) are set aside: the later session counts"
        )
    return Note("resume", message, after.start, after.session.number)


def _lost(stretches: Sequence[Stretch]) -> Iterator[Note]:
    """Yield a note where a session's rows begin more than the cadence after those of the session before it."""
    last: tuple[int, SessionJournal] | None = None
    for stretch in stretches:
        lines = (line for line in stretch.session.lines if isinstance(line, ShardLine))
        recorded = {t for line in lines for t in _recorded(line) if stretch.holds(t)}
        if not recorded:
            continue
        every = stretch.session.every
        if last is not None and (first := min(recorded)) - last[0] > every:
            message = (
                f"rows are missing between t = {last[0]}, the last of session {last[1].number}, and t = {first}, the"
                f" first of session {stretch.session.number}: further apart than the cadence of {every}"
            )
            yield Note("resume", message, first, stretch.session.number)
        last = max(recorded), stretch.session


def _recorded(line: object) -> Iterator[int]:
    if isinstance(line, WeightsLine):
        yield line.t
    elif isinstance(line, ShardLine):
        for steps in line.rows.values():
            yield from steps
