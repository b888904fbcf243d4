"""One of several runs that are compared: what it is, its accuracy, its milestones, and the coupling of a few sources.

Plain data that the analysis process makes and the screen shows. A run that cannot be read stays in the comparison, with
its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorders.errors import SedscopeError
from recorders.format import FIXED_GRADIENT, METRIC_PREFIX, UPDATE, Source
from sedscope.analysis.results import CouplingSeries, TaskMetrics
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.runs.text import printable

if TYPE_CHECKING:
    from sedscope.runs.scalars import Series
    from sedscope.tui.worker.jobs import Tell

_UNKNOWN_YET = Undefined("it is being computed")
CONTROL = "control"
"""What a run without an intervention is called."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run."""

    path: str
    name: str
    intervention: str = CONTROL
    seed: str = ""
    tasks: tuple[str, ...] = ()
    milestones: tuple[TaskMetrics, ...] = ()
    accuracy: Mapping[str, Series] = field(default_factory=dict)
    """Task → (t [m], test accuracy [m])."""
    coupling: tuple[CouplingSeries, ...] | Undefined = _UNKNOWN_YET
    final: bool = False
    problem: str = ""
    """Why the run cannot be read."""

    def grok(self, task: str) -> int | Undefined:
        """Grok step of a task."""
        if self.problem:
            return Undefined(self.problem)
        one = next((one.grokking.grok[0] for one in self.milestones if one.task == task), None)
        if one is None:
            return Undefined(f"the run has no task {task}")
        return one if isinstance(one, Undefined) else one.t

    def series(self, source: str, task: str) -> CouplingSeries | Undefined:
        """Coupling of a source against a task."""
        if isinstance(self.coupling, Undefined):
            return self.coupling
        found = (one for one in self.coupling if (one.source, one.task) == (source, task))
        return next(found, Undefined(f"{source} is not recorded, or not against {task}"))


def metrics_of(path: Path) -> ComparedRun:
    """What is quick to find out about a run."""
    from sedscope.runs import open_run
    from sedscope.tui.listing import intervention_text, milestones_of

    try:
        run = open_run(path)
        names = {task: f"{METRIC_PREFIX}test_acc/{task}" for task in run.tasks}
        known = set(run.scalar_names())
        return ComparedRun(
            str(path),
            run.name,
            printable(intervention_text(run.manifest.intervention)) or CONTROL,
            "" if run.manifest.seed is None else str(run.manifest.seed),
            run.tasks,
            milestones_of(run),
            {task: run.scalar(name) for task, name in names.items() if name in known},
        )
    except (SedscopeError, OSError) as error:
        reason = printable((str(error).splitlines() or [type(error).__name__])[0])
        name = printable(path.name or str(path))
        return ComparedRun(str(path), name, problem=reason, coupling=Undefined(reason))


def with_coupling(one: ComparedRun, settings: Settings, tell: Tell) -> ComparedRun:
    """The run with the coupling of its update and of its tasks' gradients."""
    if one.problem:
        return one
    from sedscope.analysis.analyse import analyse
    from sedscope.runs import open_run

    try:
        run = open_run(Path(one.path))
        wished = (UPDATE, *(Source(FIXED_GRADIENT, task).name for task in run.tasks))
        known = {*run.sources(), *wished[1:]}
        sources = tuple(name for name in wished if name in known)
        found = analyse(run, settings, sources=sources, crossed=False, progress=tell)
        return replace(one, coupling=found.coupling or Undefined("the run has no probe"))
    except (SedscopeError, OSError) as error:
        reason = printable((str(error).splitlines() or [type(error).__name__])[0])
        return replace(one, coupling=Undefined(reason))
