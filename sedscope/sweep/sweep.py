"""`Sweep`: the script, the interventions, seeds and arguments that it is run with, and the cells that follow.

Decides the order of the cells, how values are put into the script's arguments, and that the random subspaces of
different seeds differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Final

from recorders.errors import UsageError
from recorders.format import MAX_INTEGER
from recorders.intervention import Intervention
from recorders.intervention.modes import CONTROL
from recorders.recording_options import RECORDING_OPTIONS, RecordingOptions
from sedscope.sweep.cell import SweepCell, cell_name, plain

_SEED: Final = "seed"


@dataclass(frozen=True)
class Sweep:
    """A sweep: every intervention with every seed and every choice of arguments.

    Raises:
        UsageError: A seed or value would not reach the script, or two cells would have one name.
    """

    arguments: Sequence[str]
    """The script (or module) and its arguments; `{seed}` and the names of varied arguments are filled in."""
    interventions: Sequence[Intervention] = (Intervention(CONTROL),)
    """Each makes cells. `seed` 0 of a random subspace stands for the training's seed, so that no two share draws."""
    seeds: Sequence[int] = ()
    """Values of `{seed}`; without any, the script keeps its own."""
    vary: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Argument → values. `--ops` is put in for `{ops}`, or else appended as `--ops=VALUE`; `lr` needs its `{lr}`."""
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    """Options of the recorder, the same for every cell."""
    module: bool = False
    """True where the first argument is a module, as in `python -m`."""

    def __post_init__(self) -> None:
        """Refuse a sweep whose cells would not be different trainings."""
        if not self.arguments:
            raise UsageError("script: a script and its arguments are required, found nothing")
        if not self.interventions:
            raise UsageError("interventions: one or more are required, found none")
        if (
            any(getattr(self.recording, row.field) for row in RECORDING_OPTIONS if row.of_one_run)
            or self.recording.intervention
        ):
            raise UsageError("recording: interventions, force, resume and first step are the sweep's to decide")
        self._check_seeds()
        for name, values in self.vary.items():
            self._check_varied(name, values)
        self._check_names()

    def cells(self) -> tuple[SweepCell, ...]:
        """Return all cells; those of one seed stand together, so that an interrupted sweep has complete comparisons."""
        interventions = dict.fromkeys(plain(intervention) for intervention in self.interventions)
        return tuple(
            self._cell(intervention, seed, dict(zip(self.vary, values, strict=True)))
            for seed in dict.fromkeys(self.seeds) or (None,)
            for values in product(*self.vary.values())
            for intervention in interventions
        )

    def _cell(self, intervention: Intervention, seed: int | None, varied: Mapping[str, str]) -> SweepCell:
        name = cell_name(intervention, seed, varied)
        if seed is not None and intervention.draws and intervention.seed == 0:
            intervention = replace(intervention, seed=seed)
        return SweepCell(name, intervention, seed, varied, self._filled(seed, varied), self.module)

    def _filled(self, seed: int | None, varied: Mapping[str, str]) -> tuple[str, ...]:
        """Return the arguments with all values filled in at once: a value that holds `{seed}` stays as it is."""
        values = {name.strip("-"): value for name, value in varied.items()}
        values |= {} if seed is None else {_SEED: str(seed)}
        pattern = re.compile("|".join(re.escape(f"{{{name}}}") for name in values) or "(?!)")
        filled = [pattern.sub(lambda match: values[match[0][1:-1]], word) for word in self.arguments]
        return (*filled, *(f"{name}={value}" for name, value in varied.items() if not self._takes(name.strip("-"))))

    def _takes(self, name: str) -> bool:
        return any(f"{{{name}}}" in word for word in self.arguments)

    def _check_seeds(self) -> None:
        for seed in self.seeds:
            if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_INTEGER:
                raise UsageError(f"seeds: must be whole numbers, 0 or more; found {seed!r:.80}")
        if self.seeds and not self._takes(_SEED):
            raise UsageError("seeds: {seed} must stand in the script's arguments, such as --seed {seed}; it does not")
        if self._takes(_SEED) and not self.seeds:
            raise UsageError("seeds: {seed} stands in the script's arguments, so one or more are required; found none")

    def _check_varied(self, name: str, values: Sequence[str]) -> None:
        key = name.strip("-")
        if key in (_SEED, ""):
            raise UsageError(f"vary: must be an argument other than the seed, which has --seeds; found {name!r:.80}")
        if not values or "" in values:
            raise UsageError(f"vary: {name} must have values with a comma between them; found an empty one")
        if [other.strip("-") for other in self.vary].count(key) > 1:
            raise UsageError(f"vary: {name} must be varied once, with dashes or without")
        if not name.startswith("-") and not self._takes(key):
            raise UsageError(f"vary: {{{key}}} must stand in the script's arguments, or write --{key}=…; it does not")

    def _check_names(self) -> None:
        """Refuse names that differ in large and small letters only: some file systems do not tell them apart."""
        seen: dict[str, SweepCell] = {}
        for cell in self.cells():
            if (other := seen.setdefault(cell.name.casefold(), cell)) is not cell:
                raise UsageError(f"cells: must have different names; {cell.name} and {other.name} are too alike")


def default_folder(script: str, *, module: bool) -> Path:
    """Return `runs/<script>-sweep`: the same for the same command, which goes on there."""
    stem = re.sub(r"[^\w.-]+", "-", script if module else Path(script).stem) or "run"
    return Path("runs") / f"{stem}-sweep"
