"""The facts that a run states of itself and the analysis does not repeat: its recipe, its versions and its metrics.

Decides which facts a report shows, what tells two recipes apart (everything but the seed), and what a run that could
not be reported on does to the exit status. Reads manifest and scalars only.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recorders.errors import EXIT_DAMAGED, EXIT_OK, SedscopeError
from recorders.format import LOSS_PREFIX, METRIC_PREFIX
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.interventions.outcome import Recipe
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.runs import Run
from sedscope.runs.manifest import Optimizer

_SHOWN = ("lr", "betas", "momentum", "eps", "weight_decay")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Facts of one run, all printable."""

    seed: str | None
    command: str
    """The command line of the training."""
    git: str | None
    versions: tuple[tuple[str, str], ...]
    device: str | None
    selection: str
    """The selection as the recording stated it."""
    optimizer: str | None
    every: int
    """Steps between recorded t."""
    treatment: str
    """The intervention in words; `control` where there was none."""
    recipe: str
    """Equal for runs that differ in nothing but the seed."""
    metrics: Mapping[str, tuple[Ints, Floats]]
    """Steps and values of everything that was logged, and losses under `loss/<task>`."""

    @classmethod
    def of(cls, run: Run) -> RunFacts:
        """Return the facts of an opened run."""
        manifest, treatment = run.manifest, Treatment.of(run.manifest)
        git = manifest.git or {}
        commit = git.get("commit")
        return cls(
            seed=None if manifest.seed is None else str(manifest.seed),
            command=shlex.join(manifest.command),
            git=None if commit is None else f"{commit}{' with changes' if git.get('dirty') else ''}",
            versions=tuple((name, str(version)) for name, version in manifest.versions.items()),
            device=manifest.device,
            selection=", ".join(manifest.spec),
            optimizer=None if manifest.optimizer is None else _optimizer(manifest.optimizer),
            every=manifest.recording.every,
            treatment=treatment.label,
            recipe=str((Recipe.of(manifest), run.tasks, manifest.selected, manifest.recording.every, treatment.key)),
            metrics={
                name.removeprefix(METRIC_PREFIX): run.scalar(name)
                for name in run.scalar_names()
                if name.startswith((METRIC_PREFIX, LOSS_PREFIX))
            },
        )


@dataclass(frozen=True, slots=True)
class Reported:
    """A run of the report: what was computed, and what the run says itself."""

    analysis: RunAnalysis
    facts: RunFacts


def _optimizer(optimizer: Optimizer) -> str:
    """Return `AdamW, lr 0.001, betas (0.9, 0.98), weight_decay 1.0`; groups that differ stand one after the other."""
    groups = dict.fromkeys(
        ", ".join(f"{key} {_value(group.settings[key])}" for key in _SHOWN if key in group.settings)
        for group in optimizer.groups
    )
    return "; ".join(f"{optimizer.name}, {group}" if group else optimizer.name for group in groups)


def _value(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class Failure:
    """One run and why."""

    path: str
    reason: str
    status: int

    @classmethod
    def of(cls, path: str, error: SedscopeError) -> Failure:
        """Return the failure that an error caused; the path is named once."""
        return cls(path, str(error).removeprefix(f"{path}: "), error.status)


def exit_status(failures: Sequence[Failure], *, damaged: bool) -> int:
    """Return the exit status: damage outranks every other reason; otherwise the first failure decides."""
    if damaged or any(failure.status == EXIT_DAMAGED for failure in failures):
        return EXIT_DAMAGED
    return failures[0].status if failures else EXIT_OK
