"""Which selected parameters the optimizer moved, and in which of its groups, at every recorded t.

Decides what counts: the manifest's groups until a note about `groups` says otherwise, within the stretch of the
session that made the note. Its message is written in `recorders.follow.grouping`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recorders.follow.grouping import Groups, read_groups
from recorders.format import NOTE_GROUPS
from sedscope.runs.files.json_lines import NoteLine
from sedscope.runs.history import History
from sedscope.runs.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Moved:
    """From one recorded t up to the next entry."""

    start: int
    groups: Groups
    """Index of the group of each selected parameter; None where the optimizer leaves it alone."""

    @property
    def used(self) -> list[int]:
        """The groups that move something, ascending."""
        return sorted({group for group in self.groups if group is not None})


def moved(manifest: Manifest, history: History) -> list[Moved]:
    """What holds from which t on, ascending; the first entry holds from the beginning."""
    found = [Moved(0, said_by(manifest))]
    for start, message in _notes(history):
        groups = read_groups(message, found[-1].groups)
        if groups is None:
            continue  # nothing that a recorder wrote
        if found[-1].start == start:
            found.pop()
        found.append(Moved(start, groups))
    return found


def said_by(manifest: Manifest) -> Groups:
    """What the manifest says: a parameter that is not trainable, or in no group, is left alone."""
    groups = manifest.optimizer.groups if manifest.optimizer else ()
    group_of = {name: number for number, group in enumerate(groups) for name in group.parameters}
    return tuple(group_of.get(one.name) if one.trainable else None for one in manifest.selected)


def _notes(history: History) -> Iterator[tuple[int, str]]:
    for stretch in history.stretches:
        lines = (line for line in stretch.session.lines if isinstance(line, NoteLine))
        said = [(line.t, line.message) for line in lines if line.about == NOTE_GROUPS and line.t is not None]
        yield from sorted((t, message) for t, message in said if stretch.holds(t))
