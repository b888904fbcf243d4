"""Jobs under way with the tab of each, and the latest answers. Owned by the app; knows no widgets."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sedscope.tui.data.progress_text import JobProgress
from sedscope.tui.worker.client import WorkerClient
from sedscope.tui.worker.events import Answered, Event, Finished, Progressed
from sedscope.tui.worker.jobs import Job

ANSWERS_KEPT = 64
"""Answers that going back to a source, a run or a setting finds at once."""


class JobsBoard:
    """Asks the worker at most one thing per tab, and remembers what it said."""

    def __init__(self, worker: WorkerClient) -> None:
        self._worker = worker
        self._open: dict[int, tuple[str, Job]] = {}
        self._progress: dict[int, JobProgress] = {}
        self._answers: OrderedDict[Job, tuple[Any, bool]] = OrderedDict()

    def request(self, job: Job, owner: str) -> int:
        """Ask; what this tab asked before is given up unless it is the same."""
        # One job per tab: whoever turns through the sources wants the last one, not all of them in turn.
        for number, (other, open_job) in list(self._open.items()):
            if other == owner:
                if open_job == job:
                    return number
                self._worker.cancel(number)
        number = self._worker.submit(job)
        self._open[number] = (owner, job)
        self._progress[number] = JobProgress(job.title)
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
        owner, job = open_job
        if isinstance(event, Progressed):
            self._progress[event.number].advance(event.stage, event.done, event.total)
        elif isinstance(event, Answered):
            self._progress[event.number].coarse = not event.final
            self._keep(job, event)
        elif isinstance(event, Finished):
            del self._open[event.number], self._progress[event.number]
        return owner

    @property
    def current(self) -> JobProgress | None:
        """The job that is being done."""
        return next(iter(self._progress.values()), None)

    def _keep(self, job: Job, event: Answered) -> None:
        self._answers[job] = (event.value, event.final)
        self._answers.move_to_end(job)
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
