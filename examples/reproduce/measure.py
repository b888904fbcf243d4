"""From recorded runs to numbers: what each run's sources couple like, the ablations, and what the interventions did.

Decides which sources are put against which task, with which windows. Every analysis goes through sedscope's own cache
in the run, so that what was measured once is not measured again, and an interrupt loses one checkpoint at most. Leaves
to others: which number stands against which published one (`claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from examples.reproduce.per_example import PerExample, per_example
from examples.reproduce.plan import FOUR, GRADIENT, RANK, SINGLE, UPDATE, Scale
from examples.reproduce.recordings import Found, Recording
from recorders.errors import SedscopeError
from recorders.format import CONTROL_SHUFFLED, DISPLACEMENT, FIXED_GRADIENT, Source
from sedscope.analysis.interventions import InterventionComparison, Outcome, TaskComparison, compare, outcome_of
from sedscope.analysis.interventions.recipe import Recipe
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.progress import AnalysisProgress
from sedscope.analysis.settings import Settings
from sedscope.report.estimate import Estimate
from sedscope.runs import Run

Tell = Callable[[str], None]
"""Hears, in words, what is being worked on."""

ABLATED = ("add", 42)
"""Operation and seed of the ablations."""


@dataclass(frozen=True)
class Coupled:
    """One run and what was measured of it."""

    recording: Recording
    trailing: RunAnalysis
    """All sources and controls, windows that end at t."""
    leading: RunAnalysis | None
    """Displacement, fixed gradient and shuffled control with the windows of the published code; None: not measured."""
    crossed: RunAnalysis | None = None
    """Gradients of each task against every task; None where there is one task."""
    per_example: tuple[PerExample, ...] = ()
    """Singular vectors of per-example gradients at start, middle and end; of one operation alone."""


@dataclass(frozen=True)
class Ablation:
    """R_1 of the fixed gradient under one setting, or R̄_k under one K."""

    setting: str
    """`W`, `K` or `ε`; `exact` where it is the exact derivative."""
    value: float
    """Of the setting; 0 for the exact derivative."""
    series: CouplingSeries


@dataclass(frozen=True)
class Measurements:
    """Everything that the page says."""

    found: Found
    single: tuple[Coupled, ...]
    four: tuple[Coupled, ...]
    ablations: tuple[Ablation, ...]
    comparison: InterventionComparison
    failures: tuple[str, ...]
    """What could not be measured, and why."""

    def task(self, op: str) -> TaskComparison | None:
        """All interventions on one operation; None where nothing of it was recorded."""
        return next((one for cohort in self.comparison.cohorts for one in cohort.tasks if one.task == op), None)


def measure(found: Found, scale: Scale, tell: Tell) -> Measurements:
    """All numbers of the recorded runs."""
    failures: list[str] = []

    def each(recordings: Sequence[Recording], how: Callable[[Recording], Coupled]) -> Iterator[Coupled]:
        for one in recordings:
            try:
                yield how(one)
            except SedscopeError as error:
                failures.append(f"{one.part}, {one.label}: {error}")

    return Measurements(
        found,
        tuple(each(found.of(SINGLE), lambda one: _single(one, scale, tell))),
        tuple(each(found.of(FOUR), lambda one: _four(one, scale, tell))),
        tuple(_ablations(found, scale, tell)),
        compare([_outcome(one) for part in (SINGLE, GRADIENT, UPDATE, RANK) for one in found.of(part)]),
        tuple(failures),
    )


def fixed(task: str) -> str:
    """Full name of a task's fixed gradient."""
    return Source(FIXED_GRADIENT, task).name


def shuffled(task: str) -> str:
    """Full name of the control with permuted labels."""
    return Source(CONTROL_SHUFFLED, task).name


def series_of(analysis: RunAnalysis, source: str, task: str) -> CouplingSeries | None:
    """R̄_k of a source against a task; None where it was not asked for."""
    return next((one for one in analysis.coupling if (one.source, one.task) == (source, task)), None)


def peak_of(series: CouplingSeries | None) -> Estimate | None:
    """R̄_k at its peak with its interval; None where it is undefined."""
    point = None if series is None else series.at(series.peak)
    return None if point is None or series is None else _estimate(series, point.t)


def at(series: CouplingSeries | None, t: int) -> Estimate | None:
    """R̄_k at a step with its interval; None where it is undefined."""
    return None if series is None else _estimate(series, t)


def _estimate(series: CouplingSeries, t: int) -> Estimate | None:
    from sedscope.analysis.statistics.coupling_ratio import CouplingRatio

    point = next((point for point in series.points if point.t == t), None)
    if point is None or not isinstance(point.ratio, CouplingRatio):
        return None
    return Estimate.measured(point.ratio.rbar, point.interval)


def _single(recording: Recording, scale: Scale, tell: Tell) -> Coupled:
    (task,) = recording.ops
    sources = (DISPLACEMENT, fixed(task), shuffled(task))
    leading = replace(scale.single, align="leading")
    return Coupled(
        recording,
        _analyse(recording, scale.single, None, tell, "all sources"),
        _analyse(recording, leading, sources, tell, "leading windows"),
        per_example=_per_example(recording, scale, tell),
    )


def _per_example(recording: Recording, scale: Scale, tell: Tell) -> tuple[PerExample, ...]:
    (task,) = recording.ops
    if task != ABLATED[0]:
        return ()
    tell(f"{recording.part}/{recording.run.name}: per-example gradients")
    return per_example(recording.run, task, scale.single)


def _four(recording: Recording, scale: Scale, tell: Tell) -> Coupled:
    run = recording.run
    gradients = [source for source in run.sources() if source.startswith("gradient/")]
    own = [fixed(task) for task in run.tasks]
    return Coupled(
        recording,
        _analyse(recording, scale.four, None, tell, "all sources"),
        None,
        _analyse(recording, scale.four, (*own, *gradients), tell, "crossed", crossed=True),
    )


def _ablations(found: Found, scale: Scale, tell: Tell) -> Iterator[Ablation]:
    """With leading windows, as published, of the first run of the ablated operation."""
    op, seed = ABLATED
    for recording in found.of(SINGLE, op, seed=seed):
        base = replace(scale.single, checkpoints=scale.ablation_checkpoints, align="leading", rank=(1,), evidence=False)
        for window in scale.windows:
            (series,) = _fixed_series(recording, replace(base, window=(window,)), tell, f"W = {window}")
            yield Ablation("W", window, series)
        several = _fixed_series(recording, replace(base, rank=scale.ranks), tell, "every K")
        for rank, series in zip(scale.ranks, several, strict=True):
            yield Ablation("K", rank, series)
        (exact,) = _fixed_series(recording, base, tell, "exact derivative")
        yield Ablation("exact", 0.0, exact)
        for epsilon in scale.epsilons:
            settings = replace(base, method="central", epsilon=epsilon)
            (series,) = _fixed_series(recording, settings, tell, f"ε = {epsilon}")
            yield Ablation("ε", epsilon, series)


def _fixed_series(recording: Recording, settings: Settings, tell: Tell, what: str) -> tuple[CouplingSeries, ...]:
    """One for each K of the settings."""
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
        tell(f"{recording.part}/{recording.run.name}: {what}: {step.stage} {step.done}/{step.total}")

    return analyse(recording.run, settings, sources, crossed=crossed, progress=progress)


def _outcome(recording: Recording) -> Outcome:
    """With one recipe for one operation: that all other settings are the plan's was checked when it was found."""
    name = ",".join(recording.ops)
    return replace(outcome_of(recording.run), recipe=Recipe(("--ops", name), name))


def versions(runs: Sequence[Run]) -> tuple[str, ...]:
    """Of torch in the recordings, each once."""
    found = (run.manifest.versions.get("torch") for run in runs)
    return tuple(dict.fromkeys(str(one) for one in found if one is not None))
