"""One of several runs that are compared: what it is, its accuracy, its milestones, and the coupling of a few sources.

Plain data that the analysis process makes and the screen shows. A run that cannot be read stays in the comparison, with
its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorders.row_sources import FIXED_GRADIENT, UPDATE, Source
from sedscope.analysis.interventions import Outcome, outcome_of
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.runs.text import printable
from sedscope.tui.terminal.error_text import error_line

if TYPE_CHECKING:
    from sedscope.analysis.progress import OnProgress
    from sedscope.runs import Run
    from sedscope.runs.scalars import Series

_UNKNOWN_YET = Undefined("it is being computed")


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run."""

    path: str
    name: str
    outcome: Outcome | None = None
    """The run's part in a comparison; None where it cannot be read."""
    coupling: tuple[CouplingSeries, ...] | Undefined = _UNKNOWN_YET
    final: bool = False
    problem: str = ""
    """Why the run cannot be read."""

    @property
    def is_whole(self) -> bool:
        """True where the run's coupling was looked for."""
        return bool(self.problem) or self.coupling is not _UNKNOWN_YET

    @property
    def intervention(self) -> str:
        """The intervention in words."""
        return "" if self.outcome is None else self.outcome.treatment.label

    @property
    def tasks(self) -> tuple[str, ...]:
        """The run's tasks in their order."""
        return () if self.outcome is None else tuple(task_outcome.task for task_outcome in self.outcome.tasks)

    def accuracy(self, task: str) -> Series | None:
        """Return (t [m], test accuracy [m]) of a task; None where it was never logged."""
        task_outcome = None if self.outcome is None else self.outcome.on(task)
        return None if task_outcome is None or not len(task_outcome.test[0]) else task_outcome.test

    def grok(self, task: str) -> int | Undefined:
        """Return the grok step of a task."""
        if self.outcome is None:
            return Undefined(self.problem)
        task_outcome = self.outcome.on(task)
        if task_outcome is None:
            return Undefined(f"the run has no task {task}")
        reached = task_outcome.grokking.grok[0]
        return reached if isinstance(reached, Undefined) else reached.t

    def series(self, source: str, task: str) -> CouplingSeries | Undefined:
        """Return the coupling of a source against a task."""
        if isinstance(self.coupling, Undefined):
            return self.coupling
        matching = (coupling for coupling in self.coupling if (coupling.source, coupling.task) == (source, task))
        return next(matching, Undefined(f"{source} is not recorded, or not against {task}"))


def metrics_of(path: Path) -> ComparedRun:
    """Read what is quick to find out about a run."""
    from sedscope.runs import open_run

    try:
        run = open_run(path)
        return ComparedRun(str(path), run.name, outcome_of(run))
    except Exception as error:  # noqa: BLE001  whatever one run does to its reader must not hide the others
        reason = error_line(error)
        return ComparedRun(str(path), printable(path.name or str(path)), problem=reason, coupling=Undefined(reason))


def with_coupling(compared: ComparedRun, settings: Settings, tell: OnProgress | None) -> ComparedRun:
    """Return the run with the coupling of its update and of its tasks' gradients, which no second measure changes.

    Args:
        compared: A run with its metrics.
        settings: Of the analysis.
        tell: Of progress; None to take only what is kept, and the run as it is where nothing is.
    """
    if compared.problem:
        return compared
    from sedscope.analysis.pipeline.analyse import analyse, cached_analysis
    from sedscope.runs import open_run

    try:
        run, table = open_run(Path(compared.path)), settings.for_a_table()
        sources = _sources(run)
        analysis = (
            cached_analysis(run, settings)
            or cached_analysis(run, table)
            or cached_analysis(run, table, sources=sources)
        )
        if analysis is None and tell is not None:
            analysis = analyse(run, table, sources=sources, progress=tell)
    except Exception as error:  # noqa: BLE001  as above
        return replace(compared, coupling=Undefined(error_line(error)))
    if analysis is None:
        return compared
    return replace(compared, coupling=analysis.coupling or Undefined("the run has no probe"))


def _sources(run: Run) -> tuple[str, ...]:
    requested = (UPDATE, *(Source(FIXED_GRADIENT, task).name for task in run.tasks))
    available = {*run.sources(), *requested[1:]}
    return tuple(name for name in requested if name in available)
