"""One run in a comparison: recipe and seed, milestones, how far it was followed, the share of the norm let through.

Decides until when a run was followed: its last evaluation, whether it was ended, killed or is still being recorded;
and that its share of the norm is the median over the steps since the first that was changed. Reads manifest and
scalars alone.

The recipe is everything that command, model and optimizer say, but the seed: trainings of one recipe differ in nothing
but seed and intervention.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recorders.format import END_FINISHED, NORM_KEPT, STATE_FINISHED
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY, accuracy, milestones
from sedscope.analysis.settings import GrokDefinition
from sedscope.analysis.statistics.grokking import AT_START, Grokking
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Manifest, Run

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


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """One run on one task."""

    task: str
    grokking: Grokking
    test: tuple[Ints, Floats]
    """Evaluated t and test accuracy `[m]`; empty where it was never logged."""
    train: tuple[Ints, Floats]
    """Evaluated t and train accuracy `[m]`; empty where it was never logged."""

    @property
    def followed_to(self) -> int | Undefined:
        """The last evaluated t."""
        steps = self.test[0]
        return int(steps[-1]) if len(steps) else Undefined(f"test accuracy of {self.task} was never logged")

    def time(self, threshold: float) -> CensoredTime | Undefined:
        """Return the step at which its test accuracy reached a threshold, or up to which it had not."""
        reached = self.grokking.grok[GROK_ACCURACIES.index(threshold)]
        if reached == AT_START:
            return AT_START
        if isinstance(reached, Undefined):
            end = self.followed_to
            return end if isinstance(end, Undefined) else CensoredTime(float(end), reached=False)
        # Where the first evaluation is already there, the crossing lies anywhere before it.
        cadence = reached.t if isinstance(reached.cadence, Undefined) else reached.cadence
        return CensoredTime(float(reached.t), reached=True, cadence=float(cadence))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    path: str
    name: str
    state: str
    """`recorders.format.STATE_…`."""
    treatment: Treatment
    recipe: Recipe
    seed: Seed
    origin: tuple[tuple[str, str], ...]
    """Commit, torch and device: equal in a fair comparison, but not in the recipe, so that they may differ."""
    tasks: tuple[TaskOutcome, ...]
    norm_kept: float | Undefined
    """Median share of the norm that was let through, over the steps since the intervention began."""
    end_reason: str | None = END_FINISHED
    """Why the recording ended; None while it goes on, and where nobody could say."""

    @property
    def is_complete(self) -> bool:
        """True where the script came to its own end."""
        return self.state == STATE_FINISHED and self.end_reason == END_FINISHED

    @property
    def ending(self) -> str:
        """`finished`, `stopped (interrupted)`, `recording` and the like."""
        ended = self.state == STATE_FINISHED and not self.is_complete
        return f"stopped ({self.end_reason})" if ended else self.state

    def on(self, task: str) -> TaskOutcome | None:
        """Return its outcome on a task; None where it has no such task."""
        return next((outcome for outcome in self.tasks if outcome.task == task), None)


def outcome_of(run: Run, definition: GrokDefinition = "above-chance") -> Outcome:
    """Read the outcome of an opened run, by this definition of its milestones.

    Raises:
        DamagedError, RefusedError: Its scalars or targets cannot be read.
    """
    manifest, treatment = run.manifest, Treatment.of(run.manifest)
    norm_kept = run.scalar(NORM_KEPT)[1] if NORM_KEPT in run.scalar_names() else None
    return Outcome(
        path=str(run.path),
        name=run.name,
        state=run.state,
        treatment=treatment,
        recipe=Recipe.of(manifest),
        seed=Seed.of(manifest),
        origin=tuple(_origin(manifest)),
        tasks=tuple(_task(run, task, definition) for task in run.tasks),
        norm_kept=median_share(norm_kept, treatment),
        end_reason=run.end_reason,
    )


def _origin(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield commit, torch and device; a manifest is foreign, and what is not as the recorder writes it is left out."""
    git, versions = manifest.git, manifest.versions
    if isinstance(git, Mapping) and isinstance(git.get("commit"), str):
        yield "commit", f"{git['commit'][:12]}{' with changes' if git.get('dirty') else ''}"
    if isinstance(versions, Mapping) and isinstance(versions.get("torch"), str):
        yield "torch", versions["torch"]
    if manifest.device is not None:
        yield "device", manifest.device


def _task(run: Run, task: str, definition: GrokDefinition) -> TaskOutcome:
    test, train = accuracy(run, TEST_ACCURACY, task), accuracy(run, TRAIN_ACCURACY, task)
    return TaskOutcome(task, milestones(run, task, definition).grokking, test, train)


def median_share(norm_kept: Floats | None, treatment: Treatment) -> float | Undefined:
    """Return the median of norm after / norm before projection over the steps since the first that was changed.

    From `norm_kept` of every optimizer step; None where it was not recorded.
    """
    if not treatment.acts:
        return Undefined("nothing is projected in a control")
    # The recorder writes finite shares alone, but a run is foreign.
    finite = np.empty(0) if norm_kept is None else norm_kept[np.isfinite(norm_kept)]
    if len(finite) == 0:
        return Undefined("norm_kept was not recorded")
    changed = np.flatnonzero(finite < 1.0)
    if len(changed) == 0:
        return Undefined("no step was changed")
    return float(np.median(finite[changed[0] :]))


def shares(values: Sequence[float | Undefined]) -> tuple[float, float, float] | Undefined:
    """Return the least, median and largest share of several runs; Undefined where none has one."""
    defined = [value for value in values if not isinstance(value, Undefined)]
    if not defined:
        return next((value for value in values if isinstance(value, Undefined)), Undefined("there is no run"))
    return min(defined), float(np.median(defined)), max(defined)
