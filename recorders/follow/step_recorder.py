"""The reads and writes around each step of the followed optimizer, once there is one.

Decides the order in which θ, the intervention, the tasks and the optimizer are asked, and that rows are taken where the
schedule says so, scalars at every step. Which steps count, what `t` is, and what ends a recording is left to the
session; what a source holds to `binding` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from torch import Tensor

from recorders.follow.binding import Binding
from recorders.follow.journal_notes import CountNotes, completed_steps, write_groups
from recorders.follow.theta import ThetaKeeper
from recorders.format import NOTE_GROUPS
from recorders.intervention.intervener import Intervener
from recorders.observe.rescaling import ClippingObserver
from recorders.observe.tasks import TaskLedger
from recorders.recording_options import RecordingOptions
from recorders.recording_output import RecordingOutput
from recorders.row_sources import GRADIENT

_CLEARED = (
    "the script has cleared gradients by hand between backward and step, as a repair of NaN does: such steps have no"
    " loss and no gradient row of their tasks"
)


class StepRecorder:
    """A recorder of one optimizer: takes rows, scalars and θ around each step, and hands them to the output.

    `t` is that of the first step; `ahead` is how far the optimizer's own count is ahead of it, None where it does not
    count yet.
    """

    def __init__(
        self,
        binding: Binding,
        options: RecordingOptions,
        output: RecordingOutput,
        ledger: TaskLedger,
        clipping: ClippingObserver,
        *,
        t: int,
        ahead: int | None,
    ) -> None:
        self._binding = binding
        self._options = options
        self._output = output
        self._ledger = ledger
        self._clipping = clipping
        self.theta = ThetaKeeper(binding, options, output)
        self._noted_groups = None if options.resume else binding.groups
        self._count_notes = CountNotes(ahead, output.note)
        self._intervener: Intervener | None = None
        if options.intervention is not None:
            tell = partial(output.tell, "intervention")
            self._intervener = Intervener(options.intervention, binding, first_t=t, resumed=options.resume, tell=tell)
        self._tasks_told: set[str] = set()
        self._rows: dict[str, Tensor] = {}
        self._numbers: dict[str, float | Tensor] = {}

    def succeed(self, binding: Binding, t: int) -> str:
        """Follow a new optimizer that takes the place of the followed one, and return a remark about it."""
        before, self._binding, self.theta.binding = self._binding, binding, binding
        if self._intervener is not None:
            self._intervener.follow(binding)
        self._count_notes.succeeded(before.optimizer, binding.optimizer, t)
        completed = completed_steps(binding.optimizer)
        state = f"with {completed} steps in its state" if completed else "with an empty state"
        return f"the script has made a new {type(binding.optimizer).__name__}, {state}: it is followed from t = {t} on"

    def before(self, t: int, *, closure_given: bool) -> None:
        """Read what must be read while θ_t is in place and about to be stepped from."""
        self.theta.notice_rewrite(t)
        if recorded := self._options.records(t):
            self.theta.keep(t)
        if self._intervener is not None:
            self._intervener.before_step(t, closure_given=closure_given)
        if self._ledger.begin_step(self._binding.selection, closure_given=closure_given):
            self._output.tell("cleared", _CLEARED, t)
        self._binding.read_before(recorded=recorded, closure_given=closure_given, wants=self._options.wants)

    def finish_step(self, t: int, tasks: Collection[str]) -> None:
        """Finish the step that leaves θ_t: the intervention may change θ here, and θ_{t+1} is then in place."""
        self._ledger.settle()
        self._rows, self._numbers = self._ledger.rows(), self._ledger.scalars()
        if self._intervener is not None:
            recorded = self._options.records(t)
            raw_rows, norm_kept = self._intervener.after_step(t, self._ledger.gradients, tasks, recorded=recorded)
            self._rows, self._numbers = self._rows | raw_rows, self._numbers | norm_kept
        self.theta.finish_step(t + 1)

    def take(self, t: int) -> None:
        """Hand on rows and scalars of the step that left θ_t."""
        recorded = self._options.records(t)
        rows_by_source, scalars = self._binding.read_after(recorded=recorded, wants=self._options.wants)
        self._count_notes.stepped(self._binding.optimizer, t, idle=self._binding.idle)
        # Other steps may have task gradients too: for a window, or because t was not known yet on resume.
        if recorded:
            self._note_groups(t)
            self._tell_missing(t)
            rows_by_source |= {source: row for source, row in self._rows.items() if self._options.wants(source)}
        scalars |= self._numbers | self._clipping.take(self._binding.stepped())
        if rows_by_source:
            self._output.rows(t, rows_by_source)
        self._output.scalars(t, scalars)
        self._rows, self._numbers = {}, {}
        self._ledger.clear()

    def finish(self, t: int) -> None:
        """Say what holds at the end."""
        self._count_notes.finish(self._binding.optimizer, t)
        if self._intervener is not None:
            self._intervener.finish(t)

    def _tell_missing(self, t: int) -> None:
        """Say once of each task that the script named before this step why there is no gradient of it."""
        for task, reason in self._ledger.missing().items():
            if self._options.wants(f"{GRADIENT}/{task}") and task not in self._tasks_told:
                self._tasks_told.add(task)
                advice = f'sedscope.task_gradients({{"{task}": gradients}}) takes them from whoever computed them'
                self._output.tell("refused", f"task {task}: no gradient/{task} at t = {t}: {reason}; {advice}", t)

    def _note_groups(self, t: int) -> None:
        """Note which groups moved what in the step that leaves the recorded t, where that has changed."""
        if (groups := self._binding.groups) != self._noted_groups:
            self._noted_groups = groups
            for message in write_groups(groups):
                self._output.note(NOTE_GROUPS, message, t)
