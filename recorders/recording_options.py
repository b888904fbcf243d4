"""The settings of one recording, their defaults, what makes them unusable, and the steps that they record.

Needs the standard library alone, so that the command line can check its flags before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from recorders.errors import UsageError
from recorders.intervention.intervention_settings import Intervention
from recorders.option_row import OptionRow
from recorders.row_sources import ROW_SOURCES, current_name, row_source

DEFAULT_EVERY: Final = 25  # the cadence of the published trainings (Xu 2026, arXiv 2604.25143)
DEFAULT_SELECT: Final = "attention"


def storable_sources() -> tuple[str, ...]:
    """Return the names of the sources that a recorder can store, `<task>` for any task; the reader derives others."""
    return tuple(row.pattern for row in ROW_SOURCES if row.stored)


RECORDING_OPTIONS: Final = (
    OptionRow("every", "Steps between two recorded ones.", default=DEFAULT_EVERY, at_least=1),
    OptionRow(
        "select",
        "Parameters to study: attention, mlp, embedding, all, or globs over names, with commas or repeated.",
        "names",
        metavar="NAMES",
        default="attention, or all where there is none, of what is trained",
    ),
    OptionRow(
        "sources",
        f"Row sources to store, names or globs: {', '.join(storable_sources())}.",
        "names",
        metavar="NAMES",
        default="all that apply",
    ),
    OptionRow(
        "weights_every",
        "Steps between two full states, a multiple of --every; 0: the first and the last.",
        default="as --every",
        optional=True,
    ),
    OptionRow(
        "budget",
        "Stop rows and weights at this size, such as 2GB; scalars go on.",
        "size",
        metavar="SIZE",
        at_least=1,
        optional=True,
    ),
    OptionRow("steps", "How many steps the training makes, to project the size.", at_least=1, optional=True),
    OptionRow("probe_seed", "Seed for drawing probes and fixed batches.", default=0),
    OptionRow("force", "Replace the run in --out.", "switch", of_one_run=True),
    OptionRow("resume", "Go on with the run in --out; t comes from the optimizer's state.", "switch", of_one_run=True),
    OptionRow(
        "shared_folder",
        "Record into a folder of another user, or one that everybody may write to.",
        "switch",
        of_one_run=True,
    ),
    OptionRow(
        "first_step",
        "t of the first step, where the optimizer's state does not say it.",
        optional=True,
        of_one_run=True,
    ),
)
"""Every setting of a recording but its intervention."""


@dataclass(frozen=True)
class RecordingOptions:
    """The settings of one recording. Unusable ones raise `UsageError` when they are put together."""

    every: int = DEFAULT_EVERY
    """Optimizer steps between two recorded t."""
    select: tuple[str, ...] = ()
    """Presets and globs over parameter names; empty: `attention`, or `all` where there is none, of what is trained."""
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
    shared_folder: bool = False
    """True where the folder may belong to another user, or be writable by everybody."""
    first_step: int | None = None
    """t of the first step seen; None: 0, or on resume what the optimizer's state says."""
    intervention: Intervention | None = None
    """The change to the training; None: nothing, and `run.json` says null."""

    def __post_init__(self) -> None:
        """Refuse what no recording could do."""
        for option in RECORDING_OPTIONS:
            option.check(getattr(self, option.field))
        if self.weights_every and self.weights_every % self.every:
            raise UsageError(
                f"weights-every: must be a multiple of every ({self.every}), or 0; found {self.weights_every}"
            )
        if self.intervention is not None and not isinstance(self.intervention, Intervention):
            raise UsageError(f"intervene: must be a mode or an Intervention; found {self.intervention!r:.80}")
        if self.force and self.resume:
            raise UsageError("force and resume exclude each other: one replaces the run, the other continues it")
        object.__setattr__(self, "sources", tuple(current_name(pattern) for pattern in self.sources))
        for pattern in self.sources:
            _check_source(pattern)

    @property
    def weights_cadence(self) -> int:
        """Return the steps between two full states; 0 where the first and the last are kept alone."""
        return self.every if self.weights_every is None else self.weights_every

    @property
    def thins_weights(self) -> bool:
        """Return whether some recorded t have rows and no weights, so that weights do not give all displacements."""
        return self.weights_cadence != self.every

    def records(self, t: int) -> bool:
        """Return whether the step that leaves θ_t gets rows; the session adds the last one, known at its end alone."""
        return t % self.every == 0

    def keeps_weights(self, t: int) -> bool:
        """Return whether θ_t is kept in full."""
        return t == 0 if self.weights_cadence == 0 else t % self.weights_cadence == 0

    @property
    def changes_training(self) -> bool:
        """Return whether the training is another one than the script's own."""
        return self.intervention is not None and self.intervention.acts

    def wants(self, source: str) -> bool:
        """Return whether rows of this source are to be stored."""
        return not self.sources or any(fnmatchcase(source, pattern) for pattern in self.sources)


def recording_options(*, intervene: str | Intervention | None = None, **values: Any) -> RecordingOptions:
    """Return the options that somebody gives, on a command line or in a notebook.

    Args:
        intervene: a mode with its default settings, or an intervention.
        **values: by field; names may stand in one text with commas, a size in a text, and None is the default.

    Raises:
        UsageError: a setting is unusable.
    """
    given = {row.field: row.read(values[row.field]) for row in RECORDING_OPTIONS if values.get(row.field) is not None}
    intervention = Intervention(intervene) if isinstance(intervene, str) else intervene
    return RecordingOptions(**given, intervention=intervention)


def _check_source(pattern: str) -> None:
    row = row_source(pattern)
    is_stored = row is not None and row.stored
    if not is_stored and not any(fnmatchcase(name, pattern) for name in storable_sources()):
        listed = ", ".join(storable_sources())
        raise UsageError(f"sources: {pattern!r} is not a source that is stored; there are {listed}")
