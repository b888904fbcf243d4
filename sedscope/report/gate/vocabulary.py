"""The vocabulary of checks: functions, quantities and their parameters. `docs/checks.md` explains them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.coupling.alignment import SHIFT_KINDS
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SPECTRA
from sedscope.analysis.result_view.result_column import ResultColumn, columns_for

REDUCTIONS = ("final", "peak", "lowest", "mean", "at")
"""Functions that make one number of a series over t: the last, the largest, the least, the mean, the one at `t=`."""
ENDS = ("low", "high")
"""The ends of an interval."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity and the parameters that pick it out."""

    parameters: tuple[str, ...]
    """Names of the parameters besides `run`."""
    required: tuple[str, ...] = ()
    series: bool = True
    """True for a quantity over t, so that a reduction must say which value is meant."""
    of_run: bool = True
    """True for a quantity of one run; else it is one of all runs that had the same done to them."""


_COUPLING = Quantity(("source", "task", "window", "rank"), ("source",))
_SPECTRUM = Quantity(("source", "window"), ("source",))
OPTIONS = ("on", "rank", "window", "basis", "basis_source")
"""Options of an intervention, which tell its groups of runs apart."""
_GROUP = ("intervention", "task", "threshold", "vary", *OPTIONS)
_BY_PARAMETER = ("alignment_selected", "alignment_all", "grok_step_098")
"""Columns that a parameter picks: `alignment` by `moved=`, `grok_step` by `threshold=`."""


def _of_columns(columns: Iterable[ResultColumn[Any]], quantity: Quantity) -> dict[str, Quantity]:
    return {column.name: quantity for column in columns if column.name not in _BY_PARAMETER}


QUANTITIES: dict[str, Quantity] = {
    **_of_columns(columns_for("gate", CHECKPOINTS), _COUPLING),
    "alignment": Quantity(("source", "task", "window", "rank", "moved"), ("source",)),
    **_of_columns(columns_for("gate", RANKS), Quantity(("task",))),
    **_of_columns(reversed(columns_for("gate", SPECTRA)), _SPECTRUM),
    "metric": Quantity(("name",), ("name",)),
    **_of_columns(columns_for("gate", MILESTONES), Quantity(("task",), series=False)),
    "speedup": Quantity((*_GROUP, "over"), ("intervention",), series=False, of_run=False),
    "grokked": Quantity(_GROUP, ("intervention",), series=False, of_run=False),
}
QUANTITIES["grok_step"] = Quantity(("task", "threshold"), series=False)

TEXTS = ("source", "task", "name", "run", "moved", "intervention", "over", "vary", "on", "basis", "basis_source")
"""Parameters that take a text; the others take a number."""
INTEGERS = ("t", "window", "rank")
CHOICES: dict[str, tuple[str | float, ...]] = {
    "moved": SHIFT_KINDS,
    "threshold": GROK_ACCURACIES,
    "over": ("control", "freeze", "random"),
}
