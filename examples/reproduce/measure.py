"""The numbers of recorded runs: couplings of each run's sources, the ablations, and the effects of interventions.

Decides which sources are put against which task, with which windows. Every analysis goes through sedscope's own cache
in the run, so that what was measured once is not measured again, and an interrupt loses one checkpoint at most. Leaves
to others: which number stands against which published one (`claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from examples.reproduce.per_example import PerExample, per_example
from examples.reproduce.plan import FOUR, GRADIENT, RANK, REPEATS, SINGLE, UPDATE, Scale
from examples.reproduce.recordings import Inventory, Recording
from recorders.errors import SedscopeError
from recorders.row_sources import CONTROL_SHUFFLED, DISPLACEMENT, FIXED_GRADIENT, Source
from sedscope.analysis.interventions import InterventionComparison, Outcome, TaskComparison, compare, outcome_of
from sedscope.analysis.interventions.outcome import Recipe
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.progress import AnalysisProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.runs import Run

Tell = Callable[[str], None]
"""Shows progress, in words."""

ABLATED = ("add", 42)
"""Operation and seed of the ablations."""


@dataclass(frozen=True)
class RunCouplings:
    """One run and the couplings of its sources."""

    recording: Recording
    trailing: RunAnalysis
    """All sources and controls, windows that end at t, exact derivative."""
    as_published: RunAnalysis
    """Displacement and fixed gradients by the published code's windows, which start at t, and central difference."""
    crossed: RunAnalysis | None = None
    """Gradients of each task against every task; None where there is one task."""
    per_example: tuple[PerExample, ...] = ()
    """Singular vectors of per-example gradients at start, middle and end; for one operation alone."""


@dataclass(frozen=True)
class Ablation:
    """R_1 of the fixed gradient under one setting, or R̄_k under one K."""

    setting: str
    """`W`, `K` or `ε`; `exact` where it is the exact derivative."""
    value: float
    """Value of the setting; 0 for the exact derivative."""
    series: CouplingSeries


@dataclass(frozen=True)
class Measurements:
    """All numbers of the page."""

    inventory: Inventory
    single: tuple[RunCouplings, ...]
    four: tuple[RunCouplings, ...]
    ablations: tuple[Ablation, ...]
    comparison: InterventionComparison
    failures: tuple[str, ...]
    """Recordings that could not be measured, with reasons."""

    def task(self, op: str) -> TaskComparison | None:
        """Return all interventions on one operation; None where nothing of it was recorded."""
        tasks = (task for cohort in self.comparison.cohorts for task in cohort.tasks)
        return next((task for task in tasks if task.task == op), None)


def measure(inventory: Inventory, scale: Scale, tell: Tell) -> Measurements:
    """Measure all numbers of the recorded runs."""
    failures: list[str] = []

    def each(recordings: Sequence[Recording], how: Callable[[Recording], RunCouplings]) -> Iterator[RunCouplings]:
        for recording in recordings:
            try:
                yield how(recording)
            except SedscopeError as error:
                failures.append(f"{recording.experiment}, {recording.label}: {error}")

    compared = [recording for name in (SINGLE, GRADIENT, UPDATE, REPEATS, RANK) for recording in inventory.of(name)]
    return Measurements(
        inventory,
        tuple(each(inventory.of(SINGLE), lambda recording: _single(recording, scale, tell))),
        tuple(each(inventory.of(FOUR), lambda recording: _four(recording, scale, tell))),
        tuple(_ablations(inventory, scale, tell)),
        compare([_outcome(recording) for recording in compared]),
        tuple(failures),
    )


def fixed(task: str) -> str:
    """Return the full name of a task's fixed gradient."""
    return Source(FIXED_GRADIENT, task).name


def shuffled(task: str) -> str:
    """Return the full name of the control with permuted labels."""
    return Source(CONTROL_SHUFFLED, task).name


def series_of(analysis: RunAnalysis, source: str, task: str) -> CouplingSeries | None:
    """Return R̄_k of a source against a task; None where it was not measured."""
    return next((series for series in analysis.coupling if (series.source, series.task) == (source, task)), None)


def peak_of(series: CouplingSeries | None) -> Estimate | None:
    """Return R̄_k at its peak with its interval; None where it is undefined."""
    return None if series is None or isinstance(series.peak, Undefined) else _estimate(series, series.peak.t)


def at(series: CouplingSeries | None, t: int) -> Estimate | None:
    """Return R̄_k at a step with its interval; None where it is undefined."""
    return None if series is None else _estimate(series, t)


def _estimate(series: CouplingSeries, t: int) -> Estimate | None:
    from sedscope.report.estimate import estimate

    point = next((point for point in series.points if point.t == t), None)
    rbar = None if point is None else estimate(point)
    return rbar if isinstance(rbar, Estimate) else None


def _single(recording: Recording, scale: Scale, tell: Tell) -> RunCouplings:
    return RunCouplings(
        recording,
        _analyse(recording, scale.single, None, tell, "all sources"),
        _as_published(recording, scale.single, tell),
        per_example=_per_example(recording, scale, tell),
    )


def _as_published(recording: Recording, settings: Settings, tell: Tell) -> RunAnalysis:
    own = tuple(fixed(task) for task in recording.ops)
    sources = (DISPLACEMENT, *own, *((FIXED_GRADIENT,) if len(own) > 1 else ()))
    published = replace(settings, align="leading", method="central", evidence=False)
    return _analyse(recording, published, sources, tell, "leading windows, central difference")


def _per_example(recording: Recording, scale: Scale, tell: Tell) -> tuple[PerExample, ...]:
    (task,) = recording.ops
    if task != ABLATED[0]:
        return ()
    tell(f"{recording.experiment}/{recording.run.name}: per-example gradients")
    return per_example(recording.run, task, scale.single)


def _four(recording: Recording, scale: Scale, tell: Tell) -> RunCouplings:
    run = recording.run
    gradients = [source for source in run.sources() if source.startswith("gradient/")]
    own = [fixed(task) for task in run.tasks]
    return RunCouplings(
        recording,
        _analyse(recording, scale.four, None, tell, "all sources"),
        _as_published(recording, scale.four, tell),
        _analyse(recording, scale.four, (*own, *gradients), tell, "crossed", crossed=True),
    )


def _ablations(inventory: Inventory, scale: Scale, tell: Tell) -> Iterator[Ablation]:
    """Yield the ablations of the first run of the ablated operation, with leading windows, as published.

    W and K are varied with the central difference of the published code; the exact derivative is one more.
    """
    op, seed = ABLATED
    for recording in inventory.of(SINGLE, op, seed=seed):
        base = replace(scale.single, checkpoints=scale.ablation_checkpoints, align="leading", rank=(1,), evidence=False)
        central = replace(base, method="central")
        for window in scale.windows:
            (series,) = _fixed_series(recording, replace(central, window=(window,)), tell, f"W = {window}")
            yield Ablation("W", window, series)
        several = _fixed_series(recording, replace(central, rank=scale.ranks), tell, "every K")
        for rank, series in zip(scale.ranks, several, strict=True):
            yield Ablation("K", rank, series)
        (exact,) = _fixed_series(recording, base, tell, "exact derivative")
        yield Ablation("exact", 0.0, exact)
        for epsilon in scale.epsilons:
            settings = replace(central, epsilon=epsilon)
            (series,) = _fixed_series(recording, settings, tell, f"ε = {epsilon}")
            yield Ablation("ε", epsilon, series)


def _fixed_series(recording: Recording, settings: Settings, tell: Tell, what: str) -> tuple[CouplingSeries, ...]:
    """Return R̄_k of the fixed gradient for each K of the settings."""
    (task,) = recording.ops
    return _analyse(recording, settings, (fixed(task),), tell, what).coupling


def _analyse(
    recording: Recording,
    settings: Settings,
    sources: Sequence[str] | None,
    tell: Tell,
    what: str,
    *,
    crossed: bool = False,
) -> RunAnalysis:
    def progress(step: AnalysisProgress) -> None:
        tell(f"{recording.experiment}/{recording.run.name}: {what}: {step.stage} {step.done}/{step.total}")

    return analyse(recording.run, settings, sources, crossed=crossed, progress=progress)


def _outcome(recording: Recording) -> Outcome:
    """Return an outcome with one recipe for one operation: `find` has checked all other settings against the plan."""
    name = ",".join(recording.ops)
    return replace(outcome_of(recording.run, "published"), recipe=Recipe(("--ops", name), name))


def versions(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the versions of torch in the recordings, each once."""
    recorded = (run.manifest.versions.get("torch") for run in runs)
    return tuple(dict.fromkeys(str(version) for version in recorded if version is not None))
