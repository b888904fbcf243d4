"""The recipe of a training: everything that its command, model and optimizer say, but the seed.

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
    model: str
    """Identity: equal where parameters and optimizer are the same."""

    @classmethod
    def of(cls, manifest: Manifest) -> Recipe:
        """Read the recipe off `run.json`; recorded sources and selected weights do not enter."""
        optimizer = manifest.optimizer
        model = {
            "parameters": [(p.name, p.shape, p.dtype, p.trainable) for p in manifest.parameters],
            "optimizer": optimizer and (optimizer.name, [dict(group.settings) for group in optimizer.groups]),
        }
        return cls(tuple(without_seed(manifest.command)), json.dumps(model, sort_keys=True, default=str))


@dataclass(frozen=True, slots=True)
class Seed:
    """The seed of a run: it tells two runs of one recipe apart."""

    of_torch: str | None
    """The seed of torch when the recording began."""
    of_command: str | None
    """The seed that the command states."""

    @classmethod
    def of(cls, manifest: Manifest) -> Seed:
        """Read the seed off `run.json`."""
        return cls(None if manifest.seed is None else str(manifest.seed), stated_seed(manifest.command))

    @property
    def is_known(self) -> bool:
        """True where there is one: runs without are never paired."""
        return self != Seed(None, None)

    def without(self, word: str) -> str:
        """Return a word with `{seed}` where the seed stands in it as a number of its own: `logs/{seed}`."""
        for value in (self.of_command, self.of_torch):
            if value:
                word = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "{seed}", word)
        return word

    def __str__(self) -> str:
        return self.of_command or self.of_torch or "unknown"


def without_seed(command: Sequence[str]) -> list[str]:
    """Return the words of a command without `--seed 1`, `--random-seed=1` or `training.seed=1`."""
    seeds = {index for indices in _seed_words(command) for index in indices}
    return [word for index, word in enumerate(command) if index not in seeds]


def stated_seed(command: Sequence[str]) -> str | None:
    """Return the seed that a command states; several, of data and model say, joined by commas."""
    values = [command[indices[-1]].rpartition("=")[2] for indices in _seed_words(command)]
    return ", ".join(values) or None


def _seed_words(command: Sequence[str]) -> list[list[int]]:
    """Return the positions of the words of each seed: `name=value`, or a flag and its value."""
    seeds: list[list[int]] = []
    takes_next = False
    for index, word in enumerate(command):
        if takes_next:
            seeds[-1].append(index)
            takes_next = False
        elif _is_seed(word):
            seeds.append([index])
            takes_next = "=" not in word
    return seeds


def _is_seed(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals or name.startswith("-")) and re.split(r"[-_.]", name)[-1] == _SEED


def difference(command: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """Return the words of a command that not all others have too, ready to read; empty where there is none."""
    return shlex.join(word for word in command if not all(word in other for other in others))
