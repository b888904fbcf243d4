"""Journal notes of the parameter group that moved each selected parameter in a step.

Decides how that is written. `4: 0*12 -*3 1` says: of the selected parameters, from the one at position 4 on, group 0
moved 12, the step left 3 alone, group 1 moved one. What a note does not reach stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

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
