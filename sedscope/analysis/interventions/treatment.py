"""What was done to a run: its intervention as words and as identity.

Decides which runs had the same done to them: mode and every option but the seed of random subspaces, and the same
selected weights. `run.json` is foreign: a value of another kind than expected is kept as text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from recorders.intervention.intervention_settings import (
    CONTROL,
    DEFAULT_WINDOW,
    EACH_STEP,
    FREEZE,
    KEEP_RANDOM,
    KEEP_RANDOM_NORM,
    KEEP_SED,
    REMOVE_RANDOM,
    REMOVE_SED,
    unmodified_steps,
)
from sedscope.runs import Manifest, printable

UNKNOWN_MODE = "unknown"
BASED = (KEEP_SED, REMOVE_SED)
"""Modes whose subspace comes from a window of rows: what the rows are decides the training."""
_KEEP = (KEEP_SED, KEEP_RANDOM, KEEP_RANDOM_NORM)
_REMOVE = (REMOVE_SED, REMOVE_RANDOM)
_RANDOM_OF = {KEEP_SED: KEEP_RANDOM, REMOVE_SED: REMOVE_RANDOM}
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
    """The weights that it acts on, as they were asked for; empty for a control."""
    key: str = ""
    """Equal where the same was done."""

    @classmethod
    def of(cls, manifest: Manifest) -> Treatment:
        """From what `run.json` says; no intervention is a control."""
        found = manifest.intervention
        if not found or (isinstance(found, dict) and found.get("mode") == CONTROL):
            return CONTROLLED
        stated = found if isinstance(found, dict) else {"mode": found}
        options = {name: value for name, value in stated.items() if name != _SEED}
        selected = [one.name for one in manifest.selected]
        return cls(
            mode=_text(stated.get("mode")) or UNKNOWN_MODE,
            on=_text(stated.get("on")),
            rank=_whole(stated.get("rank")),
            window=_whole(stated.get("window")),
            stride=_whole(stated.get("stride")),
            warm_up=_whole(stated.get("warm_up")),
            basis_source=_text(stated.get("basis_source")),
            basis=_text(stated.get("basis")),
            redraw=_text(stated.get("redraw")),
            selection=printable(", ".join(manifest.spec)),
            key=json.dumps([options, selected], sort_keys=True, default=str),
        )

    @property
    def acts(self) -> bool:
        """Whether the training was changed."""
        return self.mode != CONTROL

    @property
    def freezes(self) -> bool:
        """Whether the selected weights stand still."""
        return self.mode == FREEZE or (self.mode in _KEEP and self.rank == 0)

    @property
    def keeps(self) -> bool:
        """Whether only a subspace goes through, so that the result means nothing without `freeze` beside it."""
        return self.mode in _KEEP and not self.freezes

    @property
    def unmodified_steps(self) -> int:
        """Steps before the first that may be changed."""
        return unmodified_steps(self.window, self.stride or 1, self.warm_up or 0)

    @property
    def removes(self) -> bool:
        """Whether a subspace is taken out."""
        return self.mode in _REMOVE

    @property
    def random_mode(self) -> str | None:
        """The mode that does the same with a random subspace; None for others than the SED modes."""
        return None if self.freezes else _RANDOM_OF.get(self.mode)

    @property
    def basis_words(self) -> str | None:
        """`applied`, `raw of gradient/add`; None where no window makes the subspace."""
        if self.mode not in BASED or self.freezes:
            return None
        basis = self.basis or "unknown basis"
        return basis if self.basis_source in (None, self.on) else f"{basis} of {self.basis_source}"

    @property
    def label(self) -> str:
        """`keep-sed K 3 on gradient, basis applied`: mode and options; usual windows, strides and waits unsaid."""
        rank = "" if self.rank is None else f" K {self.rank}"
        on = f" on {self.on}" if self.on is not None and self.rank is not None and not self.freezes else ""
        words = [self.mode + rank + on]
        words += [] if self.basis_words is None else [f"basis {self.basis_words}"]
        words += [f"W {self.window}"] if self.mode in BASED and self.window not in (None, DEFAULT_WINDOW) else []
        words += [f"stride {self.stride}"] if self.stride not in (None, 1) else []
        words += [f"warm-up {self.warm_up}"] if self.warm_up else []
        words += ["drawn once"] if self.redraw not in (None, EACH_STEP) else []
        return ", ".join(words)


CONTROLLED = Treatment(CONTROL)
"""Nothing was done."""


def labels(treatments: list[Treatment]) -> dict[str, str]:
    """A label for each key; those that would be alike get their selection, then a number."""
    found: dict[str, str] = {}
    by_key = {one.key: one for one in treatments}
    plain = [one.label for one in by_key.values()]
    for key, one in by_key.items():
        label = one.label if plain.count(one.label) == 1 else f"{one.label}, of {one.selection or 'unknown weights'}"
        alike = sum(other == label or other.startswith(f"{label} (") for other in found.values())
        found[key] = f"{label} ({alike + 1})" if alike else label
    return found


def _text(value: Any) -> str | None:
    return None if value is None else printable(value if isinstance(value, str) else json.dumps(value, default=str))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
