"""The intervention modes: one row says everything about a mode but its projection.

The settings, `run.json`, the command line, sweeps and reports read this table, each what concerns it. A new mode is a
new row, and code in `projection` and `intervener` only where no action here does to a vector what the mode does.
Needs the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CONTROL: Final = "control"
FREEZE: Final = "freeze"
KEEP_RANDOM: Final = "keep-random"
REMOVE_RANDOM: Final = "remove-random"

_WAIT: Final = frozenset({"warm_up"})
_PROJECTION: Final = frozenset({"on", "rank", "window", "stride"})
"""Random subspaces have a window and a stride too: they wait as long as the SED modes, to start from equal weights."""
_SED: Final = frozenset({"basis_source", "basis"})
_RANDOM: Final = frozenset({"redraw", "seed"})


@dataclass(frozen=True, slots=True)
class InterventionMode:
    """One kind of change to a training."""

    name: str
    """The mode as `--intervene`, `run.json` and reports write it."""
    help: str
    """What happens at every step once the intervention has begun, for `sedscope record --help`."""
    action: Literal["nothing", "freeze", "drop_gradient", "keep", "remove"]
    """What is done to the selected gradient or update: `keep` and `remove` project it onto or out of a subspace."""
    subspace: Literal["sed", "random"] | None = None
    """Where the subspace comes from: a window of rows, or a private generator; None without one."""
    stretches: bool = False
    """True where the kept component gets the norm of the vector before the projection."""
    beside: tuple[str, ...] = ()
    """Modes that a result must be shown beside: one that stands still, and one that does the same at random."""
    label: str | None = None
    """The mode's name in comparisons; None: `name`."""

    @property
    def acts(self) -> bool:
        """Return whether the training is changed at all."""
        return self.action != "nothing"

    @property
    def settings(self) -> frozenset[str]:
        """Return the fields of `Intervention` that mean anything for the mode."""
        if not self.acts:
            return frozenset()
        if self.subspace is None:
            return _WAIT
        return _WAIT | _PROJECTION | (_SED if self.subspace == "sed" else _RANDOM)

    @property
    def random_counterpart(self) -> str | None:
        """Return the mode that does the same with a random subspace; None where the mode's own is random."""
        return next((name for name in self.beside if MODES[name].subspace == "random"), None)

    @property
    def needs_freeze(self) -> bool:
        """Return whether a result says nothing without weights that stand still beside it."""
        return any(MODES[name].action == "freeze" for name in self.beside)


_ROWS: Final = (
    InterventionMode(CONTROL, "nothing is changed: bit by bit the training without an intervention", "nothing"),
    InterventionMode(
        "keep-sed", "only the SED subspace of the last W rows goes through", "keep", "sed", beside=(FREEZE, KEEP_RANDOM)
    ),
    InterventionMode("remove-sed", "that subspace is taken out", "remove", "sed", beside=(REMOVE_RANDOM,)),
    InterventionMode(KEEP_RANDOM, "only a random subspace goes through", "keep", "random", beside=(FREEZE,)),
    InterventionMode(REMOVE_RANDOM, "a random subspace is taken out", "remove", "random"),
    InterventionMode(
        "keep-random-norm",
        "as keep-random, and what is kept is stretched to the full norm",
        "keep",
        "random",
        stretches=True,
        beside=(FREEZE,),
    ),
    InterventionMode(FREEZE, "the selected weights stand still, weight decay included", "freeze"),
    InterventionMode("decay-only", "the selected weights get no gradient, only weight decay", "drop_gradient"),
)
MODES: Final = {mode.name: mode for mode in _ROWS}
"""Every mode by its name, in the order of the help."""


def report_order() -> list[str]:
    """Return the names of all modes so that what a result must stand beside comes before it."""
    return sorted(MODES, key=lambda name: (MODES[name].subspace is not None, MODES[name].action == "remove"))
