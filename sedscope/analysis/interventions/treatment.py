"""The intervention on a run, as words and as identity.

Decides which runs had the same done to them: mode and every option but the seed of random subspaces, and the same
selected weights. `run.json` is foreign: a value of another kind than expected is kept as text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from recorders.intervention.intervention_settings import DEFAULT_WINDOW, EACH_STEP, unmodified_steps
from recorders.intervention.modes import CONTROL, MODES, InterventionMode
from sedscope.runs import Manifest, printable

UNKNOWN_MODE = "unknown"
_SEED = "seed"


@dataclass(frozen=True, slots=True)
class Treatment:
    """One intervention with its options; those without a meaning for the mode are None."""

    mode: str
    on: str | None = None
    rank: int | None = None
    window: int | None = None
    stride: int | None = None
    warm_up: int | None = None
    basis_source: str | None = None
    basis: str | None = None
    """`applied` or `raw`."""
    redraw: str | None = None
    selection: str = ""
    """The weights that it acts on, as the recording options name them; empty for a control."""
    key: str = ""
    """Identity: equal where mode, options and selected weights are."""

    @classmethod
    def of(cls, manifest: Manifest) -> Treatment:
        """Read the intervention that `run.json` states; none is a control."""
        intervention = manifest.intervention
        if not intervention or (isinstance(intervention, dict) and intervention.get("mode") == CONTROL):
            return CONTROLLED
        stated = intervention if isinstance(intervention, dict) else {"mode": intervention}
        options = {name: value for name, value in stated.items() if name != _SEED}
        selected = [parameter.name for parameter in manifest.selected]
        return cls(
            mode=_text(stated.get("mode")) or UNKNOWN_MODE,
            on=_text(stated.get("on")),
            rank=_integer(stated.get("rank")),
            window=_integer(stated.get("window")),
            stride=_integer(stated.get("stride")),
            warm_up=_integer(stated.get("warm_up")),
            basis_source=_text(stated.get("basis_source")),
            basis=_text(stated.get("basis")),
            redraw=_text(stated.get("redraw")),
            selection=printable(", ".join(manifest.spec)),
            key=json.dumps([options, selected], sort_keys=True, default=str),
        )

    @property
    def row(self) -> InterventionMode | None:
        """Return what the table of modes says of the mode; None for one that it does not know."""
        return MODES.get(self.mode)

    @property
    def acts(self) -> bool:
        """Return whether the training was changed."""
        return self.mode != CONTROL

    @property
    def freezes(self) -> bool:
        """Return whether the selected weights stand still."""
        return self.row is not None and (self.row.action == "freeze" or (self.row.action == "keep" and self.rank == 0))

    @property
    def needs_freeze(self) -> bool:
        """Return whether the result means nothing without `freeze` beside it."""
        return self.row is not None and self.row.needs_freeze and not self.freezes

    @property
    def unmodified_steps(self) -> int:
        """Steps before the first that may be changed."""
        return unmodified_steps(self.window, self.stride or 1, self.warm_up or 0)

    @property
    def removes(self) -> bool:
        """Return whether a subspace is taken out."""
        return self.row is not None and self.row.action == "remove"

    @property
    def random_mode(self) -> str | None:
        """Return the mode that does the same with a random subspace; None for others than the SED modes."""
        return None if self.row is None or self.freezes else self.row.random_counterpart

    @property
    def has_basis(self) -> bool:
        """Return whether the subspace comes from a window of rows: what these are then decides the training."""
        return self.row is not None and self.row.subspace == "sed"

    @property
    def basis_words(self) -> str | None:
        """`applied`, `raw of gradient/add`; None where no window makes the subspace."""
        if not self.has_basis or self.freezes:
            return None
        basis = self.basis or "unknown basis"
        return basis if self.basis_source in (None, self.on) else f"{basis} of {self.basis_source}"

    @property
    def label(self) -> str:
        """`keep-sed K 3 on gradient, basis applied`: mode and options; usual windows, strides and waits unsaid."""
        rank = "" if self.rank is None else f" K {self.rank}"
        on = f" on {self.on}" if self.on is not None and self.rank is not None and not self.freezes else ""
        name = self.mode if self.row is None or self.row.label is None else self.row.label
        words = [name + rank + on]
        words += [] if self.basis_words is None else [f"basis {self.basis_words}"]
        words += [f"W {self.window}"] if self.has_basis and self.window not in (None, DEFAULT_WINDOW) else []
        words += [f"stride {self.stride}"] if self.stride not in (None, 1) else []
        words += [f"warm-up {self.warm_up}"] if self.warm_up else []
        words += ["drawn once"] if self.redraw not in (None, EACH_STEP) else []
        return ", ".join(words)


CONTROLLED = Treatment(CONTROL)
"""The treatment of every control."""


def labels(treatments: list[Treatment]) -> dict[str, str]:
    """Return a label for each key; those that would be alike get their selection, then a number."""
    by_key = {treatment.key: treatment for treatment in treatments}
    plain = [treatment.label for treatment in by_key.values()]
    distinct: dict[str, str] = {}
    for key, treatment in by_key.items():
        label = treatment.label
        if plain.count(label) > 1:
            label = f"{label}, of {treatment.selection or 'unknown weights'}"
        alike = sum(other == label or other.startswith(f"{label} (") for other in distinct.values())
        distinct[key] = f"{label} ({alike + 1})" if alike else label
    return distinct


def _text(value: Any) -> str | None:
    return None if value is None else printable(value if isinstance(value, str) else json.dumps(value, default=str))


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
