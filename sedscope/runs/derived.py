"""Rows that follow from the stored weights: displacement and decoupled weight decay.

Decides where they exist and what they depend on. `displacement` at t is θ_t − θ of the recorded t before it, and is
missing where those weights were not stored or lie further back than the cadence. `adam/weight_decay` at t is −lr·λ·θ_t
with the values of the step that leaves θ_t. The optimizer's groups are those of the manifest until a note about
`groups` (written in `recorders.follow.grouping`) says otherwise, within the stretch of the session that made the note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recorders.errors import RefusedError
from recorders.follow.journal_notes import Groups, read_groups
from recorders.format import LR_PREFIX, NOTE_GROUPS, WEIGHT_DECAY_PREFIX
from recorders.row_sources import ADAM_WEIGHT_DECAY, DISPLACEMENT
from sedscope.runs.files.journal_lines import NoteLine
from sedscope.runs.history import History
from sedscope.runs.manifest import Manifest
from sedscope.runs.rows import Floats, Steps
from sedscope.runs.scalars import Series

Factors = dict[int, NDArray[np.float64]]
"""−lr·λ `[n]` of each group that decays by a step of its own."""
_MOST_GROUPED = 20_000_000
"""Selected parameters over all groupings of a run: what a recorder notes is some thousands."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """The group of each selected parameter, from one recorded t up to the next grouping."""

    start: int
    groups: Groups
    """Index of the group of each selected parameter; None where the optimizer leaves it alone."""

    @property
    def used(self) -> list[int]:
        """The groups that move something, ascending."""
        return sorted({group for group in self.groups if group is not None})


class StoredRun(Protocol):
    """The stored contents of a run that rows are derived from; `Run` has them, and reads its derived rows here."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def history(self) -> History: ...
    def weight_steps(self) -> Steps: ...
    def selected(self, t: int, columns: slice | None = None) -> Floats: ...
    def scalar_names(self) -> tuple[str, ...]: ...
    def scalar(self, name: str) -> Series: ...
    def identity(self, kind: str, name: str | None = None, steps: Sequence[int] | Steps | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Derivation:
    """The way in which the rows of one source follow from what a run stores."""

    steps: Callable[[StoredRun], Steps]
    """The recorded t `[n]`, ascending, that have a row."""
    rows: Callable[[StoredRun, Steps, slice], Floats]
    """Rows `[n, columns]` at some of these t, in any order."""
    dependencies: Callable[[StoredRun, Sequence[int]], Any]
    """Everything that the rows at some t are made of, as JSON; `Run.identity` has digests of what is stored."""
    exists: Callable[[StoredRun], bool]
    """Whether the run has the source at all, though perhaps no row of it yet."""


def predecessors(run: StoredRun) -> dict[int, int]:
    """Return the recorded t before each t that has a displacement.

    Empty unless weights are stored at every recorded t: with thinned weights the recorder stores displacements itself.
    """
    recording, stored = run.manifest.recording, set(run.weight_steps().tolist())
    if recording.weights_every != recording.every:
        return {}
    return {
        t: before
        for before, t in pairwise(run.history.recorded)
        if t in stored and before in stored and t - before <= recording.every
    }


def _displacement(run: StoredRun, steps: Steps, columns: slice) -> Floats:
    before_of = predecessors(run)
    out = np.empty((len(steps), columns.stop - columns.start), dtype=run.manifest.row_dtype)
    last: tuple[int, Floats] | None = None
    for row, t in zip(out, steps.tolist(), strict=True):
        before = before_of[t]
        # Steps mostly come in order: each state is then read once, though two rows need it.
        old = last[1] if last is not None and last[0] == before else run.selected(before, columns)
        new = run.selected(t, columns)
        row[:] = new - old
        last = (t, new)
    return out


def _displacement_dependencies(run: StoredRun, steps: Sequence[int]) -> Any:
    before = predecessors(run)
    pairs = [[before[t], t] for t in steps]
    return [pairs, run.identity("weights", steps=sorted({t for pair in pairs for t in pair}))]


def _decay_factors(run: StoredRun, t: Steps) -> tuple[Steps, Factors]:
    """Return the t among the ascending `t` where every group that moved something has lr and weight decay, and −lr·λ.

    Returns:
        t `[n]` and the factors `[n]` by group; a group that decays through its gradient has none.
    """
    manifest, entries = run.manifest, groupings(run.manifest, run.history)
    factors: Factors = {}
    usable = np.ones(len(t), dtype=bool)
    for interval, grouping in _intervals(entries, t):
        for number in filter(partial(_decays, manifest), grouping.used):
            if usable[interval].any():
                rate, has_rate = _values_at(run, f"{LR_PREFIX}{number}", t[interval])
                decay, has_decay = _values_at(run, f"{WEIGHT_DECAY_PREFIX}{number}", t[interval])
                factors.setdefault(number, np.zeros(len(t)))[interval] = -rate * decay
                usable[interval] &= has_rate & has_decay
    return t[usable], {number: values[usable] for number, values in factors.items()}


def _decay(run: StoredRun, steps: Steps, columns: slice) -> Floats:
    order = np.argsort(steps, kind="stable")
    _, factors = _decay_factors(run, steps[order])
    out = np.empty((len(steps), columns.stop - columns.start), dtype=run.manifest.row_dtype)
    for interval, grouping in _intervals(groupings(run.manifest, run.history), steps[order]):
        for position in range(*interval.indices(len(steps))):
            index = order[position]
            out[index] = run.selected(int(steps[index]), columns)
            factor = {number: values[position] for number, values in factors.items()}
            _scale(out[index], run.manifest, grouping.groups, factor, columns.start)
    return out


def _decay_dependencies(run: StoredRun, steps: Sequence[int]) -> Any:
    moved = [[grouping.start, grouping.groups] for grouping in groupings(run.manifest, run.history)[1:]]
    return [run.identity("weights", steps=steps), run.identity("scalars"), moved]


def _has_decay(manifest: Manifest) -> bool:
    """Return whether some group decays by a step of its own."""
    optimizer = manifest.optimizer
    return optimizer is not None and any(optimizer.is_decoupled(group) for group in optimizer.groups)


def _scale(row: Floats, manifest: Manifest, groups: Groups, factor: Mapping[int, float], first: int) -> None:
    """Multiply each selected parameter's columns by its group's factor, by 0 where the optimizer leaves it alone.

    Args:
        row: Columns of a row from column `first` on.
        manifest: Where each parameter lies in a row.
        groups: Which group moves each selected parameter.
        factor: By group; 0 where there is none.
        first: The row's first column.
    """
    for parameter, number in zip(manifest.selected, groups, strict=True):
        start = max(first, parameter.offset or 0) - first
        stop = min(first + len(row), (parameter.offset or 0) + parameter.size) - first
        if start < stop:
            row[start:stop] *= 0.0 if number is None else factor.get(number, 0.0)


def _intervals(entries: Sequence[Grouping], t: Steps) -> Iterator[tuple[slice, Grouping]]:
    """Yield each grouping with the slice of the ascending t for which it holds."""
    ends = [*np.searchsorted(t, [grouping.start for grouping in entries[1:]]).tolist(), len(t)]
    for start, stop, grouping in zip([0, *ends], ends, entries, strict=False):
        yield slice(start, stop), grouping


def _decays(manifest: Manifest, number: int) -> bool:
    """Return whether a group decays by a step of its own; one that came later does where those of the manifest do."""
    groups = manifest.optimizer.groups if manifest.optimizer else ()
    if number >= len(groups):
        return _has_decay(manifest)
    return manifest.optimizer is not None and manifest.optimizer.is_decoupled(groups[number])


def _values_at(run: StoredRun, name: str, t: Steps) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a scalar's values at `t`, and where it has one."""
    recorded, values = run.scalar(name) if name in run.scalar_names() else (np.empty(0, np.int64), np.empty(0))
    if not len(recorded):
        return np.zeros(len(t)), np.zeros(len(t), dtype=bool)
    indices = np.minimum(np.searchsorted(recorded, t), len(recorded) - 1)
    return values[indices], recorded[indices] == t


def groupings(manifest: Manifest, history: History) -> list[Grouping]:
    """Return the groupings of a run, ascending in t; the first holds from the beginning."""
    ascending = [Grouping(0, manifest_groups(manifest))]
    for start, message in _notes(history):
        groups = read_groups(message, ascending[-1].groups)
        if groups is None:
            continue  # nothing that a recorder wrote
        if ascending[-1].start == start:
            ascending.pop()
        if (len(ascending) + 1) * len(groups) > _MOST_GROUPED:
            raise RefusedError(f"notes about groups: at most {_MOST_GROUPED // len(groups):,} are read, found more")
        ascending.append(Grouping(start, groups))
    return ascending


def manifest_groups(manifest: Manifest) -> Groups:
    """Return the groups of the manifest: a parameter that is not trainable, or in no group, is left alone."""
    groups = manifest.optimizer.groups if manifest.optimizer else ()
    group_of = {name: number for number, group in enumerate(groups) for name in group.parameters}
    return tuple(group_of.get(parameter.name) if parameter.trainable else None for parameter in manifest.selected)


def _notes(history: History) -> Iterator[tuple[int, str]]:
    for stretch in history.stretches:
        lines = (line for line in stretch.session.lines if isinstance(line, NoteLine))
        notes = [(line.t, line.message) for line in lines if line.about == NOTE_GROUPS and line.t is not None]
        yield from sorted((t, message) for t, message in notes if stretch.holds(t))


DERIVATIONS: Mapping[str, Derivation] = {
    DISPLACEMENT: Derivation(
        steps=lambda run: np.array(list(predecessors(run)), dtype=np.int64),
        rows=_displacement,
        dependencies=_displacement_dependencies,
        exists=lambda run: bool(predecessors(run)),
    ),
    ADAM_WEIGHT_DECAY: Derivation(
        steps=lambda run: _decay_factors(run, run.weight_steps())[0],
        rows=_decay,
        dependencies=_decay_dependencies,
        exists=lambda run: _has_decay(run.manifest) and bool(run.history.weights),
    ),
}
"""By source; those that a run stores are read instead."""
