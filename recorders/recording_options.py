"""The settings of one recording, their defaults, and what makes them unusable.

Needs the standard library alone, so that the command line can check its flags before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from recorders.errors import UsageError
from recorders.format import (
    ADAPTIVE,
    DISPLACEMENT,
    GRADIENT,
    MAX_INTEGER,
    MOMENTUM,
    RAW_GRADIENT,
    RAW_UPDATE,
    SGD_MOMENTUM,
    UPDATE,
)
from recorders.intervention.intervention_settings import Intervention
from recorders.schedule import Schedule

DEFAULT_EVERY: Final = 25
DEFAULT_SELECT: Final = "attention"
STORABLE: Final = (
    GRADIENT,
    f"{GRADIENT}/<task>",
    UPDATE,
    RAW_GRADIENT,
    RAW_UPDATE,
    MOMENTUM,
    ADAPTIVE,
    SGD_MOMENTUM,
    DISPLACEMENT,
)
"""The sources that a recorder can store. The reader derives the others."""


@dataclass(frozen=True)
class RecordingOptions:
    """The settings of one recording. Unusable ones raise `UsageError` when they are put together."""

    every: int = DEFAULT_EVERY
    """Optimizer steps between two recorded t."""
    select: tuple[str, ...] = ()
    """Presets and globs over parameter names; empty: `attention`, or `all` where the model has no attention."""
    sources: tuple[str, ...] = ()
    """Names or globs of the sources to store; empty: all that apply."""
    weights_every: int | None = None
    """Steps between two full states, a multiple of `every`; 0: the first and the last; None: as `every`."""
    budget: int | None = None
    """Bytes of rows and weights after which only scalars go on; None: no limit."""
    probe_seed: int = 0
    """Seed of the private generator that draws probes and fixed batches."""
    steps: int | None = None
    """Number of steps that the training will make, for the projected size alone; None: unknown."""
    force: bool = False
    """True where an existing run may be replaced."""
    resume: bool = False
    """True where this recording continues an existing run."""
    first_step: int | None = None
    """t of the first step seen; None: 0, or on resume what the optimizer's state says."""
    intervention: Intervention | None = None
    """The change to the training; None: nothing, and `run.json` says null."""

    def __post_init__(self) -> None:
        """Refuse what no recording could do."""
        _require("every", self.every, at_least=1)
        _require("budget", self.budget, at_least=1)
        _require("probe seed", self.probe_seed, at_least=0)
        _require("steps", self.steps, at_least=1)
        _require("first step", self.first_step, at_least=0)
        _require("weights-every", self.weights_every, at_least=0)
        if self.weights_every and self.weights_every % self.every:
            raise UsageError(
                f"weights-every: must be a multiple of every ({self.every}), or 0; found {self.weights_every}"
            )
        if self.intervention is not None and not isinstance(self.intervention, Intervention):
            raise UsageError(f"intervene: must be a mode or an Intervention; found {self.intervention!r:.80}")
        if self.force and self.resume:
            raise UsageError("force and resume exclude each other: one replaces the run, the other continues it")
        for pattern in self.sources:
            _check_source(pattern)

    @property
    def schedule(self) -> Schedule:
        """Return the schedule of recorded t that these settings ask for."""
        return Schedule(self.every, self.every if self.weights_every is None else self.weights_every)

    @property
    def changes_training(self) -> bool:
        """Return whether the training is another one than the script's own."""
        return self.intervention is not None and self.intervention.acts

    def wants(self, source: str) -> bool:
        """Return whether rows of this source are to be stored."""
        return not self.sources or any(fnmatchcase(source, pattern) for pattern in self.sources)


def split_names(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of `"a, b"` or `["a", "b,c"]`, taken apart at commas; None is nothing."""
    if text is None:
        return ()
    texts = [text] if isinstance(text, str) else list(text)
    return tuple(name.strip() for chunk in texts for name in chunk.split(",") if name.strip())


def _require(name: str, value: object, *, at_least: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= MAX_INTEGER:
        raise UsageError(f"{name}: must be a whole number, {at_least} or more; found {value!r}")


def _check_source(pattern: str) -> None:
    per_task = pattern.startswith(f"{GRADIENT}/") and len(pattern) > len(GRADIENT) + 1
    if not per_task and not any(fnmatchcase(name, pattern) for name in STORABLE):
        raise UsageError(f"sources: {pattern!r} is not a source that is stored; there are {', '.join(STORABLE)}")
