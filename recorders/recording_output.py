"""Between the session and the writer: what waits for the run directory, what the budget allows, what is said once.

Decides when rows stop for the budget and how a failure is worded. The run directory is written when the recording is
bound to a model; until then only its empty folder is reserved, and given back if nothing comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from recorders.byte_size import size_text
from recorders.offload import Scalar, State, Vector, scalars_to_host, state_to_host, vector_to_host
from recorders.recording_options import RecordingOptions
from recorders.speech import say
from recorders.store.run_folder import ReservedFolder
from recorders.store.tensorfile import holds

if TYPE_CHECKING:
    from recorders.store.run_writer import RunWriter

_SECONDS_HELD = 0.5
"""Seconds that scalars may wait before the writer gets them."""
_STEPS_HELD = 64
"""Number of steps whose scalars may wait."""


def open_writer(path: Path, manifest: dict[str, Any], options: RecordingOptions, first_t: int) -> RunWriter:
    """Return the run directory's writer: of a new run, or of a new session of the run that is there."""
    from recorders.store.run_writer import RunWriter

    if options.resume:
        return RunWriter.resume(path, manifest=manifest, first_t=first_t)
    return RunWriter.create(path, manifest, force=options.force)


class RecordingOutput:
    """The one way of a recording to its run directory and to stderr."""

    def __init__(self, folder: ReservedFolder, options: RecordingOptions) -> None:
        self.path = folder.path
        self._folder = folder
        self._options = options
        self._writer: RunWriter | None = None
        self._waiting: list[Callable[[RunWriter], None]] = []
        self._early_scalars: dict[str, float | Tensor] = {}
        self._waiting_scalars: list[tuple[int, Mapping[str, Scalar]]] = []
        self._flushed = time.monotonic()
        self._programs: dict[int, str] = {}  # by identity: the recording holds every capture to its end
        self._state_names: frozenset[str] = frozenset()
        self._printed: set[str] = set()
        self._handed_on = 0
        self._stopped = False

    @property
    def is_open(self) -> bool:
        """Return whether there is a run directory."""
        return self._writer is not None

    def open(self, manifest: dict[str, Any], first_t: int, state_names: Collection[str]) -> None:
        """Write the run's beginning and everything that waited for it; `state_names` are those of a state's tensors."""
        self._state_names = frozenset(state_names)
        self._writer = open_writer(self.path, manifest, self._options, first_t)
        self._writer.on_failure = self._writing_failed
        for send in self._waiting:
            send(self._writer)
        self._waiting.clear()
        if self._early_scalars:
            self._writer.scalars(first_t, scalars_to_host(self._early_scalars))
            self._early_scalars.clear()

    def rows(self, t: int, rows_by_source: Mapping[str, Tensor]) -> None:
        """Write the rows of one recorded t: all, or none once the budget is spent. They are kept, not copied."""
        if self._afford(t, rows_by_source.values()):
            for source, flat in rows_by_source.items():
                self._send(partial(_send_row, source, t, vector_to_host(flat)))

    def weights(self, t: int, state: Mapping[str, Tensor]) -> None:
        """Write the full state at t, which is copied here."""
        if self._afford(t, state.values()):
            self.copied_weights(t, state_to_host(state))

    def copied_weights(self, t: int, state: State) -> None:
        """Write the full state at t, which is a copy already."""
        self._send(lambda writer: writer.weights(t, state))

    def scalars(self, t: int, values: Mapping[str, float | Tensor]) -> None:
        """Take numbers at t, and hand on a few at a time: waking the writer's thread at every step costs more."""
        if self._writer is None:
            # t is not known before the first step; of one name the last value counts.
            self._early_scalars.update(values)
            return
        self._waiting_scalars.append((t, scalars_to_host(values)))
        now = time.monotonic()
        if now - self._flushed >= _SECONDS_HELD or len(self._waiting_scalars) >= _STEPS_HELD:
            self._flushed = now
            self._flush(self._writer)

    def probe(self, task: str, tensors: Mapping[str, Tensor], meta: dict[str, Any], capture: Any) -> None:
        """Write a task's probes; `capture` is None, or the feature program, which tasks may share."""

        def send(writer: RunWriter) -> None:
            name, more = None, {}
            if capture is not None and (why_not := self._why_useless(capture)) is not None:
                more = {"why_no_program": why_not}
                self.tell("refused", f"probe {task}: no feature program: {why_not}")
            elif capture is not None:
                name = self._programs.get(id(capture)) or writer.program(capture.program_json, capture.constants)
                self._programs[id(capture)] = name
            writer.probe(task, tensors, meta | more | {"program": name})

        self._send(send)

    def _why_useless(self, capture: Any) -> str | None:
        """Return what a program asks for and the run does not store; said now, not at an analysis much later."""
        for name in capture.state_names:
            if name not in self._state_names:
                return f"it asks for {name}, which is not among the weights that are stored"
        for name, constant in capture.constants.items():
            if not holds(str(constant.dtype)):
                return f"its constant {name} is {str(constant.dtype).removeprefix('torch.')}, which a run cannot hold"
        return None

    def note(self, kind: str, message: str, t: int | None = None) -> None:
        """Write a note into the journal alone."""
        self._send(lambda writer: writer.note(kind, message, t))

    def tell(self, kind: str, message: str, t: int | None = None) -> None:
        """Write a note into the journal and on stderr, each text once."""
        if self.say_once(message):
            self.note(kind, message, t)

    def say_once(self, message: str) -> bool:
        """Print on stderr, unless it was printed before; return whether it was new."""
        new = message not in self._printed
        self._printed.add(message)
        if new:
            say(message)
        return new

    def give_up(self, reason: str, t: int, *, refused: bool, ends_training: bool) -> None:
        """Say that the recording cannot go on. What ends the training as well is said by whoever catches it."""
        kind = "refused" if refused else "failed"
        what = f"recording stopped at t = {t}" if self.is_open else "not recorded"
        if ends_training:
            self.note(kind, f"{what}: {reason} (the training was ended)", t)
        else:
            self.tell(kind, f"{what}: {reason} (the training goes on)", t)

    def close(self, reason: str) -> None:
        """End the session, or give the reserved folder back when nothing was recorded."""
        self._waiting.clear()
        if self._writer is not None:
            try:
                self._flush(self._writer)
            finally:
                self._writer.close(reason)
        else:
            self._folder.give_back()

    def _send(self, send: Callable[[RunWriter], None]) -> None:
        if self._writer is None:
            self._waiting.append(send)
        else:
            send(self._writer)

    def _flush(self, writer: RunWriter) -> None:
        numbers, self._waiting_scalars = self._waiting_scalars, []
        for t, values in numbers:
            writer.scalars(t, values)

    def _writing_failed(self, reason: str) -> None:
        """Stop taking rows: no longer worth a copy. On the writer's thread, which has noted the failure itself."""
        self._stopped = True
        self.say_once(f"{self.path}: {reason} (the training goes on)")

    def _afford(self, t: int, tensors: Any) -> bool:
        size = sum(tensor.nbytes for tensor in tensors)
        budget = self._options.budget
        if budget is not None and not self._stopped and self._handed_on + size > budget:
            self._stopped = True
            message = f"the budget of {size_text(budget)} is reached at t = {t}"
            self.tell("budget", f"{message}: rows and weights stop, scalars go on", t)
        if self._stopped:
            return False
        self._handed_on += size
        return True


def _send_row(source: str, t: int, vector: Vector, writer: RunWriter) -> None:
    writer.rows(source, t, vector)
