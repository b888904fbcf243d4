"""What two trainings share: everything that the commands, the model and the optimizer say, but the seed.

Decides which trainings differ in nothing but seed and intervention, what a run's seed is, and how those that differ
are told apart in words.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sedscope.runs import Manifest

_SEED = "seed"
"""Words of a flag's or an assignment's name end with it: `--seed`, `--random-seed`, `training.seed=`."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training without its seed and without what was done to it."""

    command: tuple[str, ...]
    """Its words without the seed."""
    made: str
    """Equal where parameters and optimizer are the same."""

    @classmethod
    def of(cls, manifest: Manifest) -> Recipe:
        """From what `run.json` says; what was recorded of it, and which weights were selected, is no part of it."""
        made = manifest.optimizer
        parts = {
            "parameters": [(one.name, one.shape, one.dtype, one.trainable) for one in manifest.parameters],
            "optimizer": None if made is None else (made.name, [dict(group.settings) for group in made.groups]),
        }
        return cls(tuple(without_seed(manifest.command)), json.dumps(parts, sort_keys=True, default=str))


@dataclass(frozen=True, slots=True)
class Seed:
    """What tells two runs of one recipe apart."""

    of_torch: str | None
    """What torch was seeded with when the recording began."""
    of_command: str | None
    """What the command says."""

    @classmethod
    def of(cls, manifest: Manifest) -> Seed:
        """From what `run.json` says."""
        return cls(None if manifest.seed is None else str(manifest.seed), stated_seed(manifest.command))

    @property
    def is_known(self) -> bool:
        """Whether there is any: runs without one are never paired."""
        return self != Seed(None, None)

    def without(self, word: str) -> str:
        """A word with `{seed}` where the seed stands in it as a number of its own: `logs/{seed}`."""
        for value in (self.of_command, self.of_torch):
            if value:
                word = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "{seed}", word)
        return word

    def __str__(self) -> str:
        return self.of_command or self.of_torch or "unknown"


def without_seed(command: Sequence[str]) -> list[str]:
    """The words of a command without `--seed 1`, `--random-seed=1` or `training.seed=1`."""
    seeds = {place for places in _places(command) for place in places}
    return [word for place, word in enumerate(command) if place not in seeds]


def stated_seed(command: Sequence[str]) -> str | None:
    """The seed that a command states; several, of data and model say, are one with commas between."""
    values = [command[places[-1]].rpartition("=")[2] for places in _places(command)]
    return ", ".join(values) or None


def _places(command: Sequence[str]) -> list[list[int]]:
    """Where words of each seed stand: `name=value`, or a flag and its value."""
    found: list[list[int]] = []
    takes_next = False
    for place, word in enumerate(command):
        if takes_next:
            found[-1].append(place)
            takes_next = False
        elif _is_seed(word):
            found.append([place])
            takes_next = "=" not in word
    return found


def _is_seed(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals or name.startswith("-")) and re.split(r"[-_.]", name)[-1] == _SEED


def difference(command: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """The words of a command that not all others have too, ready to read; empty where there is none."""
    return shlex.join(word for word in command if not all(word in other for other in others))
