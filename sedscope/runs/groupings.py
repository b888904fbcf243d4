"""The optimizer's group of each selected parameter at every recorded t, and the parameters that it leaves alone.

Decides which groups count: those of the manifest until a note about `groups` says otherwise, within the stretch of the
session that made the note. Its message is written in `recorders.follow.grouping`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recorders.follow.grouping import Groups, read_groups
from recorders.format import NOTE_GROUPS
from sedscope.runs.files.journal_lines import NoteLine
from sedscope.runs.history import History
from sedscope.runs.manifest import Manifest


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


def groupings(manifest: Manifest, history: History) -> list[Grouping]:
    """Return the groupings of a run, ascending in t; the first holds from the beginning."""
    ascending = [Grouping(0, manifest_groups(manifest))]
    for start, message in _notes(history):
        groups = read_groups(message, ascending[-1].groups)
        if groups is None:
            continue  # nothing that a recorder wrote
        if ascending[-1].start == start:
            ascending.pop()
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
