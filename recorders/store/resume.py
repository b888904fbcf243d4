"""The decision which session a resumed one goes on from, and whether it may.

Decides what must be the same for rows of two sessions to be pooled. Reading a run for analysis is left to
`sedscope.runs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from recorders import format
from recorders.errors import DamagedError, RefusedError
from recorders.store import strictjson
from recorders.store.journal import decode_line, journal_name, session_number
from recorders.store.regular_file import is_real_folder, read_regular, regular_lines

_NEW_OPTIMIZER = "anew"


class CountLead(NamedTuple):
    """The lead of the optimizer's own count of steps over t, from one t on."""

    t: int
    steps: int
    """How far the count is ahead of t; negative where steps without a gradient were not counted."""
    of_new_optimizer: bool = False
    """True where it is the count of another optimizer than before."""

    @property
    def completed(self) -> int:
        """Return the optimizer's count at this t."""
        return self.t + self.steps

    def count_before(self, then: CountLead) -> int:
        """Return where this count ends, given the next one: one optimizer goes on from the count that it had."""
        return then.t + self.steps if then.of_new_optimizer else then.completed

    @property
    def message(self) -> str:
        """Return the text of a note."""
        return f"{self.steps} {_NEW_OPTIMIZER}" if self.of_new_optimizer else str(self.steps)


_PARAMETER = ("name", "shape", "dtype", "selected", "offset")


def plan_resume(
    path: Path, text: bytes, manifest: Mapping[str, Any], first_t: int
) -> tuple[int, dict[str, int] | None]:
    """Return the number of the new session and its parent pointer `{"session", "t"}`.

    The parent is the latest session that got as far as `first_t`; where none did (the last rows died with their
    recorder), the one that got furthest. None where no session committed anything.

    Raises:
        RefusedError: the manifest differs from the run's where rows would no longer compare.
    """
    with _foreign_values(path):
        _check_same(path, strictjson.loads(text, format.RUN_FILE), manifest)
        reach = {number: _last_t(journal) for number, journal in _journals(path).items()}
    session = max(reach, default=0) + 1
    committed = {number: last for number, last in reach.items() if last is not None}
    if not committed:
        return session, None
    furthest = max(committed, key=lambda number: (committed[number], number))
    parent = max((number for number, last in committed.items() if last >= first_t), default=furthest)
    return session, {"session": parent, "t": first_t}


def earlier_counts(path: Path) -> tuple[list[CountLead], int | None]:
    """Return how far the optimizer's count was ahead of t, by ascending t, and the last t committed, None without one.

    A session that went back to an earlier t takes the place of what was said from there on.
    """
    journals = list(_journals(path).values())
    leads = [CountLead(0, 0)]
    with suppress(OSError, RefusedError):  # no run to go on with is said where the run is opened
        begun = strictjson.loads(read_regular(path / format.RUN_FILE, format.MAX_RUN_JSON), format.RUN_FILE)
        leads = [CountLead(0, count) for count in [begun.get(format.STEPS_BEFORE)] if isinstance(count, int)] or leads
    with _foreign_values(path):
        for lead in chain.from_iterable(_count_leads(line) for journal in journals for line in _good_lines(journal)):
            while leads and leads[-1].t >= lead.t:
                leads.pop()
            leads.append(lead)
        last_steps = [last for journal in journals if (last := _last_t(journal)) is not None]
    return leads, max(last_steps, default=None)


def _journals(path: Path) -> dict[int, Path]:
    """Return the journals of a run by the numbers of their sessions, ascending."""
    folder = path / format.JOURNAL_DIR
    names = [entry.name for entry in folder.iterdir()] if is_real_folder(folder) else []
    numbers = sorted(number for name in names if (number := session_number(name)) is not None)
    return {number: path / journal_name(number) for number in numbers}


@contextmanager
def _foreign_values(path: Path) -> Iterator[None]:
    """Turn what becomes of values that no recorder wrote into `RefusedError`: each line is whole, not its meaning."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RefusedError(
            f"{path}: holds values that no recorder wrote ({type(error).__name__}: {error!s:.80})"
        ) from (error)


def _count_leads(line: Mapping[str, Any]) -> Iterator[CountLead]:
    if line.get("kind") == format.LINE_SESSION and isinstance(line.get(format.STEPS_BEFORE), int):
        yield CountLead(line["first_t"], line[format.STEPS_BEFORE])
    if line.get("kind") == format.LINE_NOTE and line.get("about") == format.NOTE_COUNT:
        steps, _, marker = str(line["message"]).partition(" ")
        with suppress(TypeError, ValueError):  # nothing that a recorder wrote
            yield CountLead(int(line["t"]), int(steps), marker == _NEW_OPTIMIZER)


def _check_same(path: Path, recorded: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    if (version := recorded.get("format_version")) not in format.RESUMABLE_VERSIONS:
        versions = " or ".join(map(str, format.RESUMABLE_VERSIONS))
        raise RefusedError(f"{path}: resuming needs a run of format {versions}, found {version}")
    before, after = _compared(recorded), _compared(manifest)
    for what, old in before.items():
        if old != (new := after[what]):
            raise RefusedError(f"{path}: resuming needs the same {what}: {_difference(old, new)}")


def _compared(manifest: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the entries that must be the same in both sessions, under the words that a message calls them by."""
    selection = manifest["selection"]
    return {
        "parameters": [[_plain(parameter.get(name)) for name in _PARAMETER] for parameter in manifest["parameters"]],
        "selection": [selection["P"], selection["row_dtype"]],
        "recording.every": [manifest.get("recording", {}).get("every")],
        "intervention": [manifest.get("intervention")],
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _difference(old: list[Any], new: list[Any]) -> str:
    if len(old) != len(new):
        return f"the run has {len(old)}, found {len(new)}"
    first = next((before, after) for before, after in zip(old, new, strict=True) if before != after)
    return f"the run has {first[0]!r:.120}, found {first[1]!r:.120}"


def _last_t(journal: Path) -> int | None:
    """Return the last t that a session committed rows, weights or scalars of."""
    steps = [t for line in _good_lines(journal) for t in _steps(line)]
    return max(steps, default=None)


def _good_lines(journal: Path) -> Iterator[dict[str, Any]]:
    for line in regular_lines(journal, format.MAX_JOURNAL_LINE):
        try:
            members = decode_line(line, journal.name)
        except (DamagedError, RefusedError):
            return
        yield members


def _steps(line: Mapping[str, Any]) -> Iterator[int]:
    if line.get("kind") == format.LINE_WEIGHTS:
        yield line["t"]
    if line.get("kind") == format.LINE_SHARD:
        for steps in line["rows"].values():
            yield from steps
        yield from line["scalars"] or ()
