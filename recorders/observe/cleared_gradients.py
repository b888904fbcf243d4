"""Gradients of tasks that were cleared from `.grad` before the step: combined by the script, or thrown away.

Scripts that combine tasks themselves (PCGrad, Yu et al. 2020, arXiv 2001.06782; MGDA, Sener & Koltun 2018, arXiv
1810.04650) send each task backward alone, copy `.grad` and clear it. Others clear a batch that they do not want. What
the optimizer receives tells them apart: gradients that the script has written, or what a later backward left there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from recorders.selection import Selection


@dataclass
class Contributions:
    """Tasks' losses, and their gradients [P], each summed over the calls that made it."""

    losses: dict[str, float | Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def add_loss(self, task: str, loss: float | Tensor) -> None:
        """Add a loss of a task."""
        self.losses[task] = self.losses.get(task, 0.0) + loss

    def add_gradient(self, task: str, gradient: Tensor) -> None:
        """Add a gradient [P] of a task, which is kept."""
        self.gradients[task] = gradient if task not in self.gradients else gradient + self.gradients[task]

    def before(self, others: Contributions) -> Contributions:
        """Return these, and of tasks that are not among them the others."""
        return Contributions(others.losses | self.losses, others.gradients | self.gradients)

    @property
    def tasks(self) -> set[str]:
        """Return the tasks that have a loss or a gradient here."""
        return self.losses.keys() | self.gradients.keys()


class ClearedGradients:
    """The contributions that tasks had sent backward each time that `.grad` was cleared since the last step."""

    def __init__(self) -> None:
        self._rounds: list[Contributions] = []
        self._delivery: _DeliveryWatch | None = None

    def add(self, contributions: Contributions, selection: Selection) -> None:
        """Take what is cleared now; from here on it is watched what comes in its place."""
        if contributions.tasks:
            self._rounds.append(contributions)
        if self._rounds:
            self._watch(_DeliveryWatch(selection))

    def rescale(self, call: Callable[[], Any]) -> Any:
        """Make a call that scales `.grad` in place, as clipping does: no gradient is of the script's own for that."""
        untouched = self._delivery is not None and self._delivery.is_untouched()
        result = call()
        if untouched and self._delivery is not None:
            self._delivery.stamp_all()
        return result

    def settle(self, live: Contributions) -> tuple[Contributions, set[str], set[str]]:
        """Decide which cleared gradients the step is made of, now that `.grad` holds what the optimizer receives.

        Tasks that were cleared one after another, before a backward that no task is named for, count: that backward
        sends their weighted sum.

        Returns:
            What the step is made of, the tasks of which one of several gradients was taken, and those thrown away.
        """
        tasks = [task for each in self._rounds for task in each.tasks]
        one_by_one = not live.tasks and len(self._rounds) > 1 and len(set(tasks)) > 1
        untouched = self._delivery is not None and self._delivery.is_untouched()
        total = live
        if one_by_one or not untouched:
            for each in reversed(self._rounds):
                total = total.before(each)
        several = {task for task in total.tasks - live.tasks if tasks.count(task) > 1}
        self.forget()
        return total, several, set(tasks) - total.tasks

    def forget(self) -> None:
        """Forget everything, and watch no longer."""
        self._rounds = []
        self._watch(None)

    def _watch(self, delivery: _DeliveryWatch | None) -> None:
        if self._delivery is not None:
            self._delivery.remove()
        self._delivery = delivery


class _DeliveryWatch:
    """Tensor hooks that remember each selected `.grad` as a backward call has just left it."""

    def __init__(self, selection: Selection) -> None:
        self._parameters: Sequence[Tensor] = selection.chosen
        self._stamps: dict[int, tuple[Tensor, int]] = {}
        self._handles = [
            parameter.register_post_accumulate_grad_hook(partial(self._stamp, index))  # type: ignore[no-untyped-call]
            for index, parameter in enumerate(self._parameters)
            if parameter.requires_grad
        ]
        self.stamp_all()

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._stamps = {}

    def is_untouched(self) -> bool:
        """Return whether nothing but backward calls has written to `.grad` since it was cleared."""
        return all(
            gradient is None or self._is_stamped(index, gradient)
            for index, gradient in enumerate(parameter.grad for parameter in self._parameters)
        )

    def stamp_all(self) -> None:
        for index, parameter in enumerate(self._parameters):
            self._stamp(index, parameter)

    def _stamp(self, index: int, parameter: Tensor) -> None:
        if parameter.grad is not None:
            self._stamps[index] = parameter.grad, parameter.grad._version

    def _is_stamped(self, index: int, gradient: Tensor) -> bool:
        stamped, version = self._stamps.get(index, (None, 0))
        return stamped is gradient and version == gradient._version
