"""The settings of one intervention: what makes them unusable, what follows from them, what `run.json` says of them.

Needs the standard library alone, so that the command line can check its flags before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from recorders.errors import UsageError
from recorders.intervention.modes import CONTROL, MODES, InterventionMode
from recorders.option_row import OptionRow, check_choice
from recorders.row_sources import GRADIENT, ROW_SOURCES, UPDATE

MOMENTUM_BASIS: Final = "momentum"
APPLIED: Final = "applied"
RAW: Final = "raw"
EACH_STEP: Final = "step"
ONCE: Final = "once"

# The published ones (Xu 2026, arXiv 2604.25143), so that a result without settings is comparable with the paper's.
DEFAULT_RANK: Final = 3
DEFAULT_WINDOW: Final = 20

INTERVENTION_OPTIONS: Final = (
    OptionRow(
        "on",
        "Project the gradient, before the optimizer's step (after clipping, unscaled), or the update, after it and"
        " written back into the weights.",
        "choice",
        choices=(GRADIENT, UPDATE),
        default=GRADIENT,
    ),
    OptionRow("rank", "Dimensions; 0 freezes.", metavar="K", default=DEFAULT_RANK),
    OptionRow(
        "window",
        "Rows that make the SED basis; steps are unmodified until there are W.",
        metavar="W",
        default=DEFAULT_WINDOW,
        at_least=1,
    ),
    OptionRow("stride", "Steps from one row of the window to the next.", metavar="n", default=1, at_least=1),
    OptionRow("warm_up", "Unmodified steps at the start, if more.", metavar="STEPS", default=0),
    OptionRow(
        "basis_source",
        "What the rows are: gradient, gradient/<task>, update, momentum.",
        "text",
        metavar="SOURCE",
        default="as --on",
        optional=True,
    ),
    OptionRow(
        "basis",
        "Rows applied, after projection (the published way: the subspace soon stands still), or raw, before it.",
        "choice",
        choices=(APPLIED, RAW),
        default=f"{APPLIED}; {RAW} for the gradient of one task",
        optional=True,
    ),
    OptionRow(
        "redraw",
        "Draw a random subspace at each step, or once for all steps.",
        "choice",
        choices=(EACH_STEP, ONCE),
        default=EACH_STEP,
    ),
    OptionRow("seed", "Seed for drawing random subspaces.", metavar="N", default=0, name="subspace-seed"),
)
"""Every setting of an intervention but its mode."""


@dataclass(frozen=True)
class Intervention:
    """One intervention. Unusable settings raise `UsageError` when they are put together.

    A setting without a meaning for the mode (`window` for `freeze`) has no effect, and `run.json` shows it as null: a
    sweep may give the same settings to all its modes.
    """

    mode: str
    """One of `MODES`."""
    on: str = GRADIENT
    """The vector that is projected: `gradient`, before the optimizer's step, or `update`, after it and written back."""
    rank: int = DEFAULT_RANK
    """K, the dimensions that are kept or removed; 0 with a keep mode freezes the selected weights."""
    window: int = DEFAULT_WINDOW
    """W, rows that the SED basis is made of; nothing is projected before there are that many."""
    stride: int = 1
    """Optimizer steps from one row of the window to the next."""
    warm_up: int = 0
    """Unmodified steps at the start, where filling the window takes fewer."""
    basis_source: str | None = None
    """Source of the window's rows: `gradient`, `gradient/<task>`, `update`, or `momentum` (m̂, or SGD's buffer); None:
    what is projected."""
    basis: str | None = None
    """Rows `applied`, after projection, or `raw`, before it; None: `applied`, but a task's gradient is always raw."""
    redraw: str = EACH_STEP
    """Random subspaces are drawn anew at each `step`, or `once`."""
    seed: int = 0
    """Seed of the private generator that draws random subspaces."""

    def __post_init__(self) -> None:
        """Refuse what no intervention could do."""
        check_choice("intervene", self.mode, MODES)
        for option in INTERVENTION_OPTIONS:
            option.check(getattr(self, option.field))
        self._check_rank()
        self._check_basis()

    # --- what the mode is -------------------------------------------------------------------------------------------

    @property
    def row(self) -> InterventionMode:
        """Return what the table of modes says of the mode."""
        return MODES[self.mode]

    @property
    def acts(self) -> bool:
        """Return whether the training is changed at all."""
        return self.row.acts

    @property
    def freezes(self) -> bool:
        """Return whether the selected weights stand still."""
        return self.row.action == "freeze" or (self.has_subspace and self.rank == 0)

    @property
    def has_subspace(self) -> bool:
        """Return whether the mode keeps or removes a subspace."""
        return self.row.subspace is not None

    @property
    def needs_window(self) -> bool:
        """Return whether the subspace comes from a window of rows."""
        return self.row.subspace == "sed" and self.rank > 0

    @property
    def draws(self) -> bool:
        """Return whether the subspace is random."""
        return self.row.subspace == "random" and self.rank > 0

    @property
    def effective(self) -> frozenset[str]:
        """Return the settings that this training depends on: rank 0 waits like its mode, and projects nothing."""
        idle = {"on", "basis_source", "basis", "redraw", "seed"} if self.freezes else set()
        return self.row.settings - idle

    @property
    def target(self) -> str | None:
        """Return what is changed: `gradient`, `update`, or None."""
        if not self.acts:
            return None
        return UPDATE if self.freezes else GRADIENT if self.row.action == "drop_gradient" else self.on

    @property
    def raw_source(self) -> str | None:
        """Return the row source that holds what there was before the change, or None."""
        return next((row.pattern for row in ROW_SOURCES if row.raw_of is not None and row.raw_of == self.target), None)

    @property
    def source(self) -> str:
        """Return the source of the window's rows, with the default put in."""
        return self.on if self.basis_source is None else self.basis_source

    @property
    def task(self) -> str | None:
        """Return the task whose gradients make the window, or None."""
        return self.source.removeprefix(f"{GRADIENT}/") if self.source.startswith(f"{GRADIENT}/") else None

    @property
    def rows_are(self) -> str:
        """Return `applied` or `raw`, with the default put in."""
        return self.basis or (APPLIED if self.task is None else RAW)

    @property
    def unmodified_steps(self) -> int:
        """Return the number of steps before the first that may be changed.

        Modes with a random subspace, and rank 0, wait as long as the window would take to fill: they start from the
        weights that the SED modes start from.
        """
        return unmodified_steps(self.window if self.has_subspace else None, self.stride, self.warm_up)

    def wants_gradient_of(self, task: str, t: int) -> bool:
        """Return whether the task's gradient makes a row of the window in the step that leaves θ_t."""
        return self.needs_window and self.task == task and t % self.stride == 0

    def describe(self) -> dict[str, Any]:
        """Return the `intervention` object of `run.json`; what has no meaning for the mode is null."""
        values = {option.field: getattr(self, option.field) for option in INTERVENTION_OPTIONS}
        values |= {"basis_source": self.source, "basis": self.rows_are}
        meant = {name: value if name in self.row.settings else None for name, value in values.items()}
        return {"mode": self.mode} | meant | {"on": self.target}

    def window_bytes(self, size: int) -> int:
        """Return the bytes of the window and its basis where P is `size`."""
        return 8 * (self.window + self.rank) * size if self.needs_window else 0

    def summary(self) -> str:
        """Return the intervention in a few words."""
        if not self.acts:
            return "control: nothing is changed"
        words = [self.mode] + ([f"rank {self.rank}"] if self.has_subspace else [])
        if self.freezes:
            return ", ".join([*words, "selected weights stand still"])
        if self.row.action == "drop_gradient":
            return f"{self.mode}, selected weights get no gradient"
        words.append(f"on the {self.target}")
        if self.needs_window:
            words.append(f"basis from the last {self.window} rows of {self.source} ({self.rows_are})")
        if self.draws:
            words.append("redrawn at each step" if self.redraw == EACH_STEP else "drawn once")
        return ", ".join(words)

    # --- checks -----------------------------------------------------------------------------------------------------

    def _check_rank(self) -> None:
        if self.needs_window and self.rank > self.window:
            raise UsageError(
                f"rank: a window of {self.window} rows has at most {self.window} directions, found {self.rank}"
            )
        if self.row.action == "remove" and self.rank == 0:
            raise UsageError(f"rank: {self.mode} must remove 1 or more, found 0; nothing removed is {CONTROL}")
        if self.row.stretches and self.rank == 0:
            raise UsageError(f"rank: {self.mode} must keep 1 or more, found 0; nothing can be given a norm")

    def _check_basis(self) -> None:
        if not self.task:
            sources = (GRADIENT, f"{GRADIENT}/<task>", UPDATE, MOMENTUM_BASIS)
            check_choice("basis-source", self.source, sources)
        if self.basis is None:
            return
        check_choice("basis", self.basis, (APPLIED, RAW))
        if self.task and self.basis == APPLIED:
            raise UsageError(f"basis: the gradient of one task is never applied by itself; {self.source} is raw")
        resulting = self.source in (UPDATE, MOMENTUM_BASIS) and self.on == GRADIENT
        if resulting and self.basis == RAW:
            raise UsageError(f"basis: with a projected gradient the {self.source} exists as applied alone; found {RAW}")


def unmodified_steps(window: int | None, stride: int, warm_up: int) -> int:
    """Return the number of steps before the first that may be changed: until W rows are there, or longer."""
    return max(0 if window is None else (window - 1) * stride + 1, warm_up)
