"""Jobs under way with the tab of each, their progress as text, and the latest answers. Owned by the app."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sedscope.tui.worker.client import WorkerClient
from sedscope.tui.worker.events import Answered, Event, Finished, Progressed
from sedscope.tui.worker.jobs import Job

ANSWERS_KEPT = 64
"""Answers that going back to a source, a run or a setting finds at once."""

_BAR = 10
_LEAST_SHARE = 0.02
"""Share of the work below which the remaining time is not guessed: too few units tell no pace."""


@dataclass
class JobProgress:
    """One job as the viewer follows it."""

    title: str
    stage: str = ""
    done: int = 0
    total: int = 0
    coarse: bool = False
    """A preview is shown already."""
    clock: Callable[[], float] = monotonic
    _began: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def advance(self, stage: str, done: int, total: int) -> None:
        """Count a unit of work; a new stage starts its own clock."""
        if stage != self.stage or done < self.done:
            self._began = self.clock()
        self.stage, self.done, self.total = stage, done, total

    def text(self, room: int) -> str:
        """Return `Coupling: JVPs ━━━━┄┄┄┄┄┄ 35% 0:41 left`, shortened to what there is room for."""
        if not self.total:
            return f"{self.title} …"
        share = self.done / self.total
        percent = f"{share:4.0%}"
        left = self._left(share)
        bar = "━" * round(share * _BAR) + "┄" * (_BAR - round(share * _BAR))
        full = f"{self.title}: {self.stage} {bar}{percent}{left}"
        return next((text for text in (full, f"{self.title} {bar}{percent}{left}") if len(text) <= room), percent)

    def _left(self, share: float) -> str:
        if share < _LEAST_SHARE or share >= 1:
            return ""
        seconds = round((self.clock() - self._began) * (1 - share) / share)
        return f" {seconds // 60}:{seconds % 60:02d} left"


class JobsBoard:
    """Asks the worker at most one thing per tab, and remembers what it said."""

    def __init__(self, worker: WorkerClient) -> None:
        self._worker = worker
        self._open: dict[int, tuple[str, Job, JobProgress]] = {}
        self._answers: OrderedDict[Job, tuple[Any, bool]] = OrderedDict()

    def request(self, job: Job, owner: str) -> int:
        """Ask; what this tab asked before is given up unless it is the same."""
        # One job per tab: whoever turns through the sources wants the last one, not all of them in turn.
        for number, (other, open_job, _) in list(self._open.items()):
            if other == owner:
                if open_job == job:
                    return number
                self._worker.cancel(number)
        number = self._worker.submit(job)
        self._open[number] = (owner, job, JobProgress(job.title))
        return number

    def cancel_all(self) -> int:
        """Give up everything that was asked for; return how many jobs that were."""
        numbers = list(self._open)
        for number in numbers:
            self._worker.cancel(number)
        return len(numbers)

    def answer_to(self, job: Job) -> tuple[Any, bool] | None:
        """Return the latest answer to an equal job."""
        return self._answers.get(job)

    def take(self, event: Event) -> str | None:
        """Note an event; the tab that it is for, or None where nobody waits for it any more."""
        open_job = self._open.get(event.number)
        if open_job is None:
            return None
        owner, job, progress = open_job
        if isinstance(event, Progressed):
            progress.advance(event.stage, event.done, event.total)
        elif isinstance(event, Answered):
            progress.coarse = not event.final
            self._answers[job] = (event.value, event.final)
            self._answers.move_to_end(job)
            if len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        elif isinstance(event, Finished):
            del self._open[event.number]
        return owner

    @property
    def current(self) -> JobProgress | None:
        """The job that is being done."""
        return next((progress for _, _, progress in self._open.values()), None)
