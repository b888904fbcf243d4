"""The SED basis of a training under way: which vector of each step becomes a row of the window.

Rows enter after the step, so the basis of a step comes from the steps before it. A step in which the basis source had
no part (a task without a loss) gives no row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from recorders.errors import UsageError
from recorders.follow.binding import Binding
from recorders.intervention.intervention_settings import APPLIED, MOMENTUM_BASIS, Intervention
from recorders.intervention.projection import Subspace
from recorders.intervention.window import RollingWindow
from recorders.row_sources import GRADIENT, ROW_SOURCES, UPDATE


@dataclass(frozen=True)
class StepVectors:
    """The vectors [P] of one step, in float64; None where one was not needed."""

    raw: Tensor | None
    """The vector that the intervention is on, before it was changed."""
    applied: Tensor | None
    """And after."""
    gradient: Tensor | None
    """The gradient that the optimizer received before any change."""
    update: Tensor | None
    """θ_{t+1} − θ_t as the optimizer made it."""
    task_gradients: Mapping[str, Tensor]
    """The gradient [P] of each task with a loss, in the rows' dtype."""
    tasks: Collection[str]
    """Every task known so far."""


class SedBasis:
    """The window of one intervention.

    Args:
        settings: window, stride, rank and basis source.
        binding: the followed optimizer.

    Raises:
        UsageError: the optimizer has no momentum, and the basis is to come from it.
    """

    def __init__(self, settings: Intervention, binding: Binding) -> None:
        self._settings = settings
        self.follow(binding)
        selection = binding.selection
        self._window = RollingWindow(settings.window, selection.size, settings.rank, selection.chosen[0].device)

    def follow(self, binding: Binding) -> None:
        """Take rows from this binding from now on."""
        self._binding = binding
        self._stage = _momentum_of(binding) if self._settings.source == MOMENTUM_BASIS else ""

    def subspace(self) -> Subspace | None:
        """Return the subspace that the next step is projected onto; None while the window is not full."""
        return self._window.top() if self._window.is_full else None

    def see(self, t: int, step: StepVectors) -> bool:
        """Take the row of a step, where one is due; False where it was not finite.

        Raises:
            UsageError: the row is to come from a task that the script does not have.
        """
        row = self._row(step) if t % self._settings.stride == 0 else None
        return row is None or self._window.push(row)

    def _row(self, step: StepVectors) -> Tensor | None:
        source = self._settings.source
        if source == self._settings.target:
            return step.applied if self._settings.rows_are == APPLIED else step.raw
        if source == GRADIENT:
            return step.gradient
        if source == UPDATE:
            return step.update
        if source == MOMENTUM_BASIS:
            return self._binding.stage(self._stage).double()
        task = self._settings.task or ""
        if task not in step.tasks:
            tasks = ", ".join(step.tasks) or "not named; sedscope.backward names them"
            raise UsageError(f"basis-source: the script has no task {task!r}; its tasks are {tasks}")
        gradient = step.task_gradients.get(task)
        return None if gradient is None else gradient.double()


def _momentum_of(binding: Binding) -> str:
    """Return the name of the stage that holds the optimizer's momentum."""
    for row in ROW_SOURCES:
        if row.is_momentum and row.pattern in binding.stages:
            return row.pattern
    name = type(binding.optimizer).__name__
    raise UsageError(f"basis-source: momentum must come from Adam, AdamW or SGD with momentum; found {name}")
