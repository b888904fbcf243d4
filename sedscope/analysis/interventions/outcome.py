"""One run in a comparison: its milestones, how far it was followed, and the share of the norm that was let through.

Decides until when a run was followed: its last evaluation, whether it was ended, killed or is still being recorded;
and that its share of the norm is the median over the steps since the first that was changed. Reads manifest and
scalars alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recorders.format import END_FINISHED, NORM_KEPT, STATE_FINISHED
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.interventions.recipe import Recipe, Seed
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.pipeline.milestones import TEST_ACCURACY, TRAIN_ACCURACY, accuracy, milestones
from sedscope.analysis.statistics.grokking import Grokking
from sedscope.analysis.statistics.survival import CensoredTime
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Manifest, Run


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """One run on one task."""

    task: str
    grokking: Grokking
    test: tuple[Ints, Floats]
    """Evaluated t and test accuracy `[m]`; empty where it was never logged."""
    train: tuple[Ints, Floats]
    """Evaluated t and train accuracy `[m]`; empty where it was never logged."""

    @property
    def followed_to(self) -> int | Undefined:
        """The last evaluated t."""
        steps = self.test[0]
        return int(steps[-1]) if len(steps) else Undefined(f"test accuracy of {self.task} was never logged")

    def time(self, threshold: float) -> CensoredTime | Undefined:
        """Return the step at which its test accuracy reached a threshold, or up to which it had not."""
        reached = self.grokking.grok[GROK_ACCURACIES.index(threshold)]
        if isinstance(reached, Undefined):
            end = self.followed_to
            return end if isinstance(end, Undefined) else CensoredTime(float(end), reached=False)
        # Where the first evaluation is already there, the crossing lies anywhere before it.
        cadence = reached.t if isinstance(reached.cadence, Undefined) else reached.cadence
        return CensoredTime(float(reached.t), reached=True, cadence=float(cadence))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    path: str
    name: str
    state: str
    """`recorders.format.STATE_…`."""
    treatment: Treatment
    recipe: Recipe
    seed: Seed
    origin: tuple[tuple[str, str], ...]
    """Commit, torch and device: equal in a fair comparison, but not in the recipe, so that they may differ."""
    tasks: tuple[TaskOutcome, ...]
    norm_kept: float | Undefined
    """Median share of the norm that was let through, over the steps since the intervention began."""
    end_reason: str | None = END_FINISHED
    """Why the recording ended; None while it goes on, and where nobody could say."""

    @property
    def is_complete(self) -> bool:
        """True where the script came to its own end."""
        return self.state == STATE_FINISHED and self.end_reason == END_FINISHED

    @property
    def ending(self) -> str:
        """`finished`, `stopped (interrupted)`, `recording` and the like."""
        ended = self.state == STATE_FINISHED and not self.is_complete
        return f"stopped ({self.end_reason})" if ended else self.state

    def on(self, task: str) -> TaskOutcome | None:
        """Return its outcome on a task; None where it has no such task."""
        return next((outcome for outcome in self.tasks if outcome.task == task), None)


def outcome_of(run: Run) -> Outcome:
    """Read the outcome of an opened run.

    Raises:
        DamagedError, RefusedError: Its scalars cannot be read.
    """
    manifest, treatment = run.manifest, Treatment.of(run.manifest)
    norm_kept = run.scalar(NORM_KEPT)[1] if NORM_KEPT in run.scalar_names() else None
    return Outcome(
        path=str(run.path),
        name=run.name,
        state=run.state,
        treatment=treatment,
        recipe=Recipe.of(manifest),
        seed=Seed.of(manifest),
        origin=tuple(_origin(manifest)),
        tasks=tuple(_task(run, task) for task in run.tasks),
        norm_kept=median_share(norm_kept, treatment),
        end_reason=run.end_reason,
    )


def _origin(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield commit, torch and device; a manifest is foreign, and what is not as the recorder writes it is left out."""
    git, versions = manifest.git, manifest.versions
    if isinstance(git, Mapping) and isinstance(git.get("commit"), str):
        yield "commit", f"{git['commit'][:12]}{' with changes' if git.get('dirty') else ''}"
    if isinstance(versions, Mapping) and isinstance(versions.get("torch"), str):
        yield "torch", versions["torch"]
    if manifest.device is not None:
        yield "device", manifest.device


def _task(run: Run, task: str) -> TaskOutcome:
    test, train = accuracy(run, TEST_ACCURACY, task), accuracy(run, TRAIN_ACCURACY, task)
    return TaskOutcome(task, milestones(run, task).grokking, test, train)


def median_share(norm_kept: Floats | None, treatment: Treatment) -> float | Undefined:
    """Return the median of norm after / norm before projection over the steps since the first that was changed.

    From `norm_kept` of every optimizer step; None where it was not recorded.
    """
    if not treatment.acts:
        return Undefined("nothing is projected in a control")
    # The recorder writes finite shares alone, but a run is foreign.
    finite = np.empty(0) if norm_kept is None else norm_kept[np.isfinite(norm_kept)]
    if len(finite) == 0:
        return Undefined("norm_kept was not recorded")
    changed = np.flatnonzero(finite < 1.0)
    if len(changed) == 0:
        return Undefined("no step was changed")
    return float(np.median(finite[changed[0] :]))


def shares(values: Sequence[float | Undefined]) -> tuple[float, float, float] | Undefined:
    """Return the least, median and largest share of several runs; Undefined where none has one."""
    defined = [value for value in values if not isinstance(value, Undefined)]
    if not defined:
        return next((value for value in values if isinstance(value, Undefined)), Undefined("there is no run"))
    return min(defined), float(np.median(defined)), max(defined)
