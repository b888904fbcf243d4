"""One recording of one training, from the first optimizer step to the end.

Decides what `t` is, when rows, weights and scalars are taken, what ends a recording, and that nothing of ours reaches
the training: every entry from outside runs under `guard`. What a source holds is decided in `binding`, what a task
contributes in `tasks`, what a run directory looks like in `store`.

The first step of an optimizer that owns selected parameters binds the recording to it: only then the model, the
parameters and P are known, so only then the run directory is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo

from recorders.active import activate, deactivate
from recorders.errors import RefusedError, SedscopeError
from recorders.follow.binding import Binding
from recorders.follow.followed import FollowedTraining
from recorders.follow.journal_notes import first_t
from recorders.follow.ownership import refuse_unrecordable
from recorders.follow.step_recorder import StepRecorder
from recorders.format import END_FINISHED, END_TERMINATED, MAX_NAME, MAX_TASKS, METRIC_PREFIX, SKIPPED, STEPS_BEFORE
from recorders.observe.backward import BackwardObserver
from recorders.observe.hooks import Closure, StepHooks
from recorders.observe.rescaling import ClippingObserver, ScalerObserver
from recorders.process.signals import ClosingSignals
from recorders.recording_options import RecordingOptions
from recorders.recording_output import RecordingOutput
from recorders.row_sources import GRADIENT
from recorders.run_manifest import build_manifest, describe
from recorders.selection import Selection
from recorders.store.run_folder import ReservedFolder


class RecordingSession:
    """The recording that is active in this process.

    Args:
        folder: the run directory, given back when nothing is recorded.
        options: what to record.
        command: the command line, for the run's manifest.

    Raises:
        UsageError: another recording is active.
    """

    def __init__(self, folder: ReservedFolder, options: RecordingOptions, *, command: Sequence[str] = ()) -> None:
        activate(self)
        self.path = folder.path
        self.options = options
        self.t = 0
        """Completed optimizer steps."""
        self.stopped: str | None = None
        """Why nothing more is recorded, or None."""
        self.captures: dict[Any, Any] = {}
        """Feature programs by how they were captured, for tasks to share."""
        self._pid = os.getpid()
        self._command = tuple(command)
        self._followed = FollowedTraining(options.select, self._begin, self._succeed, self._remark, self._guessed_wrong)
        self._stepping = False
        self._steps: StepRecorder | None = None
        self._tasks: dict[str, None] = {}
        self._closed = False
        self.output = RecordingOutput(folder, options)
        self._scaler = ScalerObserver(self.guard, self._skip)
        self._clipping = ClippingObserver(self.guard, lambda: None if self._scaler.unscaled else self._scaler.scale)
        self.backward = BackwardObserver(self, self._scaler.scale_of)
        self._hooks = StepHooks(self.before_step, self.after_step, self.failed)
        self._signals = ClosingSignals(self.terminate)

    # --- from the optimizer's hooks --------------------------------------------------------------------------------

    def before_step(self, optimizer: torch.optim.Optimizer, closure: Closure) -> None:
        """Read what must be read while θ_t is in place and about to be stepped from."""
        self._stepping = False
        binding = self._followed.match(optimizer, closure) if self._is_live() else None
        if binding is None or self._steps is None:
            return
        refuse_unrecordable(optimizer, closure)
        self._stepping = True
        self._steps.before(self.t, closure_given=closure is not None)

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Take rows and scalars of a step that was made, or that a fused kernel skipped."""
        self._scaler.step_seen(optimizer)
        binding = self._followed.binding
        is_stepping = self._is_live() and self._stepping
        if not is_stepping or binding is None or self._steps is None or optimizer is not binding.optimizer:
            return
        found_inf = getattr(optimizer, "found_inf", None)
        if found_inf is not None and float(found_inf):
            self._skip(optimizer)
            return
        # Counted first: whatever interrupts us from here on, a signal among it, finds θ and t together.
        t, self.t = self.t, self.t + 1
        self._steps.finish_step(t, self._tasks)
        self._stepping = False
        self._steps.take(t)

    def failed(self, error: Exception) -> None:
        """Stop recording, once, and say why; the training goes on.

        Raises:
            SedscopeError: the training is under an intervention: without it, it would be another training.
        """
        if self.stopped is not None:
            return
        refused = isinstance(error, SedscopeError)
        self.stopped = (str(error) if refused else f"{type(error).__name__}: {error}").partition("\n")[0]
        changed = self.options.changes_training
        try:
            self.output.give_up(self.stopped, self.t, refused=refused, ends_training=changed)
            self.backward.ledger.abandon()
            self.output.close("recording stopped")
        except Exception as second:  # noqa: BLE001  we are already giving up; the training must not notice
            self.output.say_once(f"{self.path}: {type(second).__name__}: {second}")
        if changed:
            raise RefusedError(f"intervene: {self.stopped} (the training is ended)") from error

    # --- from the API ----------------------------------------------------------------------------------------------

    @_disable_dynamo  # a compiled step goes on in pieces around what is ours
    def guard(self, action: Callable[[], None]) -> None:
        """Run something of ours; what it raises ends the recording, not the training."""
        try:
            if self._is_live():
                action()
        except Exception as error:  # noqa: BLE001  it would surface in the middle of somebody's training
            self.failed(error)

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Record metrics of the t completed so far."""
        self.guard(lambda: self._log(metrics))

    def adopt(self, model: nn.Module) -> bool:
        """Take the model that the script names, unless another one is being recorded already."""
        return self._followed.adopt(model)

    def refuse_task_gradients(self, reason: str) -> None:
        """Say that gradients of single tasks cannot be taken, and record the rest."""
        intervention = self.options.intervention
        if intervention is not None and intervention.needs_window and intervention.task is not None:
            raise RefusedError(f"basis-source: gradients of single tasks cannot be taken: {reason}")
        advice = "; set torch._functorch.config.donated_buffer = False before compiling" if "donated" in reason else ""
        self.output.tell("refused", f"gradients of single tasks are not recorded: {reason}{advice}", self.t)

    def add_task(self, task: str) -> bool:
        """Take notice of a task that the script has named; False for one that is not recorded."""
        line = _too_long("task: the name", task)
        if line is None and task not in self._tasks and len(self._tasks) >= MAX_TASKS:
            line = f"task: at most {MAX_TASKS:,} are recorded; {task[:40]!r} is not"
        if line is not None:
            self.output.tell("name", line, self.t)
        elif task not in self._tasks:
            self._tasks[task] = None
            if self.output.is_open:
                self.output.note("task", task, self.t)
        return line is None

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self, reason: str = END_FINISHED) -> None:
        """Take the last θ, write what waits, end the session and take every hook out; idempotent."""
        if os.getpid() != self._pid:
            return
        self._signals.wait()
        if not self._closed and self.stopped is None:
            self._finish(reason)
        self._closed = True
        # The last one first: several of them have replaced the same function.
        for observer in (self._signals, self._hooks, self.backward, self._clipping, self._scaler):
            observer.remove()
        deactivate(self)

    def terminate(self) -> Callable[[], None]:
        """Stop at once; the result writes what is left and may run on another thread, while the training goes on."""
        write_theta: Callable[[], None] | None = None
        if self._is_live() and self._steps is not None and not self._stepping:
            with suppress(Exception):  # this runs in a signal handler, between any two lines of the training
                write_theta = self._steps.theta.copy_last(self.t)
        unfinished, self._closed = not self._closed and self.stopped is None, True

        def write() -> None:
            if write_theta is not None:
                write_theta()
            if unfinished:
                self.output.close(END_TERMINATED)

        return write

    def _finish(self, reason: str) -> None:
        try:
            if self._steps is None:
                nothing = "nothing was changed or recorded" if self.options.changes_training else "nothing was recorded"
                self.output.say_once(f"{nothing}: {self._followed.why_none}")
            elif not self._stepping:  # a step that was broken off may have moved some parameters and not others
                self._steps.theta.keep_last(self.t)
            if self._steps is not None:
                self._steps.finish(self.t)
            self.output.close(reason)
        except Exception as error:  # noqa: BLE001  the training is over, and its exit status is not ours
            self.output.say_once(f"{self.path}: the end is missing: {type(error).__name__}: {error}")

    def wants_gradient_of(self, task: str) -> bool:
        """Return whether the step that leaves θ_t needs the task's gradient: as a row, or for an intervention."""
        if task not in self._tasks:
            return False  # its name is too long, or there were too many before it
        recorded = self.options.records(self.t) and self.options.wants(f"{GRADIENT}/{task}")
        intervention = self.options.intervention
        return recorded or (intervention is not None and intervention.wants_gradient_of(task, self.t))

    @property
    def selection(self) -> Selection | None:
        """Return the selected parameters, as soon as the model is known."""
        return self._followed.selection

    def guess_selection(self, losses: Iterable[Tensor]) -> Selection | None:
        """Return the selected parameters of the model of these losses, before any optimizer was seen to step."""
        return self._followed.guess(losses)

    # --- binding ---------------------------------------------------------------------------------------------------

    def _is_live(self) -> bool:
        return self.stopped is None and not self._closed and os.getpid() == self._pid

    def _succeed(self, binding: Binding) -> None:
        if self._steps is not None:
            self._remark(self._steps.succeed(binding, self.t))

    def _begin(self, binding: Binding) -> None:
        self.t, remark = first_t(binding.optimizer, self.options, self.path)
        for line in (remark, binding.left_out()):
            if line is not None:
                self._remark(line)
        members: Any = {"name": self.path.name, "command": self._command, "tasks": list(self._tasks), "first_t": self.t}
        manifest = build_manifest(binding, self.options, **members)
        collaborators = binding, self.options, self.output, self.backward.ledger, self._clipping
        self._steps = StepRecorder(*collaborators, t=self.t, ahead=manifest[STEPS_BEFORE])
        self.output.open(manifest, self.t, binding.state())
        for line in describe(binding, self.options, self._tasks):
            self.output.say_once(line)

    def _guessed_wrong(self) -> None:
        if self.backward.ledger.forget_gradients():
            self.output.note("parameter", "gradients of tasks before the first step were of another model: dropped")

    def _remark(self, line: str) -> None:
        self.output.tell("parameter", line, self.t)

    # --- within a step ---------------------------------------------------------------------------------------------

    def _skip(self, optimizer: Any) -> None:
        """Drop what was gathered for a step in which a GradScaler found infinities: t stands still."""
        binding = self._followed.match(optimizer, None)
        if binding is not None:
            self._stepping = False
            self.backward.ledger.clear()
            self._clipping.take(binding.stepped())
            self.output.scalars(self.t, {SKIPPED: 1.0})

    def _log(self, metrics: Mapping[str, Any]) -> None:
        scalars, complaints = _metric_scalars(metrics)
        for line in complaints:
            self.output.tell("metric", line, self.t)
        self.output.scalars(self.t, scalars)


def _metric_scalars(metrics: Mapping[str, Any]) -> tuple[dict[str, float | Tensor], list[str]]:
    """Return the numbers by their names in a run, and a line for each metric that is no number or is named too long."""
    scalars: dict[str, float | Tensor] = {}
    complaints = []
    for name, value in metrics.items():
        number = _as_number(value)
        if (line := _too_long("log: the name of a metric", str(name))) is not None:
            complaints.append(line)
        elif number is None:
            complaints.append(f"log: {name!r} must be a number, found {type(value).__name__}")
        else:
            scalars[f"{METRIC_PREFIX}{name}"] = number
    return scalars, complaints


def _too_long(what: str, name: str) -> str | None:
    """Return why something of this name is not recorded; None where its name is short enough."""
    if len(name) <= MAX_NAME:
        return None
    return f"{what} must have at most {MAX_NAME} characters, found {len(name)}: {name[:40]!r}… is not recorded"


def _as_number(value: Any) -> float | Tensor | None:
    if isinstance(value, Tensor):
        real = value.numel() == 1 and not value.is_complex()
        return value.detach().clone().reshape(()) if real else None  # the script may change it in place
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
