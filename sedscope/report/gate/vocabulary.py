"""What a check may speak of: functions, quantities and their parameters. `docs/checks.md` explains them."""

from __future__ import annotations

from dataclasses import dataclass

from recorders.errors import UsageError
from sedscope.analysis.coupling.alignment import SHIFT_KINDS
from sedscope.analysis.statistics.grokking import GROK_ACCURACIES

REDUCTIONS = ("final", "peak", "lowest", "mean", "at")
"""From a series over t to one number: at the last checkpoint, the largest, the least, the mean, at `t=`."""
ENDS = ("low", "high")
"""The ends of an interval."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity and the parameters that pick it out."""

    parameters: tuple[str, ...]
    """Besides `run`."""
    required: tuple[str, ...] = ()
    series: bool = True
    """Over t, so that a reduction must say which value is meant."""
    of_run: bool = True
    """Of one run; otherwise of all runs that had the same done to them."""


_COUPLING = Quantity(("source", "task", "window", "rank"), ("source",))
_EDGE = Quantity(("source", "window"), ("source",))
_STEP = Quantity(("task", "threshold"), series=False)
OPTIONS = ("on", "rank", "window", "basis", "basis_source")
"""Of an intervention."""
_GROUP = ("intervention", "task", "threshold", "vary", *OPTIONS)

QUANTITIES: dict[str, Quantity] = {
    "rbar": _COUPLING,
    "rbar_logit": _COUPLING,
    "rbar_matched": _COUPLING,
    "alignment": Quantity(("source", "task", "window", "rank", "moved"), ("source",)),
    "rank90": Quantity(("task",)),
    "participation": _EDGE,
    "gap": _EDGE,
    "k_star": _EDGE,
    "metric": Quantity(("name",), ("name",)),
    "grok_step": _STEP,
    "memorisation_step": Quantity(("task",), series=False),
    "delay": Quantity(("task",), series=False),
    "speedup": Quantity((*_GROUP, "over"), ("intervention",), series=False, of_run=False),
    "grokked": Quantity(_GROUP, ("intervention",), series=False, of_run=False),
}

TEXTS = ("source", "task", "name", "run", "moved", "intervention", "over", "vary", "on", "basis", "basis_source")
"""Parameters that take a text; the others take a number."""
WHOLE = ("t", "window", "rank")
CHOICES: dict[str, tuple[str | float, ...]] = {
    "moved": SHIFT_KINDS,
    "threshold": GROK_ACCURACIES,
    "over": ("control", "freeze", "random"),
}


def require_known(what: str, name: str, known: tuple[str, ...], where: str) -> None:
    """Refuses an unknown name, listing the known ones.

    Raises:
        UsageError: It is not among them.
    """
    if name not in known:
        raise UsageError(f"--check: {what}: one of {', '.join(known)} is required, found {name!r} in {where!r}")
