"""The plan: the trainings that the reproduction records, as sweeps, and the settings that they are measured with.

Decides the folders, the interventions, seeds and operations of each scale. Leaves to others: running a sweep
(`sedscope.sweep`), and measuring its runs (`measure`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from recorders.recording_options import DEFAULT_EVERY, RecordingOptions
from sedscope.analysis.settings import Settings
from sedscope.sweep import Sweep, parse_interventions

SCRIPT: Final = "examples/modular_arithmetic.py"
ALL_OPS: Final = ("add", "sub", "mul", "x2y2")

SINGLE: Final = "single"
FOUR: Final = "four"
GRADIENT: Final = "gradient"
UPDATE: Final = "update"
REPEATS: Final = "update-repeats"
RANK: Final = "rank"
EXPERIMENTS: Final = (SINGLE, GRADIENT, FOUR, UPDATE, REPEATS, RANK)
"""Folders, in the order in which they are recorded."""

_KEEP_AND_REMOVE: Final = "keep-sed:basis=applied,basis=raw,keep-random,keep-random-norm,remove-sed,remove-random"


@dataclass(frozen=True)
class Experiment:
    """One experiment of the reproduction: a sweep with a folder of runs."""

    name: str
    """Its folder inside the reproduction's."""
    about: str
    """Its purpose, in words."""
    interventions: str
    """Value of `--interventions`."""
    ops: tuple[str, ...]
    """Operations: one training for each, or all of them in one training."""
    together: bool
    """True where all operations share one training."""
    seeds: tuple[int, ...]
    on: str | None = None
    """The vector that is projected; None for sedscope's default, the gradient."""
    window: int | None = None
    """Rows that a subspace is made of; None for sedscope's default."""
    extra: tuple[str, ...] = ()
    """Further arguments of the script, the same in every cell."""
    every: int = DEFAULT_EVERY
    """Steps between recorded t."""
    steps: int = 0
    """Optimizer steps of a training on average, by those recorded before; it stops once it has generalised."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The script and its arguments, with `{seed}` for the seed."""
        ops = ("--ops", ",".join(self.ops)) if self.together else ()
        return (SCRIPT, *self.extra, *ops, "--seed", "{seed}")

    @property
    def sweep(self) -> Sweep:
        """The sweep that `sedscope sweep` would run."""
        common = {"on": [self.on] if self.on else [], "window": [str(self.window)] if self.window else []}
        return Sweep(
            self.arguments,
            interventions=parse_interventions(self.interventions, common),
            seeds=self.seeds,
            vary={} if self.together else {"--ops": self.ops},
            recording=RecordingOptions(every=self.every),
        )

    def order(self, ops: tuple[str, ...], seed: int) -> tuple[int, int]:
        """Return the position of a training in the plan; those that are not planned come last."""
        planned_ops = (self.ops,) if self.together else tuple((op,) for op in self.ops)
        return _index(planned_ops, ops), _index(self.seeds, seed)

    def command(self, out: str) -> str:
        """Return the sweep as a command line."""
        words = ["sedscope", "sweep", "--interventions", self.interventions, "--seeds", ",".join(map(str, self.seeds))]
        words += [] if self.together else ["--vary", f"--ops={','.join(self.ops)}"]
        words += [] if self.on is None else ["--on", self.on]
        words += [] if self.window is None else ["--window", str(self.window)]
        words += [] if self.every == DEFAULT_EVERY else ["--every", str(self.every)]
        return f"{shlex.join([*words, '--out', f'{out}/{self.name}'])} -- {' '.join(self.arguments)}"


def _index(items: Sequence[object], item: object) -> int:
    return items.index(item) if item in items else len(items)


@dataclass(frozen=True)
class Scale:
    """All experiments of one size of the reproduction, and the settings that they are measured with."""

    name: str
    modulus: int
    experiments: tuple[Experiment, ...]
    single: Settings
    """Settings for runs of one operation: trailing windows, exact derivative."""
    four: Settings
    """Settings for runs of several operations."""
    ablation_checkpoints: int
    """Checkpoints of the one run whose settings are varied."""
    windows: tuple[int, ...]
    """W that R_1 is measured with."""
    ranks: tuple[int, ...]
    """K that R̄_k is measured with, at the usual W."""
    epsilons: tuple[float, ...]
    """Steps of the central difference, as fractions of the norm of the selected weights."""
    is_published: bool
    """True where the recipe is the published one, so that its numbers can be held against ours."""

    def experiment(self, name: str) -> Experiment:
        """Return the experiment of this name."""
        return next(experiment for experiment in self.experiments if experiment.name == name)


def _experiments(
    ops: tuple[str, ...],
    acted_on: tuple[str, ...],
    seeds: tuple[int, ...],
    modes: str,
    *,
    extra: tuple[str, ...] = (),
    every: int = DEFAULT_EVERY,
    steps: tuple[int, int, int],
) -> dict[str, Experiment]:
    """Return the experiments of every scale: operations alone, projections of the gradient, operations together."""
    alone, acted, together = steps
    controls = Experiment(
        SINGLE, "one operation each, nothing changed", "control", ops, False, seeds, extra=extra, every=every,
        steps=alone,
    )  # fmt: skip
    gradient = replace(
        controls, name=GRADIENT, about="projections of the gradient", interventions=modes, ops=acted_on, steps=acted
    )
    four = replace(
        controls, name=FOUR, about="all operations on one encoder, nothing changed", together=True, steps=together
    )
    return {experiment.name: experiment for experiment in (controls, gradient, four)}


def _full_experiments() -> tuple[Experiment, ...]:
    common = _experiments(
        ALL_OPS,
        ("add", "mul"),
        (42, 137, 2024),
        f"freeze,decay-only,keep-sed:rank=0,{_KEEP_AND_REMOVE}",
        steps=(3500, 2000, 10_000),
    )
    gradient = common[GRADIENT]
    update = replace(
        gradient, name=UPDATE, about="projections of the update", interventions=_KEEP_AND_REMOVE, on=UPDATE, steps=2400
    )
    # Rounding alone moves these trainings, so that three seeds say nothing: `verdict.REPEATS` of them must agree.
    repeats = replace(
        update,
        name=REPEATS,
        about="removal from the update, on more seeds",
        interventions="control,remove-sed,remove-random",
        ops=("add",),
        seeds=(7, 19, 31, 1009, 2718),
        steps=3100,
    )
    ranks = "keep-sed:" + ",".join(f"rank={rank}" for rank in (0, 1, 3, 10, 30))
    # A window holds as many dimensions as it has rows, so the usual 20 rows would not do for rank 30.
    rank = replace(
        gradient, name=RANK, about="how many dimensions are kept", interventions=ranks, ops=("add",), window=40,
        steps=1600,
    )  # fmt: skip
    return (*common.values(), update, repeats, rank)


FULL: Final = Scale(
    "full",
    97,
    _full_experiments(),
    single=Settings(checkpoints=10, second_measures=False, grok="published"),
    four=Settings(checkpoints=4, second_measures=False, grok="published"),
    ablation_checkpoints=40,
    windows=(1, 20, 40),
    ranks=(1, 3, 10, 20),
    epsilons=(0.001, 0.005, 0.05),
    is_published=True,
)
"""The published recipe: p = 97, hours."""

_SMALL: Final = "--modulus=23 --layers=1 --d-model=32 --d-ff=32 --lr=3e-3 --batch=128 --train-fraction=0.7 --steps=2400"

SMALL: Final = Scale(
    "small",
    23,
    tuple(
        _experiments(
            ("add", "mul"),
            ("add",),
            (42,),
            "freeze,keep-sed:basis=applied,basis=raw,keep-random,remove-sed",
            extra=tuple(_SMALL.split()),
            steps=(2400, 2400, 2400),
        ).values()
    ),
    single=Settings(checkpoints=6, second_measures=False, grok="published"),
    four=Settings(checkpoints=3, second_measures=False, grok="published"),
    ablation_checkpoints=6,
    windows=(1, 20),
    ranks=(1, 3, 10),
    epsilons=(0.005, 0.05),
    is_published=False,
)
"""Every kind of training and measurement, small enough for a few minutes."""

_TINY: Final = "--modulus=7 --steps=24 --d-model=8 --heads=2 --d-ff=8 --eval-every=2 --stop-after=1000"
_TINY_SETTINGS: Final = Settings(
    window=(5,), checkpoints=3, probes=32, random=4, batch=16, second_measures=False, grok="published"
)

TINY: Final = Scale(
    "tiny",
    7,
    tuple(
        _experiments(
            ("add",), ("add",), (42,), "freeze", extra=tuple(_TINY.split()), every=2, steps=(24, 24, 24)
        ).values()
    )[:2],
    single=_TINY_SETTINGS,
    four=_TINY_SETTINGS,
    ablation_checkpoints=3,
    windows=(1, 5),
    ranks=(1, 3),
    epsilons=(0.005,),
    is_published=False,
)
"""The smallest scale, in seconds: it shows that all of it runs."""

SCALES: Final = {scale.name: scale for scale in (FULL, SMALL, TINY)}


def folder(out: Path, experiment: Experiment) -> Path:
    """Return the folder of an experiment's runs."""
    return out / experiment.name
