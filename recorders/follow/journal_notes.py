"""Notes in the journal for readers that compute: which group moved which parameter, and where the optimizer's count is.

A note of groups such as `4: 0*12 -*3 1` says: of the selected parameters, from the one at position 4 on, group 0 moved
12, the step left 3 alone, group 1 moved one. What a note does not reach stays as it was.

t begins at 0, where the script says, or on resume where the optimizer's state says. The two counts drift apart where an
optimizer had made steps before, where a step finds no gradient (which its state does not count), and where the script
makes a new optimizer: the run says so, as a resumed recording has the optimizer's count alone to find its t by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from recorders.errors import RefusedError
from recorders.format import NOTE_COUNT
from recorders.recording_options import RecordingOptions
from recorders.store.resume import CountLead, earlier_counts

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Groups = tuple[int | None, ...]
"""Index of the group of each selected parameter; None where the step left it alone."""

_RUNS_PER_NOTE = 200
"""A note must stay short enough for every reader."""
_RUN = re.compile(r"(\d{1,6}|-)(?:\*(\d{1,9}))?", re.ASCII)
_START = re.compile(r"(\d{1,9}): ", re.ASCII)


def groups_of(optimizer: torch.optim.Optimizer, selected: Sequence[Tensor], moved: Collection[int]) -> Groups:
    """Return the group of each selected parameter whose id is in `moved`."""
    group_of = {
        id(parameter): number for number, group in enumerate(optimizer.param_groups) for parameter in group["params"]
    }
    return tuple(group_of.get(id(parameter)) if id(parameter) in moved else None for parameter in selected)


def write_groups(groups: Groups) -> Iterator[str]:
    """Yield the messages that write these groups down, of bounded length each."""
    runs = [(group, len(list(run))) for group, run in groupby(groups)]
    start = 0
    for first in range(0, len(runs), _RUNS_PER_NOTE):
        chunk = runs[first : first + _RUNS_PER_NOTE]
        yield f"{start}: " + " ".join(_shown(group, count) for group, count in chunk)
        start += sum(count for _, count in chunk)


def read_groups(message: str, before: Groups) -> Groups | None:
    """Return the groups that hold after a message; None for a message that fits no such number of parameters."""
    start = _START.match(message)
    if start is None:
        return None
    decoded: list[int | None] = []
    start_index, room = int(start[1]), len(before) - int(start[1])
    for text in message[start.end() :].split(" "):
        run = _RUN.fullmatch(text)
        count = int(run[2] or 1) if run is not None else 0
        if run is None or not 0 < count <= room - len(decoded):
            return None
        decoded += [None if run[1] == "-" else int(run[1])] * count
    return before[:start_index] + tuple(decoded) + before[start_index + len(decoded) :]


def _shown(group: int | None, count: int) -> str:
    name = "-" if group is None else str(group)
    return name if count == 1 else f"{name}*{count}"


class CountNotes:
    """Notes of how far the optimizer's count is ahead of t, one whenever that has changed.

    `lead` is what `run.json` or the session's opening line says; None where the optimizer did not count yet.
    """

    def __init__(self, lead: int | None, note: Callable[[str, str, int], None]) -> None:
        self._lead = lead or 0
        self._note = note
        self._unsure = False

    def succeeded(self, old: torch.optim.Optimizer, new: torch.optim.Optimizer, t: int) -> None:
        """Notice that another optimizer is about to make the step that leaves θ_t."""
        completed = completed_steps(new)
        if completed is not None or completed_steps(old) is not None:
            self._tell(CountLead(t, (completed or 0) - t, of_new_optimizer=True))

    def stepped(self, optimizer: torch.optim.Optimizer, t: int, *, idle: bool) -> None:
        """Notice a step that has left θ_t. A stretch of steps without any gradient (`idle`) is noted at its end."""
        if self._unsure and not idle and (completed := completed_steps(optimizer)) is not None:
            self._tell(CountLead(t, completed - 1 - t))
        self._unsure = idle

    def finish(self, optimizer: torch.optim.Optimizer, t: int) -> None:
        """Notice that the recording ends at θ_t."""
        if (completed := completed_steps(optimizer)) is not None:
            self._tell(CountLead(t, completed - t))

    def _tell(self, lead: CountLead) -> None:
        if lead.of_new_optimizer or lead.steps != self._lead:
            self._lead = lead.steps
            self._note(NOTE_COUNT, lead.message, lead.t)


def first_t(optimizer: torch.optim.Optimizer, options: RecordingOptions, path: Path) -> tuple[int, str | None]:
    """Return t of the step that this optimizer is about to make, and a remark for the run's readers, or None.

    Raises:
        RefusedError: a resumed recording cannot tell.
    """
    completed = completed_steps(optimizer)
    if options.first_step is not None:
        return options.first_step, None
    if options.resume:
        if completed is None:
            name = type(optimizer).__name__
            raise RefusedError(f"resume: {name} does not say how many steps it has made; give --first-step")
        return _resumed_t(completed, options, path)
    return 0, f"the optimizer has made {completed} steps before; t counts from 0 here" if completed else None


def _resumed_t(completed: int, options: RecordingOptions, path: Path) -> tuple[int, str | None]:
    counts, last = earlier_counts(path)
    candidates = possible_t(completed, counts)
    if (t := candidates[-1]) < 0:
        before = counts[-1].steps
        raise RefusedError(
            f"resume: the optimizer has made {completed} steps, fewer than the {before} before the recording"
        )
    if len(candidates) > 1:
        times = " and at ".join(f"t = {candidate}" for candidate in candidates)
        raise RefusedError(
            f"resume: the optimizer has made {completed} steps, as those of this run had at {times}; give --first-step"
        )
    if last is not None and t > last + options.every:
        return t, f"the run ends at t = {last} and goes on at t = {t}: what was between is lost"
    return t, None


def possible_t(completed: int, counts: Sequence[CountLead]) -> list[int]:
    """Return every t at which a run's optimizer had made so many steps, ascending; one beyond the run where none is.

    `completed` is the optimizer's own count, `counts` how far it was ahead of t, by the t from which on it was.
    """
    ends = [lead.count_before(then) for lead, then in pairwise(counts)]
    candidates = [
        completed - lead.steps
        for lead, end in zip(counts, [*ends, None], strict=True)
        if lead.completed <= completed and (end is None or completed < end)
    ]
    return sorted(candidates) or [completed - counts[-1].steps]


def completed_steps(optimizer: torch.optim.Optimizer) -> int | None:
    """Return how many steps the optimizer's state says it has made; None when it does not count."""
    counts = [state["step"] for state in optimizer.state.values() if "step" in state]
    return max((int(count) for count in counts), default=None)
